//! Names that point from one thing to another: a device to its groups, a group to its policies, a claim to both.
//!
//! **Constraints.** What is named must be stored, and what is named is not removed: a policy that is not there might have
//! been the one with the Deny. Both are looked at before the change and not with it, so that two changes at once may leave
//! a name without anything behind it; the door lets nobody in by such a name ([`andon_devices::registry::admit`]).

use andon_devices::registry::{
    Claim, DeviceFilter, Entry, InvalidLabel, Kind, MAX_ENTRIES, Record, Registry, Versioned,
};
use andon_devices::{Device, Group, GroupName, PolicyName, Profile, ProfileName};
use andon_model::{Code, Problem};

use super::Office;

/// Most of those who name something that a refusal to remove it tells.
const MAX_TOLD: usize = 10;

/// What is named, with its kind.
#[derive(Debug, Default)]
pub(crate) struct Names(Vec<(Kind, String)>);

impl Names {
    pub(crate) fn of_groups<'a>(groups: impl IntoIterator<Item = &'a GroupName>) -> Self {
        Self(groups.into_iter().map(|name| (Kind::Group, name.to_string())).collect())
    }

    pub(crate) fn of_policies<'a>(policies: impl IntoIterator<Item = &'a PolicyName>) -> Self {
        Self(policies.into_iter().map(|name| (Kind::Policy, name.to_string())).collect())
    }

    pub(crate) fn and_profiles<'a>(mut self, profiles: impl IntoIterator<Item = &'a ProfileName>) -> Self {
        self.0.extend(profiles.into_iter().map(|name| (Kind::Profile, name.to_string())));
        self
    }

    pub(crate) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }
}

/// What is told about a name with nothing behind it.
pub(super) fn not_stored(kind: Kind, name: &str) -> Problem {
    let (word, remedy) = match kind {
        Kind::Group => ("group", format!("andon devices groups put {name}")),
        Kind::Policy => ("policy", format!("andon devices policies put {name} FILE")),
        _ => ("profile", format!("andon devices profiles put {name} FILE")),
    };
    Problem::new(Code::DeviceValue, format!("there is no {word} {name}; `{remedy}` makes it"))
}

impl Office {
    /// Whether everything that is named is stored.
    ///
    /// # Errors
    /// [`Code::DeviceValue`] with the first name that is not, and the command that stores it.
    pub(crate) async fn all_stored(&self, names: Names) -> Result<(), Problem> {
        for wanted in names.0.chunks(MAX_ENTRIES) {
            let found = self.registry.several(wanted).await?;
            if let Some(((kind, name), _)) = wanted.iter().zip(found).find(|(_, found)| found.is_none()) {
                return Err(not_stored(*kind, name));
            }
        }
        Ok(())
    }

    /// Whether nothing names it, so that it may be removed.
    ///
    /// # Errors
    /// [`Code::Conflict`] with the first of those who do.
    pub(crate) async fn unused(&self, kind: Kind, name: &str) -> Result<(), Problem> {
        let users = match kind {
            Kind::Profile | Kind::Group => self.users_of_holder(kind, name).await?,
            Kind::Policy => self.users_of_policy(name).await?,
            _ => Vec::new(),
        };
        if users.is_empty() {
            return Ok(());
        }
        let (word, users) = (kind.word(), users.join(", "));
        Err(Problem::new(Code::Conflict, format!("the {word} {name} is in use, take it from these first: {users}")))
    }

    /// Devices and claims that name a profile or a group.
    async fn users_of_holder(&self, kind: Kind, name: &str) -> Result<Vec<String>, Problem> {
        let label = format!("{}:{name}", kind.word()).parse();
        let label = label.map_err(|error: InvalidLabel| Problem::new(Code::BadRequest, format!("{error}")))?;
        let filter = DeviceFilter { labels: vec![label], limit: MAX_TOLD, ..DeviceFilter::default() };
        let devices = self.registry.devices(&filter).await?;
        let mut users: Vec<_> = devices.iter().map(|device| format!("device {}", device.key)).collect();
        let names = |claim: &Claim| match kind {
            Kind::Group => claim.groups.contains(name),
            _ => claim.profiles.contains(name),
        };
        self.add_users(&mut users, names).await?;
        Ok(users)
    }

    /// Profiles, groups and devices that name a policy. There is no label for it: every device is looked at.
    async fn users_of_policy(&self, name: &str) -> Result<Vec<String>, Problem> {
        let mut users = Vec::new();
        self.add_users(&mut users, |profile: &Profile| profile.policies.contains(name)).await?;
        self.add_users(&mut users, |group: &Group| group.policies.contains(name)).await?;
        self.add_users(&mut users, |device: &Device| device.policies.contains(name)).await?;
        Ok(users)
    }

    /// Page after page, until enough are found.
    async fn add_users<R: Record>(&self, users: &mut Vec<String>, names: impl Fn(&R) -> bool) -> Result<(), Problem> {
        let mut after = String::new();
        while users.len() < MAX_TOLD {
            let page = page(self.registry.as_ref(), R::KIND, &after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.key);
            for entry in &page {
                if names(&Versioned::<R>::of(entry)?.value) && users.len() < MAX_TOLD {
                    users.push(format!("{} {}", R::KIND.word(), entry.key));
                }
            }
        }
        Ok(())
    }
}

async fn page(registry: &dyn Registry, kind: Kind, after: &str) -> Result<Vec<Entry>, Problem> {
    Ok(registry.entries(kind, after, MAX_ENTRIES).await?)
}
