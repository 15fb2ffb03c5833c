//! The checks of a tidy house, one per file, and the list of them.

mod documents;
mod edges;
mod hygiene;
mod manifests;
mod ratchet;
mod sizes;
mod words;

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::source::{self, Facts};
use crate::workspace::Workspace;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// File, with the line where there is one.
    pub place: String,
    /// What, and what to do.
    pub what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }

    fn at_line(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self::new(format!("{path}:{line}"), what)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// A Rust file of ours that is not test code.
#[derive(Debug)]
struct Product<'a> {
    path: &'a str,
    facts: Facts,
}

/// Runs every check on the checkout at `root`.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let workspace = Workspace::read(root)?;
    let products = products(&workspace)?;
    let mut findings = Vec::new();
    findings.extend(edges::check(&workspace));
    findings.extend(manifests::check(&workspace));
    findings.extend(sizes::check(&workspace, &products)?);
    findings.extend(words::check(&products));
    findings.extend(documents::check(&workspace));
    findings.extend(hygiene::check(&workspace, &products));
    findings.sort();
    Ok(findings)
}

fn products(workspace: &Workspace) -> Result<Vec<Product<'_>>> {
    let ours = workspace.with_extension(".rs").filter(|f| !source::is_test_file(&f.path));
    ours.map(|f| {
        let facts = source::facts(&f.text).with_context(|| f.path.clone())?;
        Ok(Product { path: &f.path, facts })
    })
    .collect()
}
