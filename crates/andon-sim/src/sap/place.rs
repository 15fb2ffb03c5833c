//! Where a path leads, and which faults can be met there.

use http::Method;

use super::address::dialect;
use crate::btp::{destinations, rules};
use crate::faults::Scope;
use crate::llm::Shape;
use crate::{devices, llm, mesh};

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// A service of OData, V2 or V4.
    Service,
    /// The token endpoint.
    Token,
    Destinations,
    Rules(rules::Version),
    Llm(Shape),
    Mesh(mesh::Target),
    Device(&'a str),
    Echo,
    Equipment(&'a str),
    Nowhere,
}

impl<'a> Place<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        if dialect(path).is_some() {
            return Self::Service;
        }
        if path.starts_with(destinations::ROOT) {
            return Self::Destinations;
        }
        match path.strip_prefix("/sim/equipment/") {
            Some(id) if !id.is_empty() => Self::Equipment(id),
            _ if path == "/sim/echo" => Self::Echo,
            _ if path == "/oauth/token" => Self::Token,
            _ => Self::by_shape(path),
        }
    }

    /// Paths that are told by their end or by a pattern.
    fn by_shape(path: &'a str) -> Self {
        let mesh = || mesh::target(path).map(Self::Mesh);
        let device = || devices::device(path).map(Self::Device);
        let rules = || rules::version(path).map(Self::Rules);
        let llm = || llm::shape(path).map(Self::Llm);
        mesh().or_else(device).or_else(rules).or_else(llm).unwrap_or(Self::Nowhere)
    }

    /// Whether credentials are asked for.
    pub(super) fn is_guarded(&self) -> bool {
        !matches!(self, Self::Token | Self::Echo | Self::Equipment(_) | Self::Nowhere)
    }

    /// What a request asks for, none for a read. Finding a destination hands out tokens: no mere read.
    pub(super) fn scope(&self, method: &Method, path: &str) -> Option<Scope> {
        let read = matches!(*method, Method::GET | Method::HEAD);
        match self {
            Self::Destinations => Some(Scope::Destinations),
            _ if read => None,
            Self::Service if path.ends_with("batch") => Some(Scope::Batch),
            Self::Service if *method == Method::POST => Some(Scope::Create),
            Self::Service => Some(Scope::Change),
            Self::Token => Some(Scope::Tokens),
            Self::Rules(_) => Some(Scope::Rules),
            Self::Llm(_) => Some(Scope::Llm),
            Self::Mesh(_) => Some(Scope::Mesh),
            Self::Device(_) | Self::Echo | Self::Equipment(_) | Self::Nowhere => Some(Scope::Plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_places() {
        let topic = mesh::Target::Topic("a/b c".to_owned());
        for (path, expect) in [
            ("/sap/opu/odata/sap/API_DEFECT_SRV/A_Defect", Place::Service),
            ("/sap/opu/odata4/sap/api_defect/srvd_a2x/sap/defect/0001/Defect", Place::Service),
            ("/oauth/token", Place::Token),
            ("/destination-configuration/v1/destinations/X", Place::Destinations),
            ("/public/rule/runtime/rest/v2/rule-services", Place::Rules(rules::Version::V2)),
            ("/v1/rule-services", Place::Rules(rules::Version::V1)),
            ("/v2/inference/deployments/d1/invoke", Place::Llm(Shape::Anthropic)),
            ("/model/m/converse", Place::Llm(Shape::Converse)),
            ("/v1/chat/completions", Place::Llm(Shape::Chat)),
            ("/TOPIC/a/b%20c", Place::Mesh(topic)),
            ("/api/devices/silo-1/properties", Place::Device("silo-1")),
            ("/api/devices//properties", Place::Nowhere),
            ("/sim/echo", Place::Echo),
            ("/sim/equipment/1", Place::Equipment("1")),
            ("/", Place::Nowhere),
        ] {
            assert_eq!(Place::of(path), expect, "{path}");
        }
    }
}
