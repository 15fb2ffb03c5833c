//! `andon assets`: machines with their parts, values and alarms.

mod tree;

use std::process::ExitCode;

use andon_server::schema::{Asset, AssetDetail, AssetLinks, AssetPage};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::segment;
use crate::commands::Context;
use crate::output::{Cell, Grid, Tone};

/// List, show, link and delete assets
#[derive(Debug, Subcommand)]
pub(crate) enum Assets {
    /// List assets, the oldest first
    List(List),
    /// Show an asset with its parts, latest values and alarms, as a tree
    Show {
        /// Its id
        id: String,
    },
    /// Say what an asset is called in SAP; what is left out is taken away
    Link(Link),
    /// Delete assets that readings had created; their history stays in the lake
    Delete {
        /// Their ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
}

/// Which assets to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    limit: usize,
    /// From this place on: what the page before ended with
    #[arg(long, value_name = "NUMBER")]
    from: Option<usize>,
    /// With this text in id, name, device or SAP's names
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Only of this model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Only directly under this asset; `none` for those at the top
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
    /// Only with an alarm that is raised
    #[arg(long)]
    raised: bool,
}

/// What an asset is called in SAP.
#[derive(Debug, Args)]
pub(crate) struct Link {
    /// Its id
    id: String,
    /// Equipment, at most 18 characters
    #[arg(long, value_name = "NUMBER")]
    equipment: Option<String>,
    /// Functional location, at most 40 characters
    #[arg(long, value_name = "NAME")]
    functional_location: Option<String>,
}

pub(crate) async fn run(assets: Assets, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match assets {
        Assets::List(list) => {
            let page: AssetPage = client.list("/api/v1/assets", &query(list)).await?;
            context.output.show(&page, list_table)?;
            if let Some(next) = page.next {
                context.output.note(&format!("there are more: --from {next}"))?;
            }
        }
        Assets::Show { id } => {
            let asset: AssetDetail = client.get(&path(&id)).await?;
            if context.output.is_json() {
                context.output.show(&asset, |_| Grid::pairs())?;
            } else {
                context.output.note(&tree::of(&client, asset).await?)?;
            }
        }
        Assets::Link(Link { id, equipment, functional_location }) => {
            let links = AssetLinks { equipment, functional_location };
            let asset: AssetDetail = client.submit(Method::PUT, &format!("{}/links", path(&id)), &links).await?;
            context
                .output
                .say(&asset, |asset| format!("asset {} is {}", asset.asset.id, sap_words(&asset.asset.links)))?;
        }
        Assets::Delete { ids } => {
            for id in ids {
                let _: Value = client.act(Method::DELETE, &path(&id)).await?;
                context.output.say(&json!({ "deleted": id }), |_| format!("asset {id} is deleted"))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn path(id: &str) -> String {
    format!("/api/v1/assets/{}", segment(id))
}

fn query(list: List) -> [(&'static str, Option<String>); 6] {
    let List { limit, from, text, model, parent, raised } = list;
    [
        ("limit", Some(limit.to_string())),
        ("from", from.map(|from| from.to_string())),
        ("text", text),
        ("model", model),
        ("parent", parent),
        ("raised", raised.then(|| "true".to_owned())),
    ]
}

fn list_table(page: &AssetPage) -> Grid {
    let mut grid = Grid::new(["asset", "model", "device", "in SAP", "alarms", "latest value"], "no assets");
    for asset in &page.assets {
        grid.row([
            (&asset.id).into(),
            (&asset.model).into(),
            (&asset.device).into(),
            sap_words(&asset.links).into(),
            alarms_cell(asset),
            asset.latest.clone().unwrap_or_default().into(),
        ]);
    }
    grid
}

fn alarms_cell(asset: &Asset) -> Cell {
    let tone = if asset.alarms == 0 { Tone::Plain } else { Tone::Bad };
    Cell::toned(asset.alarms.to_string(), tone)
}

fn sap_words(links: &AssetLinks) -> String {
    match (&links.equipment, &links.functional_location) {
        (Some(equipment), Some(location)) => format!("equipment {equipment} at {location}"),
        (Some(equipment), None) => format!("equipment {equipment}"),
        (None, Some(location)) => format!("at {location}"),
        (None, None) => "not linked to SAP".to_owned(),
    }
}
