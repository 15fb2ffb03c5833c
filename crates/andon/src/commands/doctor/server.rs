//! What a running server tells: readiness, lease, clock, destinations, and work that waits for a person.

use std::time::Duration;

use andon_model::{Clock, Code, RunStatus, SystemClock, Timestamp};
use reqwest::header::{DATE, HeaderMap};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::Line;
use crate::client::Client;
use crate::commands::Context;
use crate::commands::destinations;
use crate::commands::status::StatusAnswer;
use crate::output::{Failure, remedy};

/// How far this machine's clock and the server's may differ.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(30);
/// From this many undecided events on somebody should look.
const BACKLOG_WARN: i64 = 10_000;

pub(super) async fn check(context: &Context) -> anyhow::Result<Vec<Line>> {
    let client = context.client()?;
    let headers = match client.headers("/healthz").await {
        Ok(headers) => headers,
        Err(error) => return Ok(vec![unreachable_line(&error, &client)]),
    };
    let mut lines = vec![Line::ok("server", client.base().to_owned()), clock_line(&headers, SystemClock.now())];
    if !client.has_token() {
        lines.push(Line::fail("token", "there is none", "set ANDON_TOKEN, or name the server's folder by --data"));
        return Ok(lines);
    }
    match client.get::<StatusAnswer>("/api/v1/status").await {
        Ok(answer) => {
            lines.extend(status_lines(&answer));
            lines.extend(destination_lines(&client).await);
            lines.extend(super::devices::check(&client).await);
            lines.extend(super::reporting::check(&client).await);
            lines.extend(super::mail::check(&client).await);
        }
        Err(error) => lines.push(refused("token", &error)),
    }
    Ok(lines)
}

fn unreachable_line(error: &anyhow::Error, client: &Client) -> Line {
    let failure = Failure::of(error);
    let seen = format!("{}: {}", client.base(), failure.problem.detail);
    if failure.problem.code == Code::ServerUnreachable {
        return Line::warn("server", seen, "start it with andon serve, or name it by --url; the rest is not checked");
    }
    Line::fail("server", seen, "look at the server's log")
}

fn refused(what: &str, error: &anyhow::Error) -> Line {
    let problem = Failure::of(error).problem;
    Line::fail(what, format!("{}: {}", problem.code, problem.detail), "`andon explain` with the code says more")
}

fn clock_line(headers: &HeaderMap, now: Timestamp) -> Line {
    let stamp = headers.get(DATE).and_then(|date| date.to_str().ok());
    let Some(theirs) = stamp.and_then(|text| OffsetDateTime::parse(text, &Rfc2822).ok()) else {
        return Line::warn("server's clock", "not told", "compare it yourself");
    };
    let theirs = Timestamp::from_micros(i64::try_from(theirs.unix_timestamp_nanos() / 1_000).unwrap_or_default());
    let difference = now.since(theirs).max(theirs.since(now));
    let seen = format!("{} s apart", difference.as_secs());
    if difference > CLOCK_DIFFERENCE {
        return Line::warn("server's clock", seen, "synchronise both; signatures depend on it");
    }
    Line::ok("server's clock", seen)
}

fn status_lines(answer: &StatusAnswer) -> Vec<Line> {
    let mut lines = vec![journal(answer), version(&answer.version), configuration(answer)];
    lines.push(backlog(answer));
    lines.push(zero("quarantine", answer.counts.quarantined, "entries", "andon quarantine list"));
    lines.push(zero("decisions", answer.counts.failed_decisions, "failed", "andon events list, then events decide"));
    let waiting = answer.runs(RunStatus::Refused) + answer.runs(RunStatus::Parked);
    lines.push(zero("runs", waiting, "refused or parked", "andon runs list --status parked (or refused)"));
    lines.extend(answer.status.open_circuits.iter().map(|name| {
        Line::warn(
            format!("destination {name}"),
            "its circuit is open",
            "andon destinations test; it is tried again by itself",
        )
    }));
    lines.extend(
        answer
            .status
            .failing_sources
            .iter()
            .map(|(name, problem)| Line::fail(format!("source {name}"), problem.to_string(), remedy(problem.code))),
    );
    lines
}

/// The journal is writable and held by this server's engine.
fn journal(answer: &StatusAnswer) -> Line {
    match (&answer.status.problem, answer.status.ready) {
        (None, true) => Line::ok("journal and lease", format!("{} events", answer.counts.events)),
        (Some(problem), _) => Line::fail("journal and lease", problem.to_string(), "check disk and database; restart"),
        (None, false) => {
            Line::fail("journal and lease", "the engine does not run", "look at the server's log; restart")
        }
    }
}

fn version(theirs: &str) -> Line {
    let ours = env!("CARGO_PKG_VERSION");
    if theirs == ours {
        return Line::ok("version", ours);
    }
    Line::warn("version", format!("server {theirs}, this program {ours}"), "use the same version on both sides")
}

fn configuration(answer: &StatusAnswer) -> Line {
    match answer.status.revision {
        0 => Line::warn("configuration", "none", "andon apply <folder>"),
        revision => Line::ok("configuration", format!("revision {revision}")),
    }
}

fn backlog(answer: &StatusAnswer) -> Line {
    let seen = format!("{} undecided, {} runs pending", answer.status.backlog, answer.status.pending_runs);
    if answer.status.backlog >= BACKLOG_WARN {
        return Line::warn("backlog", seen, "watch whether it shrinks; destinations may be slow");
    }
    Line::ok("backlog", seen)
}

fn zero(what: &str, count: i64, of: &str, remedy: &'static str) -> Line {
    let seen = format!("{count} {of}");
    if count == 0 { Line::ok(what, seen) } else { Line::warn(what, seen, remedy) }
}

async fn destination_lines(client: &Client) -> Vec<Line> {
    let names = match destinations::all_names(client).await {
        Ok(names) => names,
        Err(error) => return vec![refused("destinations", &error)],
    };
    let mut lines = Vec::new();
    for name in names {
        let what = format!("destination {name}");
        lines.push(match destinations::test(client, name).await {
            Ok(tested) => tested_line(what, &tested),
            Err(error) => refused(&what, &error),
        });
    }
    lines
}

fn tested_line(what: String, tested: &destinations::Tested) -> Line {
    match tested.lines.iter().find(|line| !line.ok) {
        None => Line::ok(what, "answers"),
        Some(line) => Line::fail(what, format!("{}: {}", line.what, line.detail), "andon destinations test shows all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Health;
    use reqwest::header::HeaderValue;

    #[test]
    fn clocks_are_compared() {
        let now: Timestamp = "2026-04-02T06:00:00Z".parse().unwrap();
        for (date, health) in [
            ("Thu, 02 Apr 2026 06:00:10 GMT", Health::Ok),
            ("Thu, 02 Apr 2026 07:00:00 GMT", Health::Warn),
            ("yesterday", Health::Warn),
        ] {
            let headers = HeaderMap::from_iter([(DATE, HeaderValue::from_static(date))]);
            assert_eq!(clock_line(&headers, now).health, health, "{date}");
        }
    }
}
