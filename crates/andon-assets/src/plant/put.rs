//! Values that name their property.

use super::applied::{Put, PutTo, Refused, RefusedWhy};
use super::turn::Turn;
use crate::model::Source;

impl Turn<'_> {
    /// Takes a value in; time has passed up to its receipt.
    pub(super) fn put(&mut self, put: &Put<'_>) {
        let found = match put.to {
            PutTo::Alias(alias) => self.state.aliases.get(alias).copied().or_else(|| self.by_alias(alias)),
            PutTo::Property { asset, property } => self.named(asset, property),
        };
        match found {
            Some(found) => self.measure(found, put.value, (put.ts, put.received), put.quality),
            None if self.out.refused.is_empty() => {
                let what = match put.to {
                    PutTo::Alias(alias) => alias.to_owned(),
                    PutTo::Property { asset, property } => format!("{asset}/{property}"),
                };
                self.out.refused.push(Refused { asset: None, what, why: RefusedWhy::NoProperty });
            }
            None => {}
        }
        self.settle();
    }

    fn named(&self, asset: &str, property: &str) -> Option<(usize, usize)> {
        let asset = self.state.index.get(asset).copied()?;
        let at = self.models.all[self.state.assets[asset].model].property(property)?;
        matches!(self.property(asset, at).source, Source::Measurement { .. }).then_some((asset, at))
    }
}
