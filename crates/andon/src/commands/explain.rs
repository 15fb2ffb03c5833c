//! `andon explain`: the page of an error code, without a server.

use std::process::ExitCode;

use andon_model::Code;
use clap::Args;
use serde_json::json;

use crate::commands::Context;

/// Explain the code of an error: what it means, what became of the data, what to do
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The code, as in AND-4003
    #[arg(value_name = "CODE")]
    code: Code,
}

pub(crate) fn run(explain: &Explain, context: &Context) -> anyhow::Result<ExitCode> {
    let code = explain.code;
    let page = json!({ "code": code, "title": code.title(), "page": code.page() });
    context.output.say(&page, |_| code.page().to_owned())?;
    Ok(ExitCode::SUCCESS)
}
