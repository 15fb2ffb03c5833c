//! `andon mqtt`: the door for devices, who is connected, and commands to them.

use std::io::Read as _;
use std::process::ExitCode;

use andon_model::Code;
use andon_server::schema::{Door, DoorState, Publication, Published, Session};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, segment};
use crate::commands::Context;
use crate::output::{Cell, Failure, Grid, Tone};

/// What to do when nothing can be published.
const CLOSED_DOOR: &str =
    "`andon mqtt status` says how the door is; it opens when there is an authority: `andon ca init`";

/// What to do when the door is open and did not take it.
const NO_ROOM: &str = "look at the detail; at a limit, raise it in [mqtt.limits] (`retained`, `waiting`), \
                       clear a topic by `andon mqtt publish <topic> '' --retain`, or end a session for which nobody \
                       comes: `andon mqtt kick --forget`";

/// What to do when the client to be sent away is not connected.
const AWAY: &str =
    "`andon mqtt sessions` lists who is connected and who is away; `--forget` ends the session of one that is away";

/// Look at the door for devices, send clients away, publish to devices
#[derive(Debug, Subcommand)]
pub(crate) enum Mqtt {
    /// Show whether the door is open and where it listens
    Status,
    /// List who is connected
    Sessions(Sessions),
    /// End the connection of a client; it may come back unless its certificate is revoked
    Kick {
        /// Its client id
        client_id: String,
        /// Forget its session as well, with subscriptions and all that waits in it; also when it is not connected
        #[arg(long)]
        forget: bool,
    },
    /// Publish to devices; those that are away get it when they come back
    Publish(Publish),
}

/// Which clients to list.
#[derive(Debug, Args)]
pub(crate) struct Sessions {
    /// At most so many
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    limit: usize,
    /// Client ids behind this one
    #[arg(long, value_name = "CLIENT_ID")]
    after: Option<String>,
    /// Only clients of this device
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
}

/// What to publish.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// The topic, for example commands/pump-01/restart
    topic: String,
    /// The payload; read from standard input when left out
    payload: Option<String>,
    /// Quality of service: 0, 1 or 2
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=2))]
    qos: u8,
    /// Leave it at the topic for those who subscribe later
    #[arg(long)]
    retain: bool,
}

pub(crate) async fn run(mqtt: Mqtt, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match mqtt {
        Mqtt::Status => {
            let door: Door = client.get("/api/v1/mqtt").await?;
            context.output.show(&door, facts)?;
        }
        Mqtt::Sessions(Sessions { limit, after, device }) => {
            let query = [("limit", Some(limit.to_string())), ("after", after), ("device", device)];
            let rows: Vec<Session> = client.list("/api/v1/mqtt/sessions", &query).await?;
            context.output.show(&rows, |rows| list_table(rows))?;
        }
        Mqtt::Kick { client_id, forget } => {
            let path = format!("/api/v1/mqtt/sessions/{}?forget={forget}", segment(&client_id));
            let done = client.act::<Value>(Method::DELETE, &path).await;
            done.map_err(|error| if forget { error } else { Failure::advise(error, Code::NotFound, AWAY) })?;
            let kicked = json!({ "client_id": client_id, "forgotten": forget });
            let rest = if forget { ", and its session is gone" } else { "" };
            context.output.say(&kicked, |_| format!("{client_id} is no longer connected{rest}"))?;
        }
        Mqtt::Publish(publish) => {
            let command = command(publish)?;
            let published: Published = match client.submit(Method::POST, "/api/v1/mqtt/publish", &command).await {
                Ok(published) => published,
                Err(error) => return Err(not_published(error, &client).await),
            };
            let sentence = |published: &Published| match published.subscribers {
                0 => format!("nobody subscribes to {}", command.topic),
                1 => format!("published to {}, one session subscribes", command.topic),
                many => format!("published to {}, {many} sessions subscribe", command.topic),
            };
            context.output.say(&published, sentence)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The error with what to do, which depends on how the door is.
async fn not_published(error: anyhow::Error, client: &Client) -> anyhow::Error {
    if Failure::of(&error).problem.code != Code::Conflict {
        return error;
    }
    let door: anyhow::Result<Door> = client.get("/api/v1/mqtt").await;
    let is_open = door.is_ok_and(|door| matches!(door.state, DoorState::Open));
    Failure::advise(error, Code::Conflict, if is_open { NO_ROOM } else { CLOSED_DOOR })
}

fn command(publish: Publish) -> anyhow::Result<Publication> {
    let Publish { topic, payload, qos, retain } = publish;
    let payload = payload.map_or_else(read_input, Ok)?;
    Ok(Publication { topic, payload: Some(Value::String(payload)), payload_base64: None, qos: Some(qos), retain })
}

fn read_input() -> std::io::Result<String> {
    let mut read = String::new();
    std::io::stdin().read_to_string(&mut read)?;
    Ok(read)
}

fn facts(door: &Door) -> Grid {
    let mut grid = Grid::pairs();
    let state = match door.state {
        DoorState::Open => Cell::toned("open", Tone::Good),
        DoorState::Closed => "closed, by the settings".into(),
        DoorState::Waiting => Cell::toned("waits for the first device, or for `andon ca init`", Tone::Warn),
        DoorState::Failing => Cell::toned("cannot be opened", Tone::Bad),
    };
    grid.pair("door", state);
    for place in &door.places {
        grid.pair("listens at", place);
    }
    if let Some(detail) = &door.detail {
        grid.pair("because", detail);
    }
    grid.pair("connected", door.sessions.to_string());
    grid
}

fn list_table(rows: &[Session]) -> Grid {
    let columns = ["client id", "device", "state", "waiting", "protocol", "from", "since"];
    let mut grid = Grid::new(columns, "nobody is connected, and no session waits");
    for row in rows {
        let state = if row.connected { Cell::toned("connected", Tone::Good) } else { "away".into() };
        let waiting = row.waiting.map(|waiting| waiting.to_string()).unwrap_or_default();
        grid.row([
            (&row.client_id).into(),
            (&row.device).into(),
            state,
            waiting.into(),
            (&row.protocol).into(),
            row.source.as_deref().unwrap_or("").into(),
            row.since.as_deref().unwrap_or("before the last start").into(),
        ]);
    }
    grid
}
