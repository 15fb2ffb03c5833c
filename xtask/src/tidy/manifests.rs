//! Every manifest inherits what the workspace decides once.

use super::Finding;
use crate::workspace::{Package, Workspace};

/// Keys of `[package]` that come from the workspace.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

/// Checks every package's manifest.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let packages = workspace.packages.iter();
    packages
        .flat_map(|p| faults(p).into_iter().map(|what| Finding::new(format!("{}/Cargo.toml", p.folder), what)))
        .collect()
}

fn faults(package: &Package) -> Vec<String> {
    let mut faults = Vec::new();
    let inherits = |table: &str, key: &str| package.manifest.get(table)?.get(key)?.as_bool();
    if inherits("lints", "workspace") != Some(true) {
        faults.push("write [lints] workspace = true".to_owned());
    }
    let section = package.manifest.get("package").and_then(toml::Value::as_table);
    for key in INHERITED {
        if section.and_then(|s| s.get(*key)?.get("workspace")?.as_bool()) != Some(true) {
            faults.push(format!("write {key}.workspace = true"));
        }
    }
    if section.and_then(|s| s.get("description")?.as_str()).is_none_or(str::is_empty) {
        faults.push("describe the crate in one line".to_owned());
    }
    faults
}
