//! For sources of readings, which have no decoder.

use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::{Code, Problem};

use super::PartDecoder;
use super::lines::one_fault;

/// Reads nothing: what is pushed to a source of readings is kept as a fault with its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Unread;

impl Decoder for Unread {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        let what = "the source takes readings from its broker, and no events: name another source";
        one_fault(Problem::new(Code::UnknownSource, what), delivery.body.clone())
    }
}

impl PartDecoder for Unread {}
