//! `andon queries`: questions that are part of the configuration.

use std::process::ExitCode;

use andon_model::Code;
use andon_server::schema::{ChartKind, ParameterType, QueryData, QueryParameter, SavedQuery};
use clap::Subcommand;

use crate::client::segment;
use crate::commands::{Context, sql};
use crate::output::{Failure, Grid};

/// List and ask saved queries
#[derive(Debug, Subcommand)]
pub(crate) enum Queries {
    /// List saved queries with their parameters
    List,
    /// Ask one
    Run {
        /// Its name
        name: String,
        /// A parameter, as in `device=pump-01`
        #[arg(long = "set", value_name = "NAME=VALUE")]
        set: Vec<String>,
    },
}

pub(crate) async fn run(queries: Queries, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match queries {
        Queries::List => {
            let rows: Vec<SavedQuery> = client.get("/api/v1/queries").await?;
            context.output.show(&rows, |rows| list_table(rows))?;
        }
        Queries::Run { name, set } => {
            let pairs = set.iter().map(|text| pair(text)).collect::<Result<Vec<_>, _>>()?;
            let answer: QueryData = client.list(&format!("/api/v1/queries/{}/data", segment(&name)), &pairs).await?;
            if context.output.is_json() {
                context.output.show(&answer, |_| Grid::pairs())?;
            } else {
                context.output.note(&answer.query.title)?;
                sql::show(&answer.data, context.output)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn pair(text: &str) -> Result<(&str, Option<String>), Failure> {
    let wrong = || Failure::new(Code::Setting, format!("{text:?} is not of the form name=value")).at("--set");
    text.split_once('=').map(|(name, value)| (name, Some(value.to_owned()))).ok_or_else(wrong)
}

fn list_table(rows: &[SavedQuery]) -> Grid {
    let mut grid = Grid::new(["query", "title", "chart", "parameters"], "no saved queries: andon apply some");
    for row in rows {
        let chart = match row.chart {
            ChartKind::Line => "line",
            ChartKind::Bar => "bar",
            ChartKind::Stat => "stat",
            ChartKind::Table => "table",
        };
        let parameters: Vec<String> = row.parameters.iter().map(|(name, about)| parameter(name, about)).collect();
        grid.row([(&row.name).into(), (&row.title).into(), chart.into(), parameters.join(", ").into()]);
    }
    grid
}

fn parameter(name: &str, about: &QueryParameter) -> String {
    let kind = match about.r#type {
        ParameterType::Text => "text",
        ParameterType::Number => "number",
        ParameterType::Integer => "integer",
        ParameterType::Boolean => "boolean",
        ParameterType::Time => "time",
    };
    match &about.default {
        Some(default) => format!("{name} ({kind}, {default})"),
        None => format!("{name} ({kind})"),
    }
}
