//! Searching: by name, and by *labels* that every device wears for what it is.

use std::fmt;
use std::str::FromStr;

use andon_model::Timestamp;

use crate::{CertificateStatus, Device, MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTE_VALUE, MAX_NAME_BYTES};

/// Most labels of one search.
pub const MAX_LABELS: usize = 8;

/// Longest text of a label.
const MAX_LABEL_BYTES: usize = "attribute:=".len() + MAX_ATTRIBUTE_NAME + MAX_ATTRIBUTE_VALUE;

/// Something by which devices are found: `profile:s1`, `group:line-4`, `status:ACTIVE`, `speaks_for:pump-1` (the gateways
/// of a device) or `attribute:plant=1710`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(String);

/// Why a text is no label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is nothing to search for: use profile:…, group:…, status:…, speaks_for:… or attribute:<name>=<value>")]
pub struct InvalidLabel(String);

impl Label {
    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Label {
    type Err = InvalidLabel;
    fn from_str(text: &str) -> Result<Self, InvalidLabel> {
        let legal = match text.split_once(':') {
            Some(("profile" | "group" | "status" | "speaks_for", name)) => !name.is_empty(),
            Some(("attribute", pair)) => pair.contains('='),
            _ => false,
        };
        let invalid = || InvalidLabel(text.chars().take(MAX_NAME_BYTES).collect());
        (legal && text.len() <= MAX_LABEL_BYTES).then(|| Self(text.to_owned())).ok_or_else(invalid)
    }
}

/// Something that comes at a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The end of the certificate that lasts longest, of those that are active and to stay.
    Ends,
    /// The first retirement of a certificate that was replaced.
    Retires,
}

impl Moment {
    /// What opens the labels of this moment.
    const fn word(self) -> &'static str {
        match self {
            Self::Ends => "ends",
            Self::Retires => "retires",
        }
    }

    /// When it comes for `device`.
    pub fn of(self, device: &Device) -> Option<Timestamp> {
        match self {
            Self::Ends => device.lasting().map(|certificate| certificate.not_after),
            Self::Retires => device.next_retirement(),
        }
    }
}

/// A moment before a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// What comes.
    pub moment: Moment,
    /// Before this.
    pub before: Timestamp,
}

impl Due {
    /// The labels of devices for which it comes, as a range: from the first, up to but without the second. Labels of
    /// moments have the microseconds since 1970 in 20 digits, so that their order is that of time.
    pub fn labels(&self) -> (String, String) {
        (format!("{}:", self.moment.word()), moment_label(self.moment, self.before))
    }
}

fn moment_label(moment: Moment, at: Timestamp) -> String {
    format!("{}:{:020}", moment.word(), at.as_micros().max(0))
}

/// Which devices are asked for: those that meet every condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceFilter {
    /// Only names after this one: the last of the page before.
    pub after: String,
    /// Only names in which this text stands.
    pub contains: String,
    /// Only devices with all of these labels, at most [`MAX_LABELS`].
    pub labels: Vec<Label>,
    /// Only devices for which this comes.
    pub due: Option<Due>,
    /// Most devices, at most [`super::MAX_ENTRIES`].
    pub limit: usize,
}

impl DeviceFilter {
    /// Whether `device` meets every condition.
    pub fn admits(&self, device: &Device) -> bool {
        let name = device.name.as_str();
        let labels = device.labels();
        name > self.after.as_str()
            && name.contains(&self.contains)
            && self.labels.iter().all(|label| labels.contains(label))
            && self.due.is_none_or(|due| due.moment.of(device).is_some_and(|at| at < due.before))
    }
}

impl Device {
    /// What the device is found by, each label once, in order. Its status is that of its newest certificate.
    pub fn labels(&self) -> Vec<Label> {
        let profile = self.profile.iter().map(|name| format!("profile:{name}"));
        let groups = self.groups.iter().map(|name| format!("group:{name}"));
        let behind = self.on_behalf_of.iter().map(|name| format!("speaks_for:{name}"));
        let attributes = self.attributes.iter().map(|(name, value)| format!("attribute:{name}={value}"));
        let status = format!("status:{}", self.status());
        let moments = [Moment::Ends, Moment::Retires].into_iter();
        let moments = moments.filter_map(|moment| Some(moment_label(moment, moment.of(self)?)));
        let texts = profile.chain(groups).chain(behind).chain(attributes).chain([status]).chain(moments);
        let mut labels: Vec<Label> = texts.map(Label).collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    /// The best state among its certificates: ACTIVE before INACTIVE before REVOKED. INACTIVE without any.
    pub fn status(&self) -> CertificateStatus {
        let has = |status| self.certificates.iter().any(|certificate| certificate.status == status);
        let order = [CertificateStatus::Active, CertificateStatus::Inactive, CertificateStatus::Revoked];
        order.into_iter().find(|status| has(*status)).unwrap_or(CertificateStatus::Inactive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeviceId, DeviceName, GroupName, ProfileName};

    #[test]
    fn labels_are_checked() {
        let check = |text: &str, expect: bool| assert_eq!(text.parse::<Label>().is_ok(), expect, "{text:?}");
        check("group:line-4", true);
        check("attribute:plant=1710", true);
        check("attribute:plant", false);
        check("group:", false);
        check("colour:red", false);
        check("", false);
        check(&format!("attribute:a={}", "x".repeat(2_000)), false);
    }

    #[test]
    fn devices_are_found_by_name_and_labels() {
        let name = DeviceName::new("pump-01").expect("a name");
        let mut device = Device::new(DeviceId::from_bits(1), name, Timestamp::from_micros(0));
        device.profile = Some(ProfileName::new("s1").expect("a name"));
        device.groups.insert(GroupName::new("line-4").expect("a name"));
        let check = |after: &str, contains: &str, labels: &[&str], expect: bool| {
            let labels = labels.iter().map(|text| text.parse().expect("a label")).collect();
            let (after, contains) = (after.to_owned(), contains.to_owned());
            let filter = DeviceFilter { after, contains, labels, due: None, limit: 1 };
            assert_eq!(filter.admits(&device), expect, "{filter:?}");
        };
        check("", "", &[], true);
        check("pump-01", "", &[], false);
        check("pump-00", "mp-0", &["profile:s1", "group:line-4", "status:INACTIVE"], true);
        check("", "x", &[], false);
        check("", "", &["profile:s1", "group:line-5"], false);
    }
}
