//! `andon readings`: what devices have reported, as it was received.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use andon_model::Code;
use andon_server::schema::{DeviceReadings, KeptReadings, Reading, ReadingLogStatus, ReadingPage};
use clap::{Args, Subcommand};

use crate::commands::Context;
use crate::output::{Cell, Failure, Grid, Tone};

/// Most characters of a payload in a table.
const SHOWN_CHARACTERS: usize = 80;

/// List, count and report readings of devices
#[derive(Debug, Subcommand)]
pub(crate) enum Readings {
    /// List readings, the newest ones last
    List(List),
    /// Count readings by device, since the raw log began
    Count(Count),
    /// Show how the raw log is
    Status,
    /// Report readings for devices: JSON Lines of device, topic, ts and payload, or a JSON array
    Send {
        /// The file; `-` for standard input. A name that ends in .json is read as JSON
        file: PathBuf,
    },
}

/// Which readings to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// At most so many
    #[arg(long, default_value_t = 20, value_name = "NUMBER")]
    limit: usize,
    /// Only this device
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// From this place in the raw log on, instead of the newest
    #[arg(long, value_name = "ID")]
    from: Option<u64>,
}

/// Which devices to count.
#[derive(Debug, Args)]
pub(crate) struct Count {
    /// At most so many
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    limit: usize,
    /// Devices behind this one
    #[arg(long, value_name = "NAME")]
    after: Option<String>,
}

pub(crate) async fn run(readings: Readings, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match readings {
        Readings::List(List { limit, device, from }) => {
            let from = from.map(|from| from.to_string());
            let query = [("limit", Some(limit.to_string())), ("device", device), ("from", from)];
            let page: ReadingPage = client.list("/api/v1/readings", &query).await?;
            context.output.show(&page, list_table)?;
        }
        Readings::Count(Count { limit, after }) => {
            let query = [("limit", Some(limit.to_string())), ("after", after)];
            let rows: Vec<DeviceReadings> = client.list("/api/v1/readings/devices", &query).await?;
            context.output.show(&rows, |rows| counts_table(rows))?;
        }
        Readings::Status => {
            let status: ReadingLogStatus = client.get("/api/v1/readings/status").await?;
            context.output.show(&status, facts)?;
        }
        Readings::Send { file } => {
            let content_type = if is_json(&file) { "application/json" } else { "application/x-ndjson" };
            let kept: KeptReadings = client.deliver("/api/v1/readings", content_type, read(&file)?).await?;
            context.output.say(&kept, |kept| format!("{} readings are durable", kept.count))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn is_json(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "json")
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = match file.to_str() {
        Some("-") => std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes),
        _ => std::fs::read(file),
    };
    read.map_err(|error| Failure::new(Code::LocalFile, error.to_string()).at(file.display().to_string()))
}

fn list_table(page: &ReadingPage) -> Grid {
    let mut grid = Grid::new(["id", "received", "device", "topic", "payload"], "no readings");
    for reading in &page.readings {
        let (id, payload) = (reading.id.to_string(), payload_text(reading));
        grid.row([id.into(), (&reading.ts).into(), (&reading.device).into(), (&reading.topic).into(), payload.into()]);
    }
    grid
}

fn payload_text(reading: &Reading) -> String {
    let text = match (&reading.payload, &reading.payload_base64) {
        (Some(json), _) => json.to_string(),
        (None, Some(base64)) => format!("not JSON, in Base64: {base64}"),
        (None, None) => String::new(),
    };
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

fn counts_table(rows: &[DeviceReadings]) -> Grid {
    let mut grid = Grid::new(["device", "readings"], "no device has sent anything yet");
    for row in rows {
        grid.row([(&row.device).into(), row.received.to_string().into()]);
    }
    grid
}

fn facts(status: &ReadingLogStatus) -> Grid {
    let mut grid = Grid::pairs();
    let state = match &status.failing {
        None => Cell::toned("takes readings", Tone::Good),
        Some(problem) => Cell::toned(problem.to_string(), Tone::Bad),
    };
    grid.pair("raw log", state);
    grid.pair("readings", status.received.to_string());
    grid.pair("devices", status.devices.to_string());
    if status.missing > 0 {
        grid.pair("missing", Cell::toned(status.missing.to_string(), Tone::Bad));
    }
    grid
}
