//! `andon models`: what kinds of assets there are.

use std::process::ExitCode;

use andon_server::schema::AssetModel;
use clap::Subcommand;
use serde_json::Value;

use crate::client::segment;
use crate::commands::Context;
use crate::output::Grid;

/// List and show asset models
#[derive(Debug, Subcommand)]
pub(crate) enum Models {
    /// List models, in the order in which they are tried for new devices
    List,
    /// Show the properties and alarms of a model
    Show {
        /// Its name
        name: String,
    },
}

pub(crate) async fn run(models: Models, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match models {
        Models::List => {
            let rows: Vec<AssetModel> = client.get("/api/v1/models").await?;
            context.output.show(&rows, |rows| list_table(rows))?;
        }
        Models::Show { name } => {
            let model: Value = client.get(&format!("/api/v1/models/{}", segment(&name))).await?;
            context.output.show(&model, properties_table)?;
            context.output.aside(&alarms_table(&model))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list_table(rows: &[AssetModel]) -> Grid {
    let mut grid = Grid::new(["model", "assets", "properties", "alarms", "description"], "no models: andon apply some");
    for row in rows {
        let (assets, properties, alarms) = (row.assets, row.properties, row.alarms);
        grid.row([(&row.name).into(), assets.into(), properties.into(), alarms.into(), (&row.description).into()]);
    }
    grid
}

fn properties_table(model: &Value) -> Grid {
    let mut grid = Grid::new(["property", "kind", "data type", "unit", "from"], "no properties");
    for property in model["properties"].as_array().into_iter().flatten() {
        let (kind, detail) = match property["type"].as_object().and_then(|kinds| kinds.iter().next()) {
            Some((kind, detail)) => (kind.as_str(), source(detail)),
            None => ("", String::new()),
        };
        let word = |name: &str| property[name].as_str().unwrap_or_default();
        grid.row([word("name").into(), kind.into(), word("data_type").into(), word("unit").into(), detail.into()]);
    }
    grid
}

/// Where values come from: a formula, a path in the payload, or a fixed value.
fn source(detail: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let told = ["expression", "field", "alias", "from", "default"].into_iter().find(|name| !detail[*name].is_null());
    let told = told.map(|name| text(&detail[name])).unwrap_or_default();
    match detail["window"]["tumbling"]["interval"].as_str() {
        Some(interval) => format!("{told} every {interval}"),
        None => told,
    }
}

fn alarms_table(model: &Value) -> Grid {
    let mut grid = Grid::new(["alarm", "property", "condition"], "no alarms");
    for alarm in model["alarms"].as_array().into_iter().flatten() {
        let word = |name: &str| alarm[name].as_str().unwrap_or_default();
        grid.row([word("name").into(), word("property").into(), condition(alarm).into()]);
    }
    grid
}

fn condition(alarm: &Value) -> String {
    let (threshold, rate, silence) = (&alarm["threshold"], &alarm["rate"], &alarm["silence"]);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if !threshold.is_null() {
        let limit = threshold["value"]["attribute"].as_str().map_or_else(|| text(&threshold["value"]), str::to_owned);
        return format!("{} {limit}", text(&threshold["operator"]));
    }
    if !rate.is_null() {
        return format!("changes by more than {} within {}", rate["change"], text(&rate["within"]));
    }
    format!("no value for {}", text(&silence["after"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sources_and_conditions_are_told_in_a_line() {
        let check = |found: String, expect: &str| assert_eq!(found, expect);
        check(source(&json!({ "field": "measurements.t" })), "measurements.t");
        check(source(&json!({ "default": 70.5 })), "70.5");
        let window = json!({ "tumbling": { "interval": "5m" } });
        check(source(&json!({ "expression": "avg(t)", "window": window })), "avg(t) every 5m");
        check(condition(&json!({ "threshold": { "operator": "GREATER", "value": 70.0 } })), "GREATER 70.0");
        let limit = json!({ "operator": "LESS", "value": { "attribute": "limit" } });
        check(condition(&json!({ "threshold": limit })), "LESS limit");
        check(condition(&json!({ "rate": { "change": 3, "within": "1m" } })), "changes by more than 3 within 1m");
        check(condition(&json!({ "silence": { "after": "10m" } })), "no value for 10m");
    }
}
