//! gzip (RFC 1952), told by its first two bytes: Firehose delivers objects so, with or without a telling name.
//!
//! **Constraints.** A few bytes can unpack to gigabytes. Unpacking therefore stops one byte after a limit,
//! and what lies beyond is never in memory: for objects of a bucket the limit is the source's
//! `max_object_bytes`, for pushes [`MAX_UNPACKED_BYTES`].
//!
//! **Life of an object.** The bucket unpacks it once, when it is read, and decodes it in parts from then on.
//! A push, or an entry of the quarantine that is tried again, is unpacked by [`Gunzip`].

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::{Code, Problem};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use super::lines::one_fault;
use super::text::fault;
use super::{Part, PartDecoder, Position};

/// Most bytes that a push unpacks to (64 MiB).
pub const MAX_UNPACKED_BYTES: u64 = 64 << 20;

const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The unpacked bytes of a payload, itself when it is not gzip. A fault when it is damaged, or larger than
/// `limit` bytes when unpacked.
pub fn unpacked(body: &Bytes, limit: u64) -> Result<Bytes, Problem> {
    if !body.starts_with(&MAGIC) {
        return Ok(body.clone());
    }
    let mut out = Vec::new();
    let read = MultiGzDecoder::new(body.as_ref()).take(limit.saturating_add(1)).read_to_end(&mut out);
    read.map_err(|error| fault("gzip", format!("the compressed bytes are damaged: {error}")))?;
    if out.len() as u64 > limit {
        let what = format!("{} compressed bytes unpack to more than {limit} bytes", body.len());
        return Err(Problem::new(Code::TooLarge, what).at("gzip"));
    }
    Ok(out.into())
}

/// A decoder that takes its payload packed, too.
#[derive(Debug)]
pub struct Gunzip(pub Arc<dyn PartDecoder>);

impl Decoder for Gunzip {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        match plain(delivery) {
            Ok(plain) => self.0.decode(&plain),
            Err(problem) => one_fault(problem, delivery.body.clone()),
        }
    }
}

impl PartDecoder for Gunzip {
    /// Parts are asked for by buckets, which have unpacked the object: one that is still packed is damaged,
    /// or was packed twice.
    fn decode_part(&self, delivery: &Delivery, from: Position, max_events: usize) -> Part {
        if delivery.body.starts_with(&MAGIC) {
            let damage = unpacked(&delivery.body, MAX_UNPACKED_BYTES).err();
            let problem = damage.unwrap_or_else(|| fault("gzip", "the object is packed twice"));
            return Part { decoded: one_fault(problem, delivery.body.clone()), next: None };
        }
        self.0.decode_part(delivery, from, max_events)
    }

    fn companion(&self, path: &str) -> Option<String> {
        self.0.companion(path)
    }
}

fn plain(delivery: &Delivery) -> Result<Cow<'_, Delivery>, Problem> {
    if !delivery.body.starts_with(&MAGIC) {
        return Ok(Cow::Borrowed(delivery));
    }
    let body = unpacked(&delivery.body, MAX_UNPACKED_BYTES)?;
    Ok(Cow::Owned(Delivery { body, ..delivery.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write as _;

    fn packed(bytes: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("in memory");
        encoder.finish().expect("in memory").into()
    }

    fn check(body: impl Into<Bytes>, limit: u64, expect: Result<&[u8], Code>) {
        let found = unpacked(&body.into(), limit);
        assert_eq!(found.as_deref().map_err(|problem| problem.code), expect);
    }

    #[test]
    fn packed_bytes_are_told_by_their_start() {
        check("plain", 1, Ok(b"plain"));
        check(packed(b"{\"a\":1}"), 7, Ok(b"{\"a\":1}"));
        check([packed(b"{\"a\":1}"), packed(b"{\"b\":2}")].concat(), 99, Ok(b"{\"a\":1}{\"b\":2}"));
    }

    #[test]
    fn bombs_and_damage_are_faults() {
        check(packed(b"12345678"), 7, Err(Code::TooLarge));
        check(packed(&vec![b' '; 4 << 20]), 1 << 20, Err(Code::TooLarge));
        let whole = packed(b"{\"a\":1}");
        check(whole.slice(..whole.len() - 5), 99, Err(Code::Undecodable));
        check(&MAGIC[..], 99, Err(Code::Undecodable));
        check([whole.as_ref(), b"tail"].concat(), 99, Err(Code::Undecodable));
    }
}
