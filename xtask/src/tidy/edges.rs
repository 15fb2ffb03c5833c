//! Which crate may use which: the table of `ARCHITECTURE.md`, as code.

use super::Finding;
use crate::workspace::{Package, Workspace};

/// A crate and the crates of ours that it may name in `[dependencies]`.
const EDGES: &[(&str, &[&str])] = &[
    ("andon-model", &[]),
    ("andon-journal", &["andon-model"]),
    ("andon-decide", &["andon-model"]),
    ("andon-act", &["andon-model"]),
    ("andon-assets", &["andon-model"]),
    ("andon-devices", &["andon-model"]),
    ("andon-mqtt", &["andon-model", "andon-journal", "andon-devices"]),
    ("andon-engine", &["andon-model", "andon-journal", "andon-decide", "andon-act", "andon-assets"]),
    ("andon-store", &["andon-model", "andon-journal", "andon-devices"]),
    ("andon-lake", &["andon-model", "andon-journal"]),
    ("andon-connectors", &["andon-model", "andon-journal", "andon-act"]),
    ("andon-server", &["andon-model", "andon-journal", "andon-assets", "andon-devices", "andon-engine"]),
    ("andon-sim", &["andon-model"]),
    ("andon-testkit", &["andon-model", "andon-journal", "andon-act", "andon-devices"]),
    (
        "andon",
        &[
            "andon-act",
            "andon-assets",
            "andon-connectors",
            "andon-decide",
            "andon-devices",
            "andon-engine",
            "andon-journal",
            "andon-lake",
            "andon-model",
            "andon-mqtt",
            "andon-server",
            "andon-sim",
            "andon-store",
        ],
    ),
    ("bench", &["andon-sim"]),
    ("xtask", &["andon-model"]),
];

/// May be named in `[dev-dependencies]` by every crate but itself, beside what [`EDGES`] says.
const FOR_TESTS: &str = "andon-testkit";

/// Outside crates that stay behind few of ours, and those that may name them (tests included).
const OUTSIDE: &[(&str, &[&str])] = &[
    ("sqlx", &["andon-store"]),
    ("axum", &["andon-server", "andon-sim", "andon-connectors", "andon"]),
    ("reqwest", &["andon-connectors", "andon-sim", "andon", "bench"]),
    ("object_store", &["andon-connectors", "andon-lake"]),
    ("zstd", &["andon-lake"]),
    ("deltalake", &["andon-lake"]),
    ("zen-engine", &["andon-decide"]),
    ("zen-expression", &["andon-assets", "andon-decide"]),
    ("minijinja", &["andon-act"]),
    ("aws-lc-rs", &["andon-devices"]),
    ("rcgen", &["andon-devices", "andon-sim", "bench"]),
    ("x509-parser", &["andon-devices"]),
    ("lettre", &["andon-connectors"]),
    ("rmqtt", &["andon-mqtt"]),
    ("rmqtt-net", &["andon-mqtt"]),
    ("rumqttc", &["andon-mqtt", "andon-sim"]),
    ("tokio-rustls", &["andon-connectors"]),
    ("rustls-native-certs", &["andon-connectors"]),
    ("clap", &["andon", "bench"]),
    ("figment", &["andon"]),
    ("anyhow", &["andon", "bench", "xtask"]),
];

/// Crates without I/O, and what they may therefore never name, not even in tests.
const PURE: &[&str] = &["andon-model", "andon-journal", "andon-decide", "andon-act", "andon-assets", "andon-devices"];
const IMPURE: &[&str] = &["tokio", "tokio-util", "tracing", "hyper", "http", "getrandom", "rand"];

/// Compares every manifest with the tables.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    workspace.packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    let place = format!("{}/Cargo.toml", package.folder);
    let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == package.name) else {
        return vec![Finding::new(place, format!("{} is new: a new crate needs an ADR and a row here", package.name))];
    };
    let normal = dependencies(package, "dependencies").chain(dependencies(package, "build-dependencies"));
    let normal = normal.filter_map(|name| refuse(package, name, allowed.contains(&name)));
    let tests = dependencies(package, "dev-dependencies")
        .filter_map(|name| refuse(package, name, allowed.contains(&name) || allowed_for_tests(&package.name, name)));
    normal.chain(tests).map(|what| Finding::new(place.clone(), what)).collect()
}

fn dependencies<'a>(package: &'a Package, section: &str) -> impl Iterator<Item = &'a str> {
    package.manifest.get(section).and_then(toml::Value::as_table).into_iter().flatten().map(|(name, _)| name.as_str())
}

fn allowed_for_tests(package: &str, name: &str) -> bool {
    name == FOR_TESTS && package != FOR_TESTS
}

/// Why `package` may not name `name`, if so.
fn refuse(package: &Package, name: &str, edge_allowed: bool) -> Option<String> {
    let package = package.name.as_str();
    if EDGES.iter().any(|(ours, _)| *ours == name) && !edge_allowed {
        return Some(format!("{package} may not use {name}: a new edge needs an ADR"));
    }
    if PURE.contains(&package) && IMPURE.contains(&name) {
        return Some(format!("{package} has no I/O and may not use {name}"));
    }
    let (_, owners) = OUTSIDE.iter().find(|(outside, _)| *outside == name)?;
    (!owners.contains(&package)).then(|| format!("{name} stays behind {}", owners.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, sections: &str, expect: &[&str]) {
        let manifest = sections.parse().expect("valid TOML");
        let package = Package { folder: "f".into(), name: name.into(), manifest };
        let found: Vec<_> = check_package(&package).into_iter().map(|f| f.what).collect();
        assert_eq!(found, expect, "{name}: {sections}");
    }

    #[test]
    fn edges_point_down() {
        check("andon-act", "[dependencies]\nandon-model = {}", &[]);
        check(
            "andon-act",
            "[dependencies]\nandon-journal = {}",
            &["andon-act may not use andon-journal: a new edge needs an ADR"],
        );
        check(
            "andon-store",
            "[dependencies]\nandon-testkit = {}",
            &["andon-store may not use andon-testkit: a new edge needs an ADR"],
        );
        check("andon-store", "[dev-dependencies]\nandon-testkit = {}", &[]);
    }

    #[test]
    fn heavy_crates_stay_where_they_are() {
        check("andon-engine", "[dependencies]\nsqlx = {}", &["sqlx stays behind andon-store"]);
        check("andon-act", "[dependencies]\ntokio = {}", &["andon-act has no I/O and may not use tokio"]);
        check("andon-cellar", "", &["andon-cellar is new: a new crate needs an ADR and a row here"]);
    }
}
