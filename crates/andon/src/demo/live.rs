//! The machine while its device publishes: its latest value and its alarm, from the API, as people see them on a screen.

use andon_server::schema::{AlarmState, AssetDetail};

use super::progress::Progress;
use crate::client::{Client, segment};
use crate::commands::alarms::word;

/// The alarm of the scenario `quickstart` that SAP hears of, and its property.
const ALARM: &str = "overheated";
const PROPERTY: &str = "Temperature";

/// Looks at a machine, and tells what changes.
pub(super) struct Live<'a> {
    client: &'a Client,
    asset: &'static str,
    /// Readings that all devices together will publish.
    readings: u64,
    /// Whether it is too hot, as it was told last.
    is_hot: bool,
    /// How often it has become too hot.
    times_hot: u32,
}

/// What a look finds.
struct Seen {
    value: f64,
    limit: f64,
    state: AlarmState,
}

impl<'a> Live<'a> {
    pub(super) fn new(client: &'a Client, asset: &'static str, readings: u64) -> Self {
        Self { client, asset, readings, is_hot: false, times_hot: 0 }
    }

    /// Moves the line on, and says so when the machine has become too hot or cool again. A look that fails is none.
    pub(super) async fn look(&mut self, acknowledged: u64, progress: &Progress) {
        let found = self.client.get::<AssetDetail>(&format!("/api/v1/assets/{}", segment(self.asset))).await;
        let seen = found.ok().and_then(|detail| seen(&detail));
        if let Some(line) = seen.as_ref().and_then(|seen| self.turn(seen)) {
            progress.say(&line);
        }
        let machine = seen.map(|seen| format!("; {} at {:.1} C", self.asset, seen.value)).unwrap_or_default();
        let what = format!("{acknowledged} of {} readings acknowledged{machine}", self.readings);
        progress.move_to(acknowledged, self.readings, what);
    }

    /// What is to be told, if something has changed.
    fn turn(&mut self, seen: &Seen) -> Option<String> {
        let is_hot = seen.value > seen.limit;
        if is_hot == self.is_hot {
            return None;
        }
        self.is_hot = is_hot;
        self.times_hot += u32::from(is_hot);
        let (asset, value) = (self.asset, seen.value);
        Some(match (is_hot, self.times_hot) {
            (true, 1) => {
                let (limit, state) = (seen.limit, word(seen.state));
                format!("  {asset} is at {value:.1} C, above its limit of {limit:.1}: its alarm {ALARM} is {state}")
            }
            (true, _) => format!("  {asset} is at {value:.1} C again: the same episode, so nothing new for SAP"),
            (false, _) => format!("  {asset} is at {value:.1} C; its alarm is over when that lasts a minute"),
        })
    }
}

/// The value and the alarm; nothing before the first reading.
fn seen(detail: &AssetDetail) -> Option<Seen> {
    let alarm = detail.alarms.iter().find(|alarm| alarm.alarm == ALARM)?;
    let value = detail.values.iter().find(|value| value.property == PROPERTY)?.latest.as_ref()?.value.as_f64()?;
    Some(Seen { value, limit: alarm.evaluation.as_ref()?.threshold, state: alarm.state })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_told_once() {
        let client = Client::new("http://127.0.0.1:9", None, std::time::Duration::from_secs(1)).unwrap();
        let mut live = Live::new(&client, "press-5", 10);
        let mut told = |value| {
            let seen = Seen { value, limit: 65.0, state: AlarmState::Active };
            live.turn(&seen).unwrap_or_default()
        };
        let lines = [20.0, 65.0, 66.25, 80.0, 21.0, 20.0, 81.0].map(&mut told);
        let parts = ["", "", "overheated is active", "", "at 21.0 C;", "", "at 81.0 C again"];
        for (line, part) in lines.iter().zip(parts) {
            assert!(line.contains(part) && line.is_empty() == part.is_empty(), "{part:?} is not {line:?}");
        }
    }
}
