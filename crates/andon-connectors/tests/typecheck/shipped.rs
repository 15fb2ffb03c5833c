//! No false alarm: the good scenario of this test and every scenario that is shipped.

use std::path::Path;

use crate::scenario::Scenario;

/// What the services of the shipped scenarios take, as far as the scenarios use it.
const SERVICES: &str = "tests/typecheck/services";

fn texts(scenario: &Scenario) -> Vec<String> {
    scenario.check().iter().map(|finding| finding.problem.to_string()).collect()
}

#[test]
fn the_good_scenario_has_no_findings() {
    assert_eq!(texts(&Scenario::good()), Vec::<String>::new());
}

#[test]
fn shipped_scenarios_have_no_findings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let services = Scenario::read(&root.join(SERVICES)).documents;
    let mut checked = 0;
    for entry in std::fs::read_dir(root.join("../../scenarios")).expect("the scenarios") {
        let folder = entry.expect("listed").path();
        if folder.join("actions").is_dir() {
            let mut scenario = Scenario::read(&folder);
            scenario.documents.extend(services.clone());
            assert_eq!(texts(&scenario), Vec::<String>::new(), "{}", folder.display());
            checked += 1;
        }
    }
    assert!(checked >= 2, "only {checked} scenarios were found");
}
