//! Looking at the plant page by page.

use andon_assets::definition::AlarmState;
use andon_assets::{AlarmView, AssetView, Plant, ValueView};
use serde::Serialize;

/// Most assets or alarms of one page.
pub const MAX_PAGE: usize = 1_000;

/// Where in the tree assets are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Under {
    /// Anywhere.
    #[default]
    Anything,
    /// At the top.
    Nothing,
    /// Directly under this asset.
    Asset(String),
}

/// Which assets to look at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssetFilter {
    /// Of this model only.
    pub model: Option<String>,
    /// Where in the tree.
    pub under: Under,
    /// With this text in id, name, device, equipment or functional location; upper and lower case are the same.
    pub text: Option<String>,
    /// With an alarm that is neither normal nor disabled.
    pub raised: bool,
    /// Where the page begins: [`AssetPage::next`] of the one before.
    pub from: usize,
    /// At most this many, and at most [`MAX_PAGE`].
    pub limit: usize,
}

/// Some assets, the oldest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssetPage {
    /// They.
    pub assets: Vec<AssetView>,
    /// Where the next page begins; absent when this is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<usize>,
}

/// All about one asset.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssetDetail {
    /// The asset.
    pub asset: AssetView,
    /// Its properties with their latest values.
    pub values: Vec<ValueView>,
    /// Its alarms.
    pub alarms: Vec<AlarmView>,
    /// Why it has no name in SAP, where SAP was asked for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlinked: Option<String>,
}

/// Which alarms to look at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlarmFilter {
    /// Of this asset only.
    pub asset: Option<String>,
    /// In one of these states; empty: in any.
    pub states: Vec<AlarmState>,
    /// Where the page begins: [`AlarmPage::next`] of the one before.
    pub from: usize,
    /// At most this many, and at most [`MAX_PAGE`].
    pub limit: usize,
}

/// Some alarms, in order of their assets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlarmPage {
    /// They.
    pub alarms: Vec<AlarmView>,
    /// Where the next page begins; absent when this is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<usize>,
}

pub(super) fn assets(plant: &Plant, filter: &AssetFilter) -> AssetPage {
    let text = filter.text.as_ref().map(|text| text.to_lowercase());
    let wanted = |asset: &AssetView| {
        filter.model.as_ref().is_none_or(|model| *model == asset.model)
            && is_under(asset, &filter.under)
            && (!filter.raised || asset.alarms > 0)
            && text.as_ref().is_none_or(|text| has_text(asset, text))
    };
    let (assets, next) = page(plant.assets(), wanted, filter.from, filter.limit);
    AssetPage { assets, next }
}

pub(super) fn alarms(plant: &Plant, filter: &AlarmFilter) -> AlarmPage {
    let wanted = |alarm: &AlarmView| {
        filter.asset.as_ref().is_none_or(|asset| *asset == alarm.asset)
            && (filter.states.is_empty() || filter.states.contains(&alarm.state))
    };
    let (alarms, next) = page(plant.alarms(), wanted, filter.from, filter.limit);
    AlarmPage { alarms, next }
}

fn is_under(asset: &AssetView, under: &Under) -> bool {
    match under {
        Under::Anything => true,
        Under::Nothing => asset.parent.is_none(),
        Under::Asset(id) => asset.parent.as_ref().is_some_and(|parent| parent.asset == *id),
    }
}

fn has_text(asset: &AssetView, text: &str) -> bool {
    let links = [asset.links.equipment.as_ref(), asset.links.functional_location.as_ref()];
    let texts = [&asset.id, &asset.name, &asset.device].into_iter().chain(links.into_iter().flatten());
    texts.into_iter().any(|known| known.to_lowercase().contains(text))
}

/// What is wanted from position `from` on, and the position behind it if there is more.
fn page<T>(
    all: impl Iterator<Item = T>,
    wanted: impl Fn(&T) -> bool,
    from: usize,
    limit: usize,
) -> (Vec<T>, Option<usize>) {
    let limit = limit.clamp(1, MAX_PAGE);
    let mut found = all.enumerate().skip(from).filter(|(_, item)| wanted(item));
    let mut items = Vec::new();
    while items.len() < limit {
        let Some((_, item)) = found.next() else { return (items, None) };
        items.push(item);
    }
    (items, found.next().map(|(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_come_one_after_the_other() {
        let even = |limit| {
            let (mut all, mut from) = (Vec::new(), Some(0));
            while let Some(at) = from {
                let (items, next) = page(0..10, |n| n % 2 == 0, at, limit);
                assert!(items.len() <= limit.max(1));
                all.extend(items);
                from = next;
            }
            all
        };
        for limit in [0, 1, 2, 5, 6, usize::MAX] {
            assert_eq!(even(limit), [0, 2, 4, 6, 8], "pages of {limit}");
        }
    }
}
