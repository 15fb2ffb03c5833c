//! Files and functions stay short; exceptions stand in the ratchet.

use anyhow::{Context, Result};

use super::{Finding, Product, ratchet};
use crate::workspace::Workspace;

/// Longest file, in lines without tests.
const MAX_FILE_LINES: usize = 500;

/// Longest function, in lines from signature to closing brace.
const MAX_FUNCTION_LINES: usize = 70;

/// Measures every product file and its functions.
pub(super) fn check(workspace: &Workspace, products: &[Product<'_>]) -> Result<Vec<Finding>> {
    let text = &workspace.file(ratchet::PATH).context(ratchet::PATH)?.text;
    let files: Vec<_> = products.iter().map(|p| (p.path.to_owned(), p.facts.lines)).collect();
    let functions: Vec<_> = products.iter().flat_map(functions).collect();
    let mut findings = ratchet::compare(MAX_FILE_LINES, &ratchet::parse(text, "files")?, &files);
    findings.extend(ratchet::compare(MAX_FUNCTION_LINES, &ratchet::parse(text, "functions")?, &functions));
    Ok(findings)
}

fn functions<'a>(product: &'a Product<'a>) -> impl Iterator<Item = (String, usize)> + 'a {
    product.facts.functions.iter().map(|f| (format!("{} {}", product.path, f.name), f.lines))
}
