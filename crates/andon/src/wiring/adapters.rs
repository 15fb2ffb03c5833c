//! How configuration texts become sources and destinations: `andon-connectors` behind the engine's port.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use andon_act::Target;
use andon_act::template::Facts;
use andon_connectors::decode::{CloudEvents, FormData, Framework};
use andon_connectors::metadata::{Services, check_types};
use andon_connectors::{
    Bucket, BucketSource, ConnectorChecks, DestinationSpec, Destinations, MqttParts, MqttSource, SourceSpec,
};
use andon_engine::{Adapters, SourceParts};
use andon_journal::{
    Decoder, Document, DocumentCheck, DocumentKind, Finding, IntakeAuth, Journal, Keeper, ObjectReader, Secrets, Source,
};
use andon_model::{Clock, Name, Problem};
use andon_store::SqlStore;
use async_trait::async_trait;

/// Builds adapters that keep their marks and find their secrets in one store.
pub(super) struct Wires {
    store: Arc<SqlStore>,
    clock: Arc<dyn Clock>,
    destinations: Arc<Destinations>,
    data_folder: PathBuf,
    /// Where the readings of brokers are kept.
    readings: Option<Arc<dyn Keeper>>,
}

impl Wires {
    pub(super) fn new(store: Arc<SqlStore>, clock: Arc<dyn Clock>, data_folder: PathBuf) -> Self {
        let destinations = Arc::new(Destinations::new(store.clone(), store.clone(), clock.clone()));
        Self { store, clock, destinations, data_folder, readings: None }
    }

    /// The same, with a raw log for what brokers deliver as readings.
    #[must_use]
    pub(super) fn with_readings(self, readings: Option<Arc<dyn Keeper>>) -> Self {
        Self { readings, ..self }
    }

    /// A source that is asked for events, and how single objects of it are read.
    fn bucket(&self, spec: &SourceSpec) -> Option<(Arc<Bucket>, Box<dyn Source>)> {
        let bucket = Bucket::new(spec.name.clone(), spec.bucket.clone()?, &self.data_folder, self.store.clone());
        let journal: Arc<dyn Journal> = self.store.clone();
        let source = BucketSource::new(bucket.clone(), spec.decoder(), journal, self.clock.clone());
        Some((bucket, Box::new(source)))
    }

    /// A source that a broker outside delivers to.
    fn broker(&self, spec: &SourceSpec) -> Option<Box<dyn Source>> {
        let journal: Arc<dyn Journal> = self.store.clone();
        let (secrets, readings, clock) = (self.store.clone(), self.readings.clone(), self.clock.clone());
        let source = MqttSource::new(spec, MqttParts { secrets, journal, readings, clock })?;
        Some(Box::new(source))
    }
}

impl DocumentCheck for Wires {
    fn check(&self, document: &Document) -> Vec<Finding> {
        let mut findings = ConnectorChecks.check(document);
        findings.extend(andon_server::check_document(document, andon_lake::check_statement));
        findings
    }
}

#[async_trait]
impl Adapters for Wires {
    fn source(&self, document: &Document) -> Result<SourceParts, Problem> {
        let spec = SourceSpec::parse(&document.name, &document.text)?;
        let (notifications, pulled) = match self.bucket(&spec) {
            None => (None, self.broker(&spec)),
            Some((bucket, source)) => {
                let objects: Arc<dyn ObjectReader> = bucket;
                (Some((spec.push_decoder(), objects)), Some(source))
            }
        };
        let decoder: Arc<dyn Decoder> = spec.decoder();
        Ok(SourceParts { decoder, notifications, pulled, auth: spec.auth, description: spec.description })
    }

    fn built_in_sources(&self) -> Vec<(Name, SourceParts)> {
        let built_in = [
            (
                "cloudevents",
                Arc::new(FormData(Arc::new(CloudEvents))) as Arc<dyn Decoder>,
                "CloudEvents at POST /api/v1/events",
            ),
            ("framework", Arc::new(FormData(Arc::new(Framework))), "the framework's events at POST /api/events"),
        ];
        built_in
            .into_iter()
            .filter_map(|(name, decoder, text)| Some((Name::new(name).ok()?, pushed(decoder, text))))
            .collect()
    }

    fn check_types(&self, documents: &[Document], facts: &BTreeMap<Name, Facts>) -> Vec<Finding> {
        let services = Services::read(documents);
        let actions = documents.iter().filter(|document| document.kind == DocumentKind::Action);
        let checked = actions.filter_map(|action| Some(check_types(action, &services, facts.get(&action.name)?)));
        checked.flatten().collect()
    }

    async fn check_secrets(&self, documents: &[Document]) -> Vec<Finding> {
        // A store that cannot be read now is no fault of the configuration.
        let Ok(stored) = self.store.secret_names().await else { return Vec::new() };
        super::secrets::missing(documents, &stored.into_iter().map(|(name, _)| name).collect())
    }

    fn target(&self, destinations: &[Document]) -> Result<Arc<dyn Target>, Problem> {
        let parse = |document: &Document| DestinationSpec::parse(&document.name, &document.text);
        // One object for all revisions, so that unchanged destinations keep their connections and sessions.
        self.destinations.replace(destinations.iter().map(parse).collect::<Result<Vec<_>, _>>()?);
        let target: Arc<dyn Target> = self.destinations.clone();
        #[cfg(debug_assertions)]
        let target = super::crash_points::around_target(target);
        Ok(target)
    }
}

fn pushed(decoder: Arc<dyn Decoder>, description: &str) -> SourceParts {
    SourceParts {
        decoder,
        notifications: None,
        pulled: None,
        auth: IntakeAuth::Token,
        description: description.to_owned(),
    }
}
