//! What the binary wires in: how configuration texts become sources and destinations.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_act::Target;
use andon_act::template::Facts;
use andon_journal::{Decoder, Document, DocumentCheck, Finding, IntakeAuth, ObjectReader, Source};
use andon_model::{Name, Problem};
use async_trait::async_trait;

/// A source, ready to be used.
pub struct SourceParts {
    /// Turns deliveries into events.
    pub decoder: Arc<dyn Decoder>,
    /// Reads what a notification names, instead of `decoder` reading the notification itself.
    pub notifications: Option<(Arc<dyn Decoder>, Arc<dyn ObjectReader>)>,
    /// Asked for events, when the source is pulled.
    pub pulled: Option<Box<dyn Source>>,
    /// How deliveries prove who sent them.
    pub auth: IntakeAuth,
    /// For people.
    pub description: String,
}

/// Builds adapters from documents. Implemented in the binary on top of `andon-connectors`.
#[async_trait]
pub trait Adapters: DocumentCheck {
    /// A source from its document.
    fn source(&self, document: &Document) -> Result<SourceParts, Problem>;

    /// The sources that exist without configuration: `cloudevents` and `framework`.
    fn built_in_sources(&self) -> Vec<(Name, SourceParts)>;

    /// Compares all actions among the documents with the metadata of the services that they name, and with what is
    /// known about the values of their templates.
    fn check_types(&self, documents: &[Document], facts: &BTreeMap<Name, Facts>) -> Vec<Finding> {
        let _ = (documents, facts);
        Vec::new()
    }

    /// Warns of secrets that the documents name and that are not there.
    async fn check_secrets(&self, documents: &[Document]) -> Vec<Finding> {
        let _ = documents;
        Vec::new()
    }

    /// All destinations.
    fn target(&self, destinations: &[Document]) -> Result<Arc<dyn Target>, Problem>;
}
