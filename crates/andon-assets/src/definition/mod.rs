//! What people define: models with properties, alarms and hierarchies, and assets.
//!
//! The words and the shape are those of AWS IoT SiteWise (<https://docs.aws.amazon.com/iot-sitewise/latest/userguide/asset-models-and-assets.html>):
//! definitions of properties and hierarchies are read as `CreateAssetModel` takes them, in `camelCase`, where names stand
//! for ids; our own files write `snake_case`. Beside them stand
//! where a measurement comes from, how assets are created from readings, and alarms.
//!
//! **Life of a definition.** A configuration file becomes a JSON value; [`PlantDefinition::read`] gives it its types and
//! names the path of what does not fit; [`crate::Plant::new`] checks references, formulas and patterns.

mod alarm;
mod read;
mod shape;
mod span;

pub use alarm::ThresholdDefinition;
pub use alarm::{AlarmDefinition, AlarmLimit, AlarmState, Direction, Operator, RateDefinition, SilenceDefinition};
pub use shape::{
    AssetDefinition, AttributeDefinition, DiscoverDefinition, HierarchyDefinition, LinkSearch, Links, LinksDefinition,
    MeasurementDefinition, MetricDefinition, ModelDefinition, ParentDefinition, PlantDefinition, PropertyDefinition,
    PropertyKind, TransformDefinition, Tumbling, VariableDefinition, VariableValue, WindowDefinition,
};
pub use span::{InvalidSpan, Span};
