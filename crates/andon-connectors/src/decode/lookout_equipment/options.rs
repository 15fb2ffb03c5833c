//! The options of `lookout-equipment`.

use andon_model::{Problem, Timestamp};
use serde::Deserialize;
use toml::Spanned;

use super::{EquipmentNaming, LookoutEquipment};
use crate::source::{Configured, Section};

/// The section `[decode]` of `lookout-equipment`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    equipment: Option<Spanned<String>>,
    utc_offset: Option<Spanned<String>>,
    #[serde(default)]
    include_normal: bool,
}

impl Configured for LookoutEquipment {
    fn configured(section: &Section<'_>) -> Result<Self, Problem> {
        let options: Options = section.options()?;
        let Some(equipment) = &options.equipment else {
            return Err(section.lacking(
                "the decoder lookout-equipment needs the key equipment in [decode]: a name, \"{1}\" for the first \
                 folder below the prefix, or \"{component}\"",
            ));
        };
        let naming: EquipmentNaming =
            equipment.as_ref().parse().map_err(|why: String| section.wrong(equipment, why))?;
        Ok(Self {
            equipment: naming,
            prefix: section.prefix().to_owned(),
            utc_offset: utc_offset(section, options.utc_offset.as_ref())?,
            include_normal: options.include_normal,
        })
    }
}

fn utc_offset(section: &Section<'_>, given: Option<&Spanned<String>>) -> Result<String, Problem> {
    let Some(given) = given else { return Ok("+00:00".into()) };
    match format!("2000-01-01T00:00:00{}", given.as_ref()).parse::<Timestamp>() {
        Ok(_) => Ok(given.as_ref().clone()),
        Err(_) => Err(section.wrong(given, "use an offset such as +01:00")),
    }
}
