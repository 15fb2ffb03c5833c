//! `andon values`: what assets report, now and before.

mod follow;

use std::process::ExitCode;

use andon_server::schema::{Aggregates, AssetDetail, AssetProperty, History, Point};
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::client::{Client, segment};
use crate::commands::Context;
use crate::commands::assets::path;
use crate::output::{Cell, Grid, Tone, since};

/// Show latest values, follow them, and look back
#[derive(Debug, Subcommand)]
pub(crate) enum Values {
    /// Show the latest values of assets; with --follow, every new one
    Latest(Latest),
    /// Show the values of a property as the lake has them
    History(Past),
    /// Show average, minimum, maximum, sum, count and deviation over windows
    Aggregates {
        /// Which values
        #[command(flatten)]
        past: Past,
        /// Length of a window, such as 15m
        #[arg(long, default_value = "1h", value_name = "SPAN")]
        window: String,
    },
}

/// Which values to show.
#[derive(Debug, Args)]
pub(crate) struct Latest {
    /// The assets; with --follow, all when none is named
    #[arg(value_name = "ASSET")]
    assets: Vec<String>,
    /// Only these properties
    #[arg(long, value_name = "NAME")]
    property: Vec<String>,
    /// Go on with every new value, alarm and asset, until interrupted
    #[arg(long)]
    follow: bool,
}

/// Which values of before.
#[derive(Debug, Args)]
pub(crate) struct Past {
    /// The asset
    asset: String,
    /// The property
    property: String,
    /// From this time on, or a span before now
    #[arg(long, default_value = "24h", value_name = "TIME")]
    from: String,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// At most so many rows
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    limit: usize,
}

impl Past {
    fn path(&self, what: &str) -> String {
        format!("{}/properties/{}/{what}", path(&self.asset), segment(&self.property))
    }

    fn query(&self, window: Option<&str>) -> [(&'static str, Option<String>); 4] {
        let (limit, window) = (self.limit.to_string(), window.map(str::to_owned));
        [("limit", Some(limit)), ("from", Some(self.from.clone())), ("to", self.to.clone()), ("window", window)]
    }
}

pub(crate) async fn run(values: Values, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match values {
        Values::Latest(latest) if latest.follow => follow::run(&client, &latest, context.output).await?,
        Values::Latest(latest) => {
            let rows = rows(&client, &latest).await?;
            context.output.show(&rows, |rows| latest_table(rows))?;
            faults(&rows).try_for_each(|line| context.output.note(&line))?;
        }
        Values::History(past) => {
            let history: History = client.list(&past.path("history"), &past.query(None)).await?;
            context.output.show(&history, history_table)?;
            more(context, history.next.as_deref())?;
        }
        Values::Aggregates { past, window } => {
            let found: Aggregates = client.list(&past.path("aggregates"), &past.query(Some(&window))).await?;
            context.output.show(&found, aggregates_table)?;
            more(context, found.next.as_deref())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn more(context: &Context, next: Option<&str>) -> anyhow::Result<()> {
    next.map_or(Ok(()), |next| context.output.note(&format!("there are more: --from {next}")))
}

async fn rows(client: &Client, latest: &Latest) -> anyhow::Result<Vec<AssetProperty>> {
    let mut rows = Vec::new();
    for asset in &latest.assets {
        let detail: AssetDetail = client.get(&path(asset)).await?;
        let named = |row: &AssetProperty| latest.property.is_empty() || latest.property.contains(&row.property);
        rows.extend(detail.values.into_iter().filter(named));
    }
    Ok(rows)
}

/// A value as people read it: with its unit, and its quality unless that is good.
pub(crate) fn value_text(point: Option<&Point>, unit: Option<&str>) -> String {
    let Some(point) = point else { return "no value yet".to_owned() };
    let unit = unit.map(|unit| format!(" {unit}")).unwrap_or_default();
    let quality = if point.quality == "GOOD" { String::new() } else { format!(" ({})", point.quality) };
    match &point.value {
        Value::String(text) => format!("{text}{unit}{quality}"),
        other => format!("{other}{unit}{quality}"),
    }
}

fn latest_table(rows: &[AssetProperty]) -> Grid {
    let mut grid = Grid::new(["asset", "property", "kind", "value", "time", "values", "refused"], "name an asset");
    for row in rows {
        let latest = row.latest.as_ref();
        let refused = row.refused + row.faults + row.too_late;
        grid.row([
            (&row.asset).into(),
            (&row.property).into(),
            (&row.kind).into(),
            value_text(latest, row.unit.as_deref()).into(),
            latest.map(|point| since(&point.ts).to_owned()).unwrap_or_default().into(),
            row.values.into(),
            Cell::toned(refused.to_string(), if refused == 0 { Tone::Plain } else { Tone::Warn }),
        ]);
    }
    grid
}

/// Why formulas could not be computed, the last time that they could not.
fn faults(rows: &[AssetProperty]) -> impl Iterator<Item = String> {
    let faulty = rows.iter().filter_map(|row| Some((row, row.fault.as_ref()?)));
    faulty.map(|(row, why)| format!("{} {} could not be computed ({}x): {why}", row.asset, row.property, row.faults))
}

fn history_table(history: &History) -> Grid {
    let mut grid = Grid::new(["time", "value"], "no values in this time");
    for point in &history.values {
        grid.row([(&point.ts).into(), value_text(Some(point), None).into()]);
    }
    grid
}

fn aggregates_table(found: &Aggregates) -> Grid {
    let mut grid = Grid::new(["from", "count", "avg", "min", "max", "sum", "stddev"], "no values in this time");
    let number = |number: Option<f64>| number.map(number_text).unwrap_or_default();
    for window in &found.windows {
        grid.row([
            (&window.from).into(),
            window.count.into(),
            number(window.avg).into(),
            number(window.min).into(),
            number(window.max).into(),
            number(window.sum).into(),
            number(window.stddev).into(),
        ]);
    }
    grid
}

/// A number with up to nine digits that count, however small or large it is.
fn number_text(number: f64) -> String {
    let rounded: f64 = format!("{number:.8e}").parse().unwrap_or(number);
    format!("{rounded:?}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn small_numbers_are_not_zero() {
        let check = |number: f64, expect: &str| assert_eq!(number_text(number), expect);
        check(0.0004, "0.0004");
        check(167.5 / 3.0, "55.8333333");
        check(0.1 + 0.2, "0.3");
        check(123_456_789.0, "123456789.0");
        check(-2.5e-12, "-2.5e-12");
        check(0.0, "0.0");
    }

    #[test]
    fn faults_are_told_below_the_table() {
        let row = |property: &str, fault: Option<&str>| {
            json!({"asset": "a1", "property": property, "kind": "transform", "data_type": "INTEGER", "values": 1, "late": 0,
                "refused": 0, "faults": 2, "fault": fault, "too_late": 0})
        };
        let rows = [row("half", Some("30.5 is no value of type Integer")), row("whole", None)];
        let rows: Vec<AssetProperty> = serde_json::from_value(json!(rows)).expect("as the server answers");
        let told: Vec<String> = faults(&rows).collect();
        assert_eq!(told, ["a1 half could not be computed (2x): 30.5 is no value of type Integer"]);
    }
}
