//! The machine of the demo: its alarm, what was decided of it, and what SAP got.

use andon_journal::{EventRow, Page};
use andon_model::Timestamp;
use andon_sim::Books;
use serde::Serialize;
use serde_json::Value;

use crate::client::Client;
use crate::commands::events::decision_text;

/// Type of the events that alarms of assets are.
const ALARM: &str = "com.amazon.iotsitewise.alarm";
/// The field of a notification that names the equipment, with leading zeros.
const EQUIPMENT: &str = "TechnicalObject";

/// A machine that has overheated.
#[derive(Debug, Default, Serialize)]
pub(super) struct Machine {
    /// Its asset.
    pub(super) asset: String,
    /// Events of its alarms: one, however often it got hot.
    pub(super) events: usize,
    /// The first of them.
    pub(super) alarm: Option<Alarm>,
    /// Notifications for its equipment in SAP's books: one.
    pub(super) notifications: Vec<String>,
    /// Seconds from the reading that raised the alarm to the first of them.
    pub(super) seconds_to_sap: Option<f64>,
}

/// What an alarm's event says, and what was decided of it.
#[derive(Debug, Serialize)]
pub(super) struct Alarm {
    /// The event.
    pub(super) event: i64,
    /// The alarm's name.
    pub(super) name: String,
    /// What was measured.
    pub(super) value: f64,
    /// The highest value that is no reason for an alarm.
    pub(super) threshold: f64,
    /// Unit of both.
    pub(super) unit: String,
    /// When it was measured.
    pub(super) at: Timestamp,
    /// What SAP calls the machine.
    pub(super) equipment: String,
    /// Decision table and row.
    pub(super) decision: String,
    /// What was done of it.
    pub(super) action: String,
}

impl Machine {
    /// Reads its events from the API, and what SAP was told from the books.
    pub(super) async fn look(client: &Client, asset: &str, books: &Books) -> anyhow::Result<Self> {
        let alarms = [("type", Some(ALARM.to_owned())), ("subject", Some(asset.to_owned()))];
        let told: Page<EventRow> = client.list("/api/v1/events", &alarms).await?;
        let mut machine = Self { asset: asset.to_owned(), events: told.rows.len(), ..Self::default() };
        // The newest comes first.
        let Some(first) = told.rows.last() else { return Ok(machine) };
        let detail: EventRow = client.get(&format!("/api/v1/events/{}", first.offset)).await?;
        machine.alarm = alarm(&detail);
        machine.find_notifications(books);
        Ok(machine)
    }

    fn find_notifications(&mut self, books: &Books) {
        let Some(alarm) = &self.alarm else { return };
        let is_for = |number: &String| number.trim_start_matches('0') == alarm.equipment;
        let found = books.documents.iter().filter(|entry| entry.fields.get(EQUIPMENT).is_some_and(is_for));
        let found: Vec<_> = found.collect();
        self.seconds_to_sap = found.first().map(|entry| entry.created_at.since(alarm.at).as_secs_f64());
        self.notifications = found.into_iter().map(|entry| entry.number.clone()).collect();
    }

    /// Whether one alarm has become one notification.
    pub(super) fn is_good(&self) -> bool {
        self.events == 1 && self.alarm.is_some() && self.notifications.len() == 1
    }
}

fn alarm(row: &EventRow) -> Option<Alarm> {
    let event = row.event.as_ref()?;
    let data: &Value = &event.data;
    let text = |name: &str| data[name].as_str().map(str::to_owned);
    Some(Alarm {
        event: row.offset.0,
        name: text("property_id")?,
        value: data["value"].as_f64()?,
        threshold: data["threshold"].as_f64()?,
        unit: text("unit").unwrap_or_default(),
        at: event.time?,
        equipment: text("equipment")?,
        decision: row.decisions.iter().flatten().map(decision_text).collect::<Vec<_>>().join("; "),
        action: row.runs.first().map(|run| run.action.to_string()).unwrap_or_default(),
    })
}
