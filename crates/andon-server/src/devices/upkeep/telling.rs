//! Where events about devices go: onto the event lane, by the source that takes `CloudEvents`.

use andon_engine::Handle;
use andon_journal::Delivery;
use andon_model::{Code, Event, Name, Problem};

/// The built-in source that decodes them.
const SOURCE: &str = "cloudevents";

/// Takes events; what it took is durable.
pub(crate) trait Tell: Send + Sync + 'static {
    /// Stores `event`, or finds that it is stored.
    fn tell(&self, event: Event) -> impl Future<Output = Result<(), Problem>> + Send;
}

impl Tell for Handle {
    async fn tell(&self, event: Event) -> Result<(), Problem> {
        let failed = |why: String| Problem::new(Code::BackPressure, format!("an event could not be stored: {why}"));
        let body = structured(&event).map_err(|error| failed(error.to_string()))?;
        let content_type = Some("application/cloudevents+json".to_owned());
        let delivery = Delivery { content_type, body: body.into(), ..Delivery::default() };
        let source = Name::new(SOURCE).map_err(|error| failed(error.to_string()))?;
        let delivered = self.deliver(&source, delivery).await.map_err(|error| failed(error.to_string()))?;
        match delivered.quarantined.into_iter().next() {
            Some((_, problem)) => Err(problem),
            None => Ok(()),
        }
    }
}

/// The structured mode of CloudEvents 1.0.
fn structured(event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    let mut document = serde_json::to_value(event)?;
    document["specversion"] = "1.0".into();
    serde_json::to_vec(&document)
}
