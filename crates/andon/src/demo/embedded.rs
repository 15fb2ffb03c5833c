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
    scenario!("lookout-vision":
        "README.md",
        "actions/record-defect.toml",
        "actions/record-uncoded-defect.toml",
        "decisions/visual-defects.toml",
        "destinations/s4.toml",
        "expected/documents.json",
        "expected/quarantine.json",
        "input/cam-1/1010/FLANGE-80/part-0001.json",
        "input/cam-1/1010/FLANGE-80/part-0001.png",
        "input/cam-1/1010/FLANGE-80/part-0002.json",
        "input/cam-1/1010/FLANGE-80/part-0002.png",
        "input/cam-1/1010/HOUSING-12/part-0003.json",
        "input/cam-1/1010/HOUSING-12/part-0003.png",
        "input/cam-2/1110/BRACKET-3/part-0006.json",
        "input/cam-2/1110/BRACKET-3/part-0006.png",
        "input/cam-2/1110/COVER-5/part-0004.json",
        "input/cam-2/1110/COVER-5/part-0004.png",
        "input/cam-2/1110/COVER-5/part-0005.json",
        "input/cam-2/1110/COVER-5/part-0005.png",
        "input/cam-2/1110/COVER-5/part-0007.json",
        "input/cam-2/1110/COVER-5/part-0007.png",
        "lookups/inspected-materials.csv",
        "sources/inspection.toml",
        "tables/visual-defects.json",
    ),
    scenario!("monitron":
        "README.md",
        "actions/maintain-asset.toml",
        "actions/map-monitron-asset.toml",
        "decisions/monitron-assets.toml",
        "destinations/s4.toml",
        "expected/documents.json",
        "expected/quarantine.json",
        "input/2026/04/02/06/export-1-2026-04-02-06-00-10",
        "input/2026/04/02/07/export-1-2026-04-02-07-00-00.gz",
        "input/2026/04/02/08/export-1-2026-04-02-08-00-00",
        "lookups/monitron-assets.csv",
        "sources/monitron.toml",
        "tables/monitron-assets.json",
    ),
    scenario!("sitewise":
        "README.md",
        "actions/report-alarm.toml",
        "assets/chillers.toml",
        "decisions/plant-details.toml",
        "decisions/sitewise-alarms.toml",
        "destinations/language-model.toml",
        "destinations/s4.toml",
        "expected/documents.json",
        "expected/quarantine.json",
        "input/01-chiller.json",
        "input/02-extruder-three-values.json",
        "input/03-chiller-back-to-normal.json",
        "input/04-unknown-asset.json",
        "input/05-chiller-two.json",
        "input/06-not-an-alarm.json",
        "input/07-chiller-again.json",
        "input/08-chiller-third-time.json",
        "lookups/sitewise-assets.csv",
        "models/chiller.toml",
        "sources/sitewise-alarms.toml",
        "tables/plant-details.json",
        "tables/sitewise-alarms.json",
    ),
    scenario!("ppe":
        "README.md",
        "actions/report-incident.toml",
        "decisions/missing-protection.toml",
        "destinations/s4.toml",
        "expected/documents.json",
        "expected/quarantine.json",
        "input/1010/acid-store/cam-a1/20260402T062000Z.json",
        "input/1010/acid-store/cam-a1/20260402T062000Z.png",
        "input/1010/acid-store/cam-a1/20260402T063000Z.json",
        "input/1010/acid-store/cam-a1/20260402T063000Z.png",
        "input/1010/canteen/cam-c1/20260402T120000Z.json",
        "input/1010/canteen/cam-c1/20260402T120000Z.png",
        "input/1010/gate-2/cam-g2/20260402T061500Z.json",
        "input/1010/gate-2/cam-g2/20260402T061500Z.png",
        "input/1010/gate-2/cam-g2/20260402T070000Z.json",
        "input/1010/gate-2/cam-g2/20260402T070000Z.png",
        "lookups/safety-areas.csv",
        "sources/ppe-cameras.toml",
        "tables/missing-protection.json",
    ),
    scenario!("purchase-requisition":
        "README.md",
        "actions/order-material.toml",
        "decisions/silo-levels.toml",
        "destinations/device-cloud.toml",
        "destinations/s4.toml",
        "expected/documents.json",
        "expected/quarantine.json",
        "input/01-silo-1.json",
        "input/02-silo-2.json",
        "input/03-silo-2.json",
        "input/04-silo-9.json",
        "input/05-not-json.json",
        "lookups/silos.csv",
        "sources/silo-levels.toml",
        "tables/silo-levels.json",
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
    scenario!("quickstart":
        "README.md",
        "assets/presses.toml",
        "assets/site.toml",
        "expected/documents.json",
        "expected/quarantine.json",
        "input/01-sensors.ndjson",
        "input/02-press-overheats.ndjson",
        "input/03-press-flaps.ndjson",
        "models/hobo-mx100.toml",
        "models/rs40-occupancy.toml",
        "models/ruuvitag.toml",
        "models/s1-sensor.toml",
        "models/site.toml",
        "queries/device-type-48h.toml",
        "queries/machine-temperature.toml",
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
