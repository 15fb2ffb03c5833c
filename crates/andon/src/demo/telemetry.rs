//! The second half of the demo's end: from certificates to a notification, with the SQL that explains it.

use andon_server::schema::{DeviceConservation, QueryData, QueryParameter};
use serde::Serialize;
use serde_json::{Map, Value};

use super::fleet::{MACHINE, Published, READINGS};
use super::lake::{self, Conservation};
use super::machine::{Alarm, Machine};
use super::stage::Stage;
use crate::commands::sql::value_text;
use crate::output::{Cell, Grid, Output, Tone};

/// Degrees that a character of the chart stands for, and the longest bar.
const DEGREES: f64 = 4.0;
const LONGEST: u32 = 30;

/// What devices, lake and SAP say of the same minute.
#[derive(Debug, Serialize)]
pub(super) struct Telemetry {
    /// Who signed the devices' certificates.
    authority: String,
    /// Devices that made their keys and got certificates, and those that came in with them.
    devices_onboarded: usize,
    devices_connected: u64,
    /// Readings by MQTT, and those that were acknowledged.
    published: u64,
    acknowledged: u64,
    conservation: Conservation,
    machine: Machine,
    /// How often the machine became too hot, by the lake's rows.
    times_too_hot: usize,
    /// Where the machine's readings are.
    machine_readings: DeviceConservation,
    /// The query and its rows.
    explained_by: QueryData,
}

impl Telemetry {
    /// Reads it back through the API, and from the books.
    pub(super) async fn make(stage: &Stage, published: Published, conservation: Conservation) -> anyhow::Result<Self> {
        let explained_by = lake::hour_of(&stage.client, MACHINE).await?;
        let Published { authority, onboarded, fleet } = published;
        Ok(Self {
            authority,
            devices_onboarded: onboarded,
            devices_connected: fleet.connects.connected,
            published: fleet.total.sent,
            acknowledged: fleet.total.acknowledged,
            conservation,
            machine: Machine::look(&stage.client, MACHINE, &stage.simulator.books()).await?,
            times_too_hot: times_too_hot(&explained_by.data.rows),
            machine_readings: lake::of_device(&stage.client, MACHINE).await?,
            explained_by,
        })
    }

    /// Whether every device came in, every reading is accounted for, and the machine is known to SAP once.
    pub(super) fn is_good(&self) -> bool {
        let kept = self.acknowledged == self.published && self.conservation.is_good();
        self.all_came_in() && kept && self.rows_are_right() && self.machine.is_good()
    }

    fn all_came_in(&self) -> bool {
        u64::try_from(self.devices_onboarded) == Ok(self.devices_connected)
    }

    /// Whether the query's rows stand for all that the machine's device has said, and show why there was an alarm.
    fn rows_are_right(&self) -> bool {
        let DeviceConservation { received, readings, drift, .. } = self.machine_readings;
        let in_rows = readings_in(&self.explained_by.data.rows);
        (received, drift, in_rows) == (READINGS, 0, readings) && self.times_too_hot > 0
    }

    /// Prints it for people; machines have it in the report.
    pub(super) fn print(&self, output: Output) -> anyhow::Result<()> {
        output.note("\nFrom the certificate to SAP")?;
        output.aside(&self.facts())?;
        output.note(&format!("\nWhy, in SQL (andon queries run {} --set device={MACHINE})", lake::QUERY))?;
        for line in self.explained_by.query.sql.trim().lines() {
            output.note(&format!("   {line}"))?;
        }
        output.note(&format!("   with {}", self.parameters()))?;
        output.note("")?;
        output.aside(&self.chart())
    }

    fn facts(&self) -> Grid {
        let (kept, machine) = (&self.conservation, &self.machine);
        let mut grid = Grid::pairs();
        grid.pair("devices", Cell::toned(self.devices_text(), tone(self.all_came_in())));
        let published = format!("{} published by MQTT over TLS, {} acknowledged", self.published, self.acknowledged);
        grid.pair("readings", Cell::toned(published, tone(self.acknowledged == self.published)));
        grid.pair("lake", Cell::toned(self.sum(), tone(kept.is_good())));
        grid.pair("alarm", machine.alarm.as_ref().map_or_else(|| "none".to_owned(), |alarm| self.reason(alarm)));
        grid.pair("event", Cell::toned(told(machine), tone(machine.events == 1)));
        grid.pair("SAP", Cell::toned(notified(machine), tone(machine.is_good())));
        grid
    }

    /// Where the readings are, and why they are not those that the devices published.
    fn sum(&self) -> String {
        let Conservation { received, rows, quarantined, in_flight, .. } = self.conservation;
        let by_http = received.saturating_sub(self.acknowledged);
        format!(
            "{received} received = {rows} rows + {quarantined} quarantined + {in_flight} in flight ({by_http} came from \
             a gateway by HTTP, {quarantined} were on purpose not JSON)"
        )
    }

    fn devices_text(&self) -> String {
        let Self { devices_onboarded, authority, devices_connected, .. } = self;
        format!(
            "{devices_onboarded} made their keys, {authority} signed their certificates, {devices_connected} connected"
        )
    }

    fn reason(&self, alarm: &Alarm) -> String {
        let Alarm { name, value, threshold, unit, .. } = alarm;
        let asset = &self.machine.asset;
        let times = self.times_too_hot;
        format!("{asset} {name}: {value:.1} {unit} above {threshold:.1} {unit}; too hot {times} times, one episode")
    }

    /// What stands for the names in the statement.
    fn parameters(&self) -> String {
        let value = |name: &str, known: &QueryParameter| match name {
            "device" => MACHINE.to_owned(),
            _ => value_text(known.default.as_ref()),
        };
        let parameters = self.explained_by.query.parameters.iter();
        let texts: Vec<_> = parameters.map(|(name, known)| format!(":{name} = {}", value(name, known))).collect();
        texts.join(", ")
    }

    /// The rows, each with a bar.
    fn chart(&self) -> Grid {
        let columns = &self.explained_by.data.columns;
        let names = columns.iter().map(|column| column.name.clone()).chain([String::new()]);
        let mut grid = Grid::of_columns(names, "no rows");
        for row in &self.explained_by.data.rows {
            let texts = columns.iter().map(|column| Cell::from(value_text(row.get(&column.name))));
            let tone = if is_too_hot(row) { Tone::Bad } else { Tone::Good };
            grid.push(texts.chain([Cell::toned(bar(row), tone)]));
        }
        grid
    }
}

fn told(machine: &Machine) -> String {
    let Some(alarm) = &machine.alarm else { return machine.events.to_string() };
    let Alarm { event, decision, action, .. } = alarm;
    format!("{event}, decided by {decision}: {action}; events in all: {}", machine.events)
}

fn notified(machine: &Machine) -> String {
    let equipment = machine.alarm.as_ref().map_or("", |alarm| &alarm.equipment);
    let later = machine.seconds_to_sap.map(|seconds| format!(", {} after the reading", short(seconds)));
    let later = later.unwrap_or_default();
    let numbers = machine.notifications.join(", ");
    format!("notification {numbers} for equipment {equipment}{later}")
}

/// Milliseconds, as long as it takes no longer.
fn short(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.1} s") }
}

const fn tone(good: bool) -> Tone {
    if good { Tone::Good } else { Tone::Bad }
}

fn is_too_hot(row: &Map<String, Value>) -> bool {
    row.get("too_hot").and_then(Value::as_bool) == Some(true)
}

/// How often the rows become too hot.
fn times_too_hot(rows: &[Map<String, Value>]) -> usize {
    let before = [false].into_iter().chain(rows.iter().map(is_too_hot));
    before.zip(rows).filter(|(before, row)| !before && is_too_hot(row)).count()
}

/// Readings that the rows stand for.
fn readings_in(rows: &[Map<String, Value>]) -> u64 {
    rows.iter().filter_map(|row| row.get("readings")?.as_u64()).sum()
}

fn bar(row: &Map<String, Value>) -> String {
    let highest = row.get("highest").and_then(Value::as_f64).unwrap_or_default();
    (1..=LONGEST).take_while(|count| f64::from(*count) * DEGREES <= highest).map(|_| '█').collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(highest: &[f64]) -> Vec<Map<String, Value>> {
        let row = |highest: &f64| json!({ "readings": 4, "highest": highest, "too_hot": *highest > 65.0 });
        highest.iter().filter_map(|highest| row(highest).as_object().cloned()).collect()
    }

    #[test]
    fn becoming_too_hot_is_counted() {
        let check = |highest: &[f64], expect: usize| assert_eq!(times_too_hot(&rows(highest)), expect, "{highest:?}");
        check(&[], 0);
        check(&[20.0, 65.0], 0);
        check(&[20.0, 80.0, 81.0, 20.0, 66.0], 2);
        check(&[80.0, 20.0, 80.0], 2);
        assert_eq!(readings_in(&rows(&[20.0, 80.0])), 8);
    }

    #[test]
    fn short_times_are_not_zero() {
        assert_eq!([0.0421, 0.999, 2.04].map(short), ["42 ms", "999 ms", "2.0 s"]);
    }

    #[test]
    fn bars_end_where_the_terminal_does() {
        let check = |highest: f64, expect: usize| {
            let drawn = rows(&[highest]);
            assert_eq!(drawn.iter().map(|row| bar(row).chars().count()).sum::<usize>(), expect, "{highest}");
        };
        check(-5.0, 0);
        check(20.5, 5);
        check(1e9, 30);
    }
}
