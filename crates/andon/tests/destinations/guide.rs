//! The files of `docs/guide/destinations.md`: all of them are destinations, and those for the simulator work.

use crate::common::{PASSWORD, Sap, Server, andon};

const GUIDE: &str = include_str!("../../../../docs/guide/destinations.md");

/// Where the guide's simulator listens.
const SIMULATOR: &str = "http://127.0.0.1:8481";

/// The files of the guide, in order.
fn files() -> Vec<&'static str> {
    let fences = GUIDE.split("```toml\n").skip(1);
    fences.map(|rest| rest.split("```").next().unwrap()).collect()
}

fn scenario(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("destinations")).unwrap();
    std::fs::write(folder.path().join("destinations/s4.toml"), text).unwrap();
    folder
}

#[test]
fn every_file_of_the_guide_is_a_destination() {
    assert!(files().len() > 12);
    for file in files() {
        let checked = andon().arg("check").arg(scenario(file).path()).output().unwrap();
        assert!(checked.status.success(), "{file}: {}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn the_files_for_the_simulator_work_as_they_stand() {
    let (sap, server) = (Sap::start(), Server::start());
    let base = sap.simulator.base_url();
    assert!(server.feed(&["secret", "set", "sap-password"], PASSWORD).status.success());
    let key = crate::provided::service_key(base.trim_start_matches("http://"));
    assert!(server.feed(&["secret", "set", "destination-key"], &key).status.success());
    let mine: Vec<_> = files().into_iter().filter(|file| file.contains(SIMULATOR) || file.contains("SIM_S4")).collect();
    assert_eq!(mine.len(), 4);
    for file in mine {
        let folder = scenario(&file.replace(SIMULATOR, &base));
        server.json(&["apply", &folder.path().display().to_string()]);
        let tested = server.run(&["destinations", "test", "s4"]);
        assert!(tested.status.success(), "{file}: {}", String::from_utf8_lossy(&tested.stdout));
    }
}
