//! The checks of a tidy house, one per file, and the list of them.

mod documents;
mod edges;
mod fuzzing;
mod hygiene;
mod manifests;
mod ratchet;
mod sizes;
mod words;

use std::fmt;
use std::path::Path;

use anyhow::Result;

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
    let (products, mut findings) = products(&workspace);
    findings.extend(edges::check(&workspace));
    findings.extend(manifests::check(&workspace));
    findings.extend(fuzzing::check(&workspace));
    findings.extend(sizes::check(&workspace, &products)?);
    findings.extend(words::check(&products));
    findings.extend(documents::check(&workspace));
    findings.extend(hygiene::check(&workspace, &products));
    findings.sort();
    Ok(findings)
}

/// The product files, and what is wrong with those that cannot be read.
fn products(workspace: &Workspace) -> (Vec<Product<'_>>, Vec<Finding>) {
    let (mut products, mut findings) = (Vec::new(), Vec::new());
    for file in workspace.with_extension(".rs").filter(|f| !source::is_test_file(&f.path)) {
        match source::facts(&file.text) {
            Ok(facts) => products.push(Product { path: &file.path, facts }),
            Err(error) => findings.push(Finding::new(&file.path, format!("cannot be parsed: {error}"))),
        }
    }
    (products, findings)
}
