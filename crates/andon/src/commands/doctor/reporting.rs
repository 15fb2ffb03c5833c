//! How devices come in: the MQTT door and the raw log.

use andon_server::schema::{Door, DoorState, ReadingLogStatus};

use super::Line;
use crate::client::Client;
use crate::output::Failure;

pub(super) async fn check(client: &Client) -> Vec<Line> {
    let found = async {
        let door: Door = client.get("/api/v1/mqtt").await?;
        let log: ReadingLogStatus = client.get("/api/v1/readings/status").await?;
        anyhow::Ok(vec![door_line(&door), log_line(&log)])
    };
    found.await.unwrap_or_else(|error| {
        let problem = Failure::of(&error).problem;
        vec![Line::fail("MQTT door", format!("{}: {}", problem.code, problem.detail), "look at the server's log")]
    })
}

fn door_line(door: &Door) -> Line {
    const WHAT: &str = "MQTT door";
    match door.state {
        DoorState::Open => Line::ok(WHAT, format!("{}, {} connected", door.places.join(", "), door.sessions)),
        DoorState::Closed => Line::ok(WHAT, "closed, by the settings"),
        DoorState::Waiting => Line::ok(WHAT, "opens with the first device, or with `andon ca init`"),
        DoorState::Failing => {
            let why = door.detail.clone().unwrap_or_default();
            Line::fail(WHAT, why, "free the address, or set another in [mqtt]; it is tried again by itself")
        }
    }
}

fn log_line(log: &ReadingLogStatus) -> Line {
    const WHAT: &str = "raw log";
    if let Some(problem) = &log.failing {
        let remedy = "free space or repair the disk; it goes on by itself";
        return Line::fail(WHAT, format!("{}: {}", problem.code, problem.detail), remedy);
    }
    let seen = format!("{} readings of {} devices", log.received, log.devices);
    match log.missing {
        0 => Line::ok(WHAT, seen),
        missing => Line::warn(WHAT, format!("{seen}, {missing} missing"), "see the raw log's files for damage"),
    }
}
