//! `$select` and `$expand`: which properties and children an answer shows.

use super::failure::Failure;
use super::fields::EntityType;
use super::row::Row;

/// What is shown of one entity type.
#[derive(Debug, Clone)]
pub(crate) struct Projection {
    /// Bit per field.
    fields: u128,
    /// Per navigation.
    pub(crate) links: Vec<Link>,
}

/// What is shown of a navigation.
#[derive(Debug, Clone)]
pub(crate) enum Link {
    Hidden,
    /// `__deferred`.
    Deferred,
    Expanded(Projection),
}

impl Projection {
    /// Everything, children deferred.
    pub(crate) fn all(kind: &EntityType) -> Self {
        Self { fields: u128::MAX, links: vec![Link::Deferred; kind.navigations.len()] }
    }

    /// Everything, with the children that the row has: the answer to a deep insert.
    pub(crate) fn of_row(row: &Row) -> Self {
        let links = row.children.iter().map(|children| match children.first() {
            Some(first) => Link::Expanded(Self::of_row(first)),
            None => Link::Deferred,
        });
        Self { fields: u128::MAX, links: links.collect() }
    }

    /// Reads the comma-separated paths of both options.
    pub(crate) fn parse(kind: &'static EntityType, select: &str, expand: &str) -> Result<Self, Failure> {
        Self::build(kind, &paths(select), &paths(expand))
    }

    /// Reads the options as V4 writes them: `$expand=_Item($select=A,B),_Other`.
    pub(crate) fn parse_v4(kind: &'static EntityType, select: &str, expand: &str) -> Result<Self, Failure> {
        let mut this = Self::build(kind, &paths(select), &[])?;
        this.links.fill(Link::Hidden);
        for (name, options) in expansions(expand) {
            let at = kind.navigation(name).ok_or_else(|| unknown("$expand", name))?;
            let chosen = options.strip_prefix("$select=").unwrap_or_default();
            this.links[at] = Link::Expanded(Self::parse_v4(kind.navigations[at].target, chosen, "")?);
        }
        Ok(this)
    }

    pub(crate) fn shows(&self, position: u8) -> bool {
        self.fields & (1_u128 << (position & 127)) != 0
    }

    fn build(kind: &'static EntityType, select: &[&str], expand: &[&str]) -> Result<Self, Failure> {
        check_expand(kind, expand)?;
        let mut this = Self { fields: chosen_fields(kind, select)?, links: Vec::new() };
        for navigation in kind.navigations {
            let chosen = below(select, navigation.name);
            let expanded = below(expand, navigation.name);
            let shown = select.is_empty() || select.contains(&"*") || !chosen.is_empty();
            this.links.push(match (shown, expanded.is_empty()) {
                (false, _) => Link::Hidden,
                (true, true) => Link::Deferred,
                (true, false) => Link::Expanded(Self::build(navigation.target, &inner(&chosen), &inner(&expanded))?),
            });
        }
        Ok(this)
    }
}

fn chosen_fields(kind: &EntityType, select: &[&str]) -> Result<u128, Failure> {
    if select.is_empty() || select.contains(&"*") {
        return Ok(u128::MAX);
    }
    let mut mask = 0;
    for path in select {
        let name = path.split('/').next().unwrap_or_default();
        match (kind.position(name), kind.navigation(name)) {
            (Some(position), _) => mask |= 1_u128 << (position & 127),
            (None, Some(_)) => {}
            (None, None) => return Err(unknown("$select", name)),
        }
    }
    Ok(mask)
}

fn check_expand(kind: &EntityType, expand: &[&str]) -> Result<(), Failure> {
    let names = expand.iter().map(|path| path.split('/').next().unwrap_or_default());
    match names.into_iter().find(|name| kind.navigation(name).is_none()) {
        Some(name) => Err(unknown("$expand", name)),
        None => Ok(()),
    }
}

/// The rests of the paths that start with a name; the empty rest is the name itself.
fn below<'a>(paths: &[&'a str], name: &str) -> Vec<&'a str> {
    let rest = |path: &&'a str| match path.strip_prefix(name) {
        Some("") => Some(""),
        Some(rest) => rest.strip_prefix('/'),
        None => None,
    };
    paths.iter().filter_map(rest).collect()
}

fn inner<'a>(rests: &[&'a str]) -> Vec<&'a str> {
    rests.iter().copied().filter(|rest| !rest.is_empty()).collect()
}

fn paths(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|path| !path.is_empty()).collect()
}

/// The names of an expand option, with what stands in brackets behind each.
fn expansions(text: &str) -> Vec<(&str, &str)> {
    let mut depth = 0_usize;
    let apart = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    let items = text.split(apart).map(str::trim).filter(|item| !item.is_empty());
    items
        .map(|item| item.split_once('(').map_or((item, ""), |(name, rest)| (name, rest.trim_end_matches(')'))))
        .collect()
}

fn unknown(option: &str, name: &str) -> Failure {
    Failure::malformed(format!("Invalid {option}: '{name}' does not exist"))
}

#[cfg(test)]
mod tests {
    use super::super::tables::SERVICES;
    use super::*;

    fn show(projection: &Projection) -> String {
        let links = projection.links.iter().map(|link| match link {
            Link::Hidden => "-".to_owned(),
            Link::Deferred => "d".to_owned(),
            Link::Expanded(inner) => format!("[{}]", show(inner)),
        });
        let count =
            if projection.fields == u128::MAX { "*".to_owned() } else { projection.fields.count_ones().to_string() };
        format!("{count}{}", links.collect::<String>())
    }

    fn check(select: &str, expand: &str, expect: &str) {
        let found = Projection::parse(SERVICES[0].root, select, expand);
        let text = found.map_or_else(|failure| failure.to_string(), |projection| show(&projection));
        assert!(text.ends_with(expect), "{select} {expand} gave {text}");
    }

    #[test]
    fn options_choose() {
        check("", "", "*dd");
        check("*", "to_Item", "*[*d]d");
        check("MaintPriority,NotificationText", "", "2--");
        check("MaintPriority,to_Item/MaintNotifItemText", "to_Item", "1[1-]-");
        check("", "to_Item/to_ItemCause,to_Partner", "*[*[*]][*]");
    }

    #[test]
    fn v4_expands_with_brackets() {
        assert_eq!(expansions("_A($select=B,C),_D"), [("_A", "$select=B,C"), ("_D", "")]);
        assert_eq!(expansions(""), []);
    }

    #[test]
    fn unknown_names_are_refused() {
        check("Colour", "", "Invalid $select: 'Colour' does not exist");
        check("", "to_Nothing", "Invalid $expand: 'to_Nothing' does not exist");
        check("", "to_Item/to_Nothing", "Invalid $expand: 'to_Nothing' does not exist");
    }
}
