//! A simulator, a destination that points to it, and a request of every kind.

use std::sync::Arc;
use std::time::Duration;

use andon_act::{Answer, AttachmentBody, ChangesetPart, Found, IfMatch, Match, ProbeQuery, Request, StepKind, Target};
use andon_connectors::{DestinationSpec, Destinations};
use andon_journal::{AttachmentInfo, Attachments, JournalError, Secrets, StoredAttachment};
use andon_model::{Key, Name, Offset, Secret, SystemClock, Timestamp};
use andon_sim::{SapSimulator, SimulatorConfig};
use andon_testkit::memory_journal::MemoryJournal;
use async_trait::async_trait;

const KEY: &str = "ABCDEFGHJKMNPQRSTVWX";
/// Those of the change sets, which make a notification and a defect as well.
const SET_KEY: &str = "SBCDEFGHJKMNPQRSTVWX";
const SET_V4_KEY: &str = "4BCDEFGHJKMNPQRSTVWX";
const NOTIFICATIONS: &str = "/sap/opu/odata/sap/API_MAINTNOTIFICATION";
const DEFECTS: &str = "/sap/opu/odata4/sap/api_defect/srvd_a2x/sap/defect/0001";
const ATTACHMENTS: &str = "/sap/opu/odata/sap/API_CV_ATTACHMENT_SRV";

/// How long an answer may take: far more than the simulator needs, far less than its slow moods.
const PATIENCE: Duration = Duration::from_secs(3);

/// The steps of the tables, in the order of their columns.
pub(crate) const STEPS: [&str; 9] =
    ["http", "odata", "odata-v4", "attachment", "changeset", "changeset-v4", "patch", "decision", "summary"];

/// Keeps one picture, whatever it is asked for.
struct Shelf;

#[async_trait]
impl Attachments for Shelf {
    async fn attachment(&self, _digest: &str) -> Result<Option<StoredAttachment>, JournalError> {
        let bytes = vec![0x89, b'P', b'N', b'G', 0, 0xff].into();
        Ok(Some(StoredAttachment { content_type: "image/png".into(), name: "7.png".into(), bytes }))
    }

    async fn attachments_of(&self, _event: Offset) -> Result<Vec<AttachmentInfo>, JournalError> {
        Ok(Vec::new())
    }
}

/// A simulator that holds one notification, and the destination `s4`.
pub(crate) struct Plant {
    pub(crate) sap: SapSimulator,
    destinations: Destinations,
}

impl Plant {
    pub(crate) async fn new(config: SimulatorConfig) -> Self {
        let sap = SapSimulator::start(config).await.expect("a simulator");
        let plant = Self { destinations: destinations(&sap.base_url()).await, sap };
        let first = Request { body: Some("{\"NotificationText\":\"first\"}".into()), ..create() };
        let Answer::Done(_) = plant.send(&first).await else { panic!("the first notification is created") };
        plant
    }

    /// The same in a mood: `kind=probability`.
    pub(crate) async fn in_mood(faults: &str) -> Self {
        let plant = Self::new(SimulatorConfig::default()).await;
        plant.sap.set_faults(7, faults.parse().expect("faults"));
        plant
    }

    pub(crate) async fn send(&self, request: &Request) -> Answer {
        self.destinations.send(&s4(), request).await
    }

    pub(crate) async fn probe(&self, query: &ProbeQuery) -> Found {
        self.destinations.probe(&s4(), query).await
    }

    /// The verdicts on a request of every kind, in the order of [`STEPS`].
    pub(crate) async fn verdicts(&self) -> Vec<String> {
        let send = async |step: &str| verdict(&self.send(&request(step)).await);
        futures_util::future::join_all(STEPS.map(send)).await
    }
}

fn s4() -> Name {
    Name::new("s4").expect("name")
}

async fn destinations(url: &str) -> Destinations {
    let secrets = Arc::new(MemoryJournal::new());
    let password = Name::new("password").expect("name");
    secrets.put_secret(&password, Secret::new("simulated"), Timestamp::default()).await.expect("stored");
    let document = format!(
        "url = \"{url}\"\n[auth]\nkind = \"basic\"\nuser = \"ANDON\"\npassword = {{ secret = \"password\" }}\n"
    );
    let destinations = Destinations::new(secrets, Arc::new(Shelf), Arc::new(SystemClock));
    destinations.replace([DestinationSpec::parse(&s4(), &document).expect("a destination")]);
    destinations
}

/// A request of one of [`STEPS`].
pub(crate) fn request(step: &str) -> Request {
    match step {
        "http" => plain(StepKind::Http, "/sim/echo", "{\"a\":1}"),
        "odata" => create(),
        "odata-v4" => defect(),
        "attachment" => upload(),
        "changeset" => changeset(),
        "changeset-v4" => changeset_v4(),
        "patch" => patch(),
        "decision" => plain(
            StepKind::Decision,
            "/v2/rule-services",
            r#"{"RuleServiceId":"a4c1e5f0d2b34c7e9f10213243546576","Vocabulary":[
            {"EventInfo":{"SourceSystem":"AWS","DeviceLocation":"Line 1","DeviceType":"Pump"}}]}"#,
        ),
        "summary" => plain(
            StepKind::Summary,
            "/v1/chat/completions",
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Why?\"}]}",
        ),
        other => panic!("no step {other}"),
    }
}

fn plain(kind: StepKind, path: &str, body: &str) -> Request {
    Request {
        kind,
        method: "POST".into(),
        path: path.into(),
        query: Vec::new(),
        headers: Vec::new(),
        content_type: Some("application/json".into()),
        body: Some(body.into()),
        csrf: false,
        service: None,
        key: Key::new(KEY),
        repeatable_since: None,
        changeset: Vec::new(),
        if_match: None,
        attachment: None,
        budget: None,
        timeout_ms: u64::try_from(PATIENCE.as_millis()).expect("a short time"),
    }
}

fn odata(kind: StepKind, service: &str, path: &str, body: &str) -> Request {
    let full = format!("{service}/{path}");
    Request { csrf: true, service: Some(service.into()), ..plain(kind, &full, body) }
}

/// The body of a notification about an equipment.
fn notification(text: &str, reference: &str) -> String {
    let object = "\"TechnicalObject\":\"210100094\",\"TechObjIsEquipOrFuncnlLoc\":\"EAMS_EQUI\"";
    format!("{{\"NotificationText\":\"{text}\",{object},\"MaintNotifExtReferenceNumber\":\"{reference}\"}}")
}

fn create() -> Request {
    odata(StepKind::Odata, NOTIFICATIONS, "MaintenanceNotification", &notification("Hot bearing", KEY))
}

fn defect_body(reference: &str) -> String {
    let what = format!("\"DefectCategory\":\"06\",\"DefectText\":\"Scratch {reference}\"");
    format!("{{{what},\"Equipment\":\"210100094\",\"QualityIssueReference\":\"{reference}\"}}")
}

fn defect() -> Request {
    odata(StepKind::OdataV4, DEFECTS, "Defect", &defect_body(KEY))
}

fn upload() -> Request {
    let headers = [
        ("Slug", &*format!("board%2042 {KEY}.png")),
        ("BusinessObjectTypeName", "QFGEN"),
        ("LinkedSAPObjectKey", "$00000000057"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let attachment = Some(AttachmentBody { digest: "d".repeat(64), max_bytes: 100 });
    let content_type = Some("image/png".into());
    let request = odata(StepKind::Attachment, ATTACHMENTS, "AttachmentContentSet", "");
    Request { headers, attachment, content_type, body: None, ..request }
}

fn changeset() -> Request {
    let service = odata(StepKind::Odata, NOTIFICATIONS, "$batch", "");
    created_and_changed(
        service,
        "MaintenanceNotification",
        notification("In a set", SET_KEY),
        "{\"MaintPriority\":\"2\"}",
    )
}

fn changeset_v4() -> Request {
    let service = odata(StepKind::OdataV4, DEFECTS, "$batch", "");
    created_and_changed(service, "Defect", defect_body(SET_V4_KEY), "{\"DefectText\":\"Deep scratch\"}")
}

/// A change set that creates a document and changes it, which it can name by `$1` only.
fn created_and_changed(batch: Request, set: &str, create: String, change: &str) -> Request {
    let part = |content_id, method: &str, path: &str, body: String| {
        let headers = if method == "PATCH" { vec![("If-Match".to_owned(), "*".to_owned())] } else { Vec::new() };
        ChangesetPart { content_id, method: method.into(), path: path.into(), headers, body: Some(body) }
    };
    let changeset = vec![part(1, "POST", set, create), part(2, "PATCH", "$1", change.to_owned())];
    Request { changeset, body: None, content_type: None, ..batch }
}

fn patch() -> Request {
    let path = "MaintenanceNotification('10000001')";
    let request = odata(StepKind::Odata, NOTIFICATIONS, path, "{\"MaintPriority\":\"1\"}");
    Request { method: "PATCH".into(), if_match: Some(IfMatch::Read), ..request }
}

/// The search for what a request of one of [`STEPS`] made.
pub(crate) fn search(step: &str) -> ProbeQuery {
    let query = |kind, path: String, field: &str, matching| ProbeQuery {
        kind,
        path,
        field: field.into(),
        key: Key::new(KEY),
        value: KEY.into(),
        matching,
        listing: false,
        query: Vec::new(),
        timeout_ms: 10_000,
    };
    let notifications =
        |field, matching| query(StepKind::Odata, format!("{NOTIFICATIONS}/MaintenanceNotification"), field, matching);
    match step {
        "odata" => notifications("MaintNotifExtReferenceNumber", Match::Equals),
        "odata by part" => {
            ProbeQuery { value: KEY[3..].into(), ..notifications("MaintNotifExtReferenceNumber", Match::Contains) }
        }
        "odata-v4" => query(StepKind::OdataV4, format!("{DEFECTS}/Defect"), "QualityIssueReference", Match::Equals),
        "odata-v4 by part" => query(StepKind::OdataV4, format!("{DEFECTS}/Defect"), "DefectText", Match::Contains),
        "changeset" => {
            ProbeQuery { value: SET_KEY.into(), ..notifications("MaintNotifExtReferenceNumber", Match::Equals) }
        }
        "changeset-v4" => {
            let defects = query(StepKind::OdataV4, format!("{DEFECTS}/Defect"), "QualityIssueReference", Match::Equals);
            ProbeQuery { value: SET_V4_KEY.into(), ..defects }
        }
        "attachment" => {
            let of = [
                ("BusinessObjectTypeName", "'QFGEN'"),
                ("LinkedSAPObjectKey", "'$00000000057'"),
                ("SemanticObject", "''"),
            ];
            let of = of.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            let list =
                query(StepKind::Attachment, format!("{ATTACHMENTS}/GetAllOriginals"), "FileName", Match::Contains);
            ProbeQuery { listing: true, query: of, ..list }
        }
        other => panic!("nothing to search for after {other}"),
    }
}

/// `done`, `lost`, `busy`, or `refused <code> <status>`.
pub(crate) fn verdict(answer: &Answer) -> String {
    match answer {
        Answer::Done(_) => "done".to_owned(),
        Answer::Busy { .. } => "busy".to_owned(),
        Answer::Refused { problem, status } => format!("refused {} {status}", problem.code),
        Answer::Lost(_) => "lost".to_owned(),
    }
}
