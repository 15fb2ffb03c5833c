//! The scenarios as they stand in the repository, carried in the program.
//!
//! A test compares the list with the folder, so that a new file is not forgotten.

/// A scenario folder.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) files: &'static [File],
}

/// A file of a scenario.
pub(super) struct File {
    /// Path below the scenario's folder.
    pub(super) path: &'static str,
    pub(super) bytes: &'static [u8],
}

macro_rules! scenario {
    ($name:literal: $($path:literal,)*) => {
        Scenario {
            name: $name,
            files: &[$(File {
                path: $path,
                bytes: include_bytes!(concat!("../../../../scenarios/", $name, "/", $path)),
            },)*],
        }
    };
}

/// Every scenario, in the order in which the demo plays them.
pub(super) static SCENARIOS: &[Scenario] = &[
    scenario!("lookout-equipment":
        "README.md",
        "actions/ask-planner.toml",
        "actions/create-notification.toml",
        "actions/create-z-notification.toml",
        "decisions/maintenance.toml",
        "destinations/s4.toml",
        "expected/documents.json",
        "expected/quarantine.json",
        "input/compressor-01/20260402T060000Z/results.jsonl",
        "input/compressor-02/20260402T060000Z/results.jsonl",
        "input/compressor-11/20260402T060000Z/results.jsonl",
        "input/conveyor-01/20260402T060000Z/results.jsonl",
        "input/conveyor-03/20260402T060000Z/results.jsonl",
        "input/conveyor-21/20260402T060000Z/results.jsonl",
        "input/mixer-09/20260402T060000Z/results.jsonl",
        "input/pump-01/20260402T060000Z/results.jsonl",
        "input/pump-01/20260402T070000Z/results.jsonl",
        "input/pump-02/20260402T060000Z/results.jsonl",
        "input/pump-03/20260402T060000Z/results.jsonl",
        "input/pump-11/20260402T060000Z/results.jsonl",
        "input/pump-12/20260402T060000Z/results.jsonl",
        "input/pump-13/20260402T060000Z/results.jsonl",
        "input/pump-21/20260402T060000Z/results.jsonl",
        "input/results.jsonl",
        "lookups/equipment.csv",
        "sources/inference.toml",
        "tables/maintenance.json",
    ),
    scenario!("events":
        "README.md",
        "actions/ask-for-mapping.toml",
        "actions/report-malfunction.toml",
        "decisions/device-events.toml",
        "destinations/s4.toml",
        "expected/documents.json",
        "expected/quarantine.json",
        "input/01-sitewise-alarm.json",
        "input/02-sitewise-motor.json",
        "input/03-monitron-acknowledged.json",
        "input/04-monitron-alarm.json",
        "input/05-azure-silo.json",
        "input/06-batch.json",
        "input/07-not-an-event.json",
        "lookups/sites.csv",
        "tables/device-events.json",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn files_below(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn the_program_carries_every_file() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let text = |path: &Path| path.strip_prefix(&root).unwrap().display().to_string();
        let there: BTreeSet<String> = files_below(&root).iter().map(|path| text(path)).collect();
        let carried = SCENARIOS.iter().flat_map(|s| s.files.iter().map(move |f| format!("{}/{}", s.name, f.path)));
        assert_eq!(carried.collect::<BTreeSet<_>>(), there);
    }
}
