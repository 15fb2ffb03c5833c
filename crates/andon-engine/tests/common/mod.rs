//! Adapters for an engine whose destination is simulated and whose only source takes plain JSON.

use std::sync::Arc;

use andon_act::Target;
use andon_engine::{Adapters, SourceParts};
use andon_journal::{Decoded, Decoder, Delivery, Document, DocumentCheck, Finding, IntakeAuth};
use andon_model::{Name, Problem};

/// The name of the source.
pub(crate) const SOURCE: &str = "cloudevents";

pub(crate) struct SimulatedAdapters {
    pub(crate) target: Arc<dyn Target>,
}

impl DocumentCheck for SimulatedAdapters {
    fn check(&self, _document: &Document) -> Vec<Finding> {
        Vec::new()
    }
}

impl Adapters for SimulatedAdapters {
    fn source(&self, document: &Document) -> Result<SourceParts, Problem> {
        Err(Problem::new(andon_model::Code::UnknownSource, document.path()))
    }

    fn built_in_sources(&self) -> Vec<(Name, SourceParts)> {
        let parts = SourceParts {
            decoder: Arc::new(PlainDecoder),
            notifications: None,
            pulled: None,
            auth: IntakeAuth::Token,
            description: String::new(),
        };
        vec![(Name::new(SOURCE).expect("a name"), parts)]
    }

    fn target(&self, _destinations: &[Document]) -> Result<Arc<dyn Target>, Problem> {
        Ok(self.target.clone())
    }
}

/// One event as JSON, and nothing else.
struct PlainDecoder;

impl Decoder for PlainDecoder {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        Decoded { events: serde_json::from_slice(&delivery.body).into_iter().collect(), ..Decoded::default() }
    }
}
