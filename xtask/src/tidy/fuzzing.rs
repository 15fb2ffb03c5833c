//! Every fuzz target is built and can be found: one file in `fuzz/fuzz_targets/`, one `[[bin]]` in `fuzz/Cargo.toml` and one
//! line in `fuzz/README.md` each.

use std::collections::BTreeSet;

use super::Finding;
use crate::workspace::Workspace;

const FOLDER: &str = "fuzz/fuzz_targets/";
const MANIFEST: &str = "fuzz/Cargo.toml";
const README: &str = "fuzz/README.md";

/// Checks the list of targets against the files.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let files = workspace.with_extension(".rs").filter_map(|file| file.path.strip_prefix(FOLDER));
    let files: BTreeSet<&str> = files.filter_map(|name| name.strip_suffix(".rs")).collect();
    let text = |path: &str| workspace.file(path).map_or("", |file| file.text.as_str());
    faults(&files, text(MANIFEST), text(README))
}

fn faults(files: &BTreeSet<&str>, manifest: &str, readme: &str) -> Vec<Finding> {
    let built = match built(manifest) {
        Ok(built) => built,
        Err(why) => return vec![Finding::new(MANIFEST, why)],
    };
    let known: BTreeSet<&str> = built.iter().map(String::as_str).collect();
    let unbuilt = files.difference(&known).map(|name| Finding::new(MANIFEST, format!("write a [[bin]] for {name}")));
    let missing = known.difference(files).map(|name| Finding::new(MANIFEST, format!("there is no {FOLDER}{name}.rs")));
    let untold = files.iter().filter(|name| !readme.contains(&format!("`{name}`")));
    let untold = untold.map(|name| Finding::new(README, format!("say what `{name}` is fed with")));
    unbuilt.chain(missing).chain(untold).collect()
}

/// The names of the binaries; each is at the path of its name.
fn built(manifest: &str) -> Result<BTreeSet<String>, String> {
    let manifest: toml::Table = manifest.parse().map_err(|error| format!("cannot be parsed: {error}"))?;
    let bins = manifest.get("bin").and_then(toml::Value::as_array).into_iter().flatten();
    bins.map(|bin| {
        let text = |key: &str| bin.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let (name, path) = (text("name"), text("path"));
        let is_there = path.strip_prefix("fuzz_targets/").and_then(|file| file.strip_suffix(".rs")) == Some(name);
        if is_there { Ok(name.to_owned()) } else { Err(format!("{name} is at fuzz_targets/{name}.rs, not {path}")) }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[&str], manifest: &str, expect: &[&str]) {
        let found = faults(&files.iter().copied().collect(), manifest, "`json`");
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expect, "{files:?} {manifest}");
    }

    #[test]
    fn files_and_binaries_are_the_same() {
        let json = "[[bin]]\nname = \"json\"\npath = \"fuzz_targets/json.rs\"\n";
        check(&["json"], json, &[]);
        let both = ["fuzz/Cargo.toml: write a [[bin]] for gzip", "fuzz/README.md: say what `gzip` is fed with"];
        check(&["gzip", "json"], json, &both);
        check(&[], json, &["fuzz/Cargo.toml: there is no fuzz/fuzz_targets/json.rs"]);
        let moved = "[[bin]]\nname = \"json\"\npath = \"elsewhere.rs\"\n";
        check(&["json"], moved, &["fuzz/Cargo.toml: json is at fuzz_targets/json.rs, not elsewhere.rs"]);
    }
}
