//! What can be wrong with definitions and requests.

use andon_model::{Code, Problem};

/// What kind of fault a definition has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// A member is missing, unknown or of the wrong type.
    Shape,
    /// A value is out of its limits, or contradicts another.
    Value,
    /// A name leads nowhere, or round in a circle.
    Reference,
}

/// Why models and assets cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what}")]
pub struct DefinitionError {
    /// Where: `models[0].properties[2].type.metric.expression`, for example.
    pub path: String,
    /// What kind.
    pub kind: FaultKind,
    /// What, and what to do.
    pub what: String,
}

impl DefinitionError {
    pub(crate) fn shape(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self { path: path.into(), kind: FaultKind::Shape, what: what.into() }
    }

    pub(crate) fn value(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self { path: path.into(), kind: FaultKind::Value, what: what.into() }
    }

    pub(crate) fn reference(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self { path: path.into(), kind: FaultKind::Reference, what: what.into() }
    }

    /// The same fault with the name of the thing that has it, since nobody counts to the forty-fifth property.
    pub(crate) fn of(self, kind: &str, name: &str) -> Self {
        Self { what: format!("{} ({kind} {name})", self.what), ..self }
    }
}

impl From<DefinitionError> for Problem {
    fn from(error: DefinitionError) -> Self {
        let code = match error.kind {
            FaultKind::Shape => Code::ConfigurationSyntax,
            FaultKind::Value => Code::ConfigurationValue,
            FaultKind::Reference => Code::ConfigurationReference,
        };
        Self::new(code, error.what).at(error.path)
    }
}

/// Why an operation on an alarm or asset is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// No asset has this id.
    #[error("there is no asset {0}")]
    NoAsset(String),
    /// The asset's model has no such alarm.
    #[error("asset {asset} has no alarm {alarm}")]
    NoAlarm {
        /// Id of the asset.
        asset: String,
        /// Name that was asked for.
        alarm: String,
    },
    /// The state of the alarm does not allow it.
    #[error("an alarm that is {state} cannot be asked to {operation}")]
    NotNow {
        /// The present state, as SiteWise names it.
        state: &'static str,
        /// The operation, as SiteWise names it.
        operation: &'static str,
    },
    /// The asset is there because a document says so.
    #[error("asset {0} is defined by a document: take it out there")]
    Defined(String),
    /// A value is out of its limits.
    #[error("{0}")]
    Value(String),
}

impl From<OperationError> for Problem {
    fn from(error: OperationError) -> Self {
        let code = match error {
            OperationError::NoAsset(_) | OperationError::NoAlarm { .. } => Code::NotFound,
            OperationError::NotNow { .. } | OperationError::Defined(_) => Code::Conflict,
            OperationError::Value(_) => Code::BadRequest,
        };
        Self::new(code, error.to_string())
    }
}
