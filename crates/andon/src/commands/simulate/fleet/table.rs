//! The report as tables.

use andon_sim::fleet::{FleetReport, MessageReport, Onboarded};

use crate::output::{Cell, Grid, Tone};

/// How the messages fared, by profile.
pub(super) fn messages(report: &FleetReport) -> Grid {
    let header = [
        "profile",
        "devices",
        "sent",
        "acknowledged",
        "refused",
        "QoS 0",
        "unsettled",
        "skipped",
        "copies",
        "p50 ms",
        "p99 ms",
        "longest ms",
    ];
    let mut grid = Grid::new(header, "no devices");
    for part in report.profiles.iter().chain([&report.total]) {
        grid.row(cells(part));
    }
    grid
}

fn cells(part: &MessageReport) -> [Cell; 12] {
    [
        part.profile.into(),
        part.devices.into(),
        part.sent.into(),
        part.acknowledged.into(),
        watched(part.refused, Tone::Bad),
        part.unanswerable.into(),
        watched(part.unsettled, Tone::Bad),
        watched(part.skipped, Tone::Warn),
        part.copies.into(),
        format!("{:.1}", part.p50_ms).into(),
        format!("{:.1}", part.p99_ms).into(),
        format!("{:.1}", part.longest_ms).into(),
    ]
}

/// A number that should be zero.
fn watched(number: u64, tone: Tone) -> Cell {
    Cell::toned(number.to_string(), if number == 0 { Tone::Plain } else { tone })
}

/// Everything else.
pub(super) fn facts(report: &FleetReport, onboarding: Option<&Onboarded>) -> Grid {
    let mut grid = Grid::pairs();
    let connects = &report.connects;
    if let Some(done) = onboarding.filter(|done| done.onboarded > 0) {
        let rate = done.onboarded as f64 / done.seconds.max(f64::EPSILON);
        grid.pair("onboarded", format!("{} in {:.1} s, {rate:.0}/s", done.onboarded, done.seconds));
    }
    grid.pair("connected", format!("{} of {}, {:.0}/s", connects.connected, report.devices, connects.per_second));
    grid.pair("connect", format!("p50 {:.1} ms, p99 {:.1} ms", connects.p50_ms, connects.p99_ms));
    grid.pair("reconnects", connects.reconnected);
    grid.pair("connections lost", watched(connects.lost, Tone::Warn));
    grid.pair("connects refused", watched(connects.refused, Tone::Bad));
    grid.pair("connects failed", watched(connects.failed, Tone::Bad));
    grid.pair("sent", format!("{:.0}/s", report.sent_per_second));
    grid.pair("acknowledged", format!("{:.0}/s", report.acknowledged_per_second));
    grid.pair("payloads", format!("{} bytes", report.total.bytes));
    grid.pair("took", format!("{:.1} s", report.seconds));
    let met: Vec<String> = report.faults_met.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    grid.pair(
        "faults",
        format!("{}, seed {}", if met.is_empty() { "none".to_owned() } else { met.join(", ") }, report.seed),
    );
    for (reason, count) in &report.reasons {
        grid.pair("because", format!("{count} × {reason}"));
    }
    grid
}
