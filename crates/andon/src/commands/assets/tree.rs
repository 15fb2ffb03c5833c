//! An asset with its parts, values and alarms, as a tree.

use andon_server::schema::{Alarm, AlarmState, AssetDetail, AssetProperty};

use super::{path, sap_words};
use crate::client::Client;
use crate::commands::values::value_text;
use crate::output::since;

/// Most assets of a tree; what is left out is told.
const MAX_ASSETS: usize = 200;
/// Deepest part that is shown.
const MAX_DEPTH: usize = 8;

/// The tree, line by line.
pub(super) async fn of(client: &Client, top: AssetDetail) -> anyhow::Result<String> {
    let mut lines = Vec::new();
    // Depth first, in the order of the parts.
    let mut waiting = vec![(0, top)];
    let mut shown = 0;
    while let Some((depth, detail)) = waiting.pop() {
        shown += 1;
        push(&mut lines, depth, &detail);
        let parts = &detail.asset.parts;
        let room = if depth < MAX_DEPTH { MAX_ASSETS.saturating_sub(shown + waiting.len()) } else { 0 };
        for part in parts.iter().take(room).rev() {
            waiting.push((depth + 1, client.get(&path(part)).await?));
        }
        if parts.len() > room {
            lines.push(format!("{}… and {} more parts", indent(depth + 1), parts.len() - room));
        }
    }
    Ok(lines.join("\n"))
}

fn push(lines: &mut Vec<String>, depth: usize, detail: &AssetDetail) {
    let (asset, indent) = (&detail.asset, indent(depth));
    let name = if asset.name == asset.id { String::new() } else { format!(" \"{}\"", asset.name) };
    lines.push(format!("{indent}{}{name}, {} ({})", asset.id, asset.model, sap_words(&asset.links)));
    lines.extend(detail.unlinked.iter().map(|why| format!("{indent}  ? {why}")));
    lines.extend(detail.values.iter().map(|value| format!("{indent}  {}", value_line(value))));
    let raised = detail.alarms.iter().filter(|alarm| alarm.state != AlarmState::Normal);
    lines.extend(raised.map(|alarm| format!("{indent}  ! {}", alarm_line(alarm))));
}

fn indent(depth: usize) -> String {
    "    ".repeat(depth)
}

fn value_line(value: &AssetProperty) -> String {
    let latest = value.latest.as_ref();
    let ts = latest.map(|point| since(&point.ts)).filter(|ts| !ts.is_empty());
    let ts = ts.map(|ts| format!("  at {ts}")).unwrap_or_default();
    format!("{} = {}{ts}", value.property, value_text(latest, value.unit.as_deref()))
}

fn alarm_line(alarm: &Alarm) -> String {
    let since = Some(since(&alarm.since)).filter(|since| !since.is_empty());
    let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
    format!("{} is {:?}{since}", alarm.alarm, alarm.state)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_and_alarms_stand_below_their_asset() {
        let detail: AssetDetail = serde_json::from_value(json!({
            "asset": { "id": "p1", "name": "Press 1", "model": "press", "device": "p1", "equipment": "42",
                "parts": [], "defined": true, "alarms": 1 },
            "values": [{ "asset": "p1", "property": "t", "kind": "measurement", "data_type": "DOUBLE", "unit": "C",
                "latest": { "ts": "2026-04-02T06:00:00Z", "value": 81.5, "quality": "GOOD" },
                "values": 1, "late": 0, "refused": 0, "faults": 0, "too_late": 0 }],
            "alarms": [{ "asset": "p1", "asset_name": "Press 1", "alarm": "hot", "property": "t", "state": "ACTIVE",
                "since": "2026-04-02T06:00:00Z", "episode": 1 }],
        }))
        .unwrap();
        let mut lines = Vec::new();
        push(&mut lines, 1, &detail);
        let expect = [
            "    p1 \"Press 1\", press (equipment 42)",
            "      t = 81.5 C  at 2026-04-02T06:00:00Z",
            "      ! hot is Active since 2026-04-02T06:00:00Z",
        ];
        assert_eq!(lines, expect);
    }

    #[test]
    fn an_alarm_that_has_never_moved_is_so_since_nothing() {
        let alarm = json!({ "asset": "p1", "asset_name": "Press 1", "alarm": "hot", "property": "t", "state": "DISABLED",
            "since": "1970-01-01T00:00:00Z", "episode": 0 });
        assert_eq!(alarm_line(&serde_json::from_value(alarm).unwrap()), "hot is Disabled");
    }
}
