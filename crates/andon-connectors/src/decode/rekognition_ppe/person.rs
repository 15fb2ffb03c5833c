//! One person in a picture: what is worn, what is missing, what cannot be seen.

use andon_model::Problem;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::decode::members::Members;

/// A kind of equipment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Equipment {
    /// A mask.
    FaceCover,
    /// A helmet.
    HeadCover,
    /// Gloves, on both hands.
    HandCover,
}

impl Equipment {
    /// All kinds that the service knows.
    pub const ALL: [Self; 3] = [Self::FaceCover, Self::HeadCover, Self::HandCover];

    /// The service's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FaceCover => "FACE_COVER",
            Self::HeadCover => "HEAD_COVER",
            Self::HandCover => "HAND_COVER",
        }
    }

    /// The parts of the body that it covers, in the service's words.
    const fn body_parts(self) -> &'static [&'static str] {
        match self {
            Self::FaceCover => &["FACE"],
            Self::HeadCover => &["HEAD"],
            Self::HandCover => &["LEFT_HAND", "RIGHT_HAND"],
        }
    }
}

/// What is known about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Wears all that is required.
    With,
    /// Lacks something on a part of the body that can be seen.
    Without,
    /// Lacks nothing that can be seen, but not everything can be seen.
    Indeterminate,
}

/// A person in a picture.
#[derive(Debug)]
pub(super) struct Person {
    /// Unique in its picture only.
    id: u64,
    confidence: f64,
    /// Equipment that is missing from a part of the body that can be seen, and that part.
    lacks: Vec<(Equipment, &'static str)>,
    /// The same for parts that cannot be seen.
    unseen: Vec<(Equipment, &'static str)>,
}

impl Person {
    /// Reads an entry of `Persons`.
    pub(super) fn read(members: &mut Members<'_>, required: &[Equipment], min: f64) -> Result<Self, Problem> {
        let mut person = Self {
            id: members.integer("Id")?,
            confidence: members.number("Confidence", 100.0)?,
            lacks: Vec::new(),
            unseen: Vec::new(),
        };
        let parts = body_parts(members, min)?;
        for (kind, name) in required.iter().flat_map(|kind| kind.body_parts().iter().map(move |name| (*kind, *name))) {
            match parts.iter().find(|part| part.name == name).filter(|_| person.confidence >= min) {
                None => person.unseen.push((kind, name)),
                Some(part) if !part.covers.iter().any(|worn| worn == kind.name()) => person.lacks.push((kind, name)),
                Some(_) => {}
            }
        }
        Ok(person)
    }

    pub(super) fn verdict(&self) -> Verdict {
        match (self.lacks.is_empty(), self.unseen.is_empty()) {
            (false, _) => Verdict::Without,
            (true, false) => Verdict::Indeterminate,
            (true, true) => Verdict::With,
        }
    }

    /// `{"id", "confidence", "lacks": ["HEAD_COVER"], "body_parts": ["HEAD"], "unseen": ["LEFT_HAND"]}`.
    pub(super) fn to_json(&self) -> Value {
        let mut lacks: Vec<_> = self.lacks.iter().map(|(kind, _)| kind.name()).collect();
        lacks.dedup();
        let part = |(_, name): &(Equipment, &'static str)| *name;
        json!({
            "id": self.id,
            "confidence": self.confidence,
            "lacks": lacks,
            "body_parts": self.lacks.iter().map(part).collect::<Vec<_>>(),
            "unseen": self.unseen.iter().map(part).collect::<Vec<_>>(),
        })
    }
}

/// A part of the body that is surely seen.
struct BodyPart {
    name: String,
    /// The kinds of equipment that surely cover it.
    covers: Vec<String>,
}

fn body_parts(person: &mut Members<'_>, min: f64) -> Result<Vec<BodyPart>, Problem> {
    let mut parts = Vec::new();
    for mut part in person.objects("BodyParts")? {
        let name = part.required_text("Name")?;
        if part.number("Confidence", 100.0)? >= min {
            parts.push(BodyPart { name, covers: covers(&mut part, min)? });
        }
    }
    Ok(parts)
}

fn covers(part: &mut Members<'_>, min: f64) -> Result<Vec<String>, Problem> {
    let mut covers = Vec::new();
    for mut detection in part.objects("EquipmentDetections")? {
        let kind = detection.required_text("Type")?;
        let mut place = detection.required_object("CoversBodyPart")?;
        // Equipment may be seen in a hand instead of on it.
        let worn = place.flag("Value")? && place.number("Confidence", 100.0)? >= min;
        if worn && detection.number("Confidence", 100.0)? >= min {
            covers.push(kind);
        }
    }
    Ok(covers)
}
