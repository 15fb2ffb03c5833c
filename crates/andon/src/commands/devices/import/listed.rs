//! `andon devices imports`: the files that were imported, and how far each is.

use andon_devices::registry::{Import, ImportStatus};

use super::super::definitions::Page;
use crate::client::Client;
use crate::output::{Grid, Output, utc_time};

/// Characters of a digest that are shown where there is no name.
const DIGEST_CHARS: usize = 12;

pub(in super::super) async fn list(page: &Page, client: &Client, output: Output) -> anyhow::Result<()> {
    let all: Vec<Import> = client.list("/api/v1/device-imports", &page.query()).await?;
    output.show(&all, |all| table(all))?;
    match all.last().filter(|_| all.len() == page.limit) {
        Some(last) => output.note(&format!("there may be more: --after {}", last.id)),
        None => Ok(()),
    }
}

fn table(all: &[Import]) -> Grid {
    let header = ["file", "SHA-256", "status", "begun", "line", "onboarded", "unchanged", "faults"];
    let mut grid = Grid::new(header, "no imports");
    for known in all {
        let status = if known.status == ImportStatus::Done { "done" } else { "open" };
        let report = &known.report;
        let counts = [report.line, report.onboarded, report.unchanged, report.faulty].map(|count| count.to_string());
        let [line, onboarded, unchanged, faulty] = counts;
        let digest: String = known.id.chars().take(DIGEST_CHARS).collect();
        grid.row([
            known.file.clone().unwrap_or_default().into(),
            digest.into(),
            status.into(),
            utc_time(known.begun).into(),
            line.into(),
            onboarded.into(),
            unchanged.into(),
            faulty.into(),
        ]);
    }
    grid
}
