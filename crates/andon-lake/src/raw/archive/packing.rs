//! How archived segments are packed: formats that every tool reads.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

/// Level that zstd itself has as default: about 500 MB/s, and a tenth of the size for readings.
const ZSTD_LEVEL: i32 = 3;

/// A packing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Packing {
    /// Zstandard (RFC 8878), with its checksum.
    #[default]
    Zstd,
    /// gzip (RFC 1952).
    Gzip,
}

impl Packing {
    pub(crate) const ALL: [Self; 2] = [Self::Zstd, Self::Gzip];

    /// Ending of an object.
    pub(crate) const fn ending(self) -> &'static str {
        match self {
            Self::Zstd => ".ndjson.zst",
            Self::Gzip => ".ndjson.gz",
        }
    }

    pub(crate) fn pack(self, plain: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Zstd => {
                let mut packer = zstd::stream::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
                packer.include_checksum(true)?;
                packer.write_all(plain)?;
                packer.finish()
            }
            Self::Gzip => {
                let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                packer.write_all(plain)?;
                packer.finish()
            }
        }
    }

    /// At most `limit` bytes come out; more are an error. With an error comes what was unpacked before it: bytes that
    /// nothing vouches for.
    pub(crate) fn unpack(self, packed: &[u8], limit: u64) -> (Vec<u8>, io::Result<()>) {
        match self {
            Self::Zstd => match zstd::stream::Decoder::new(packed) {
                Ok(unpacker) => take(unpacker, limit),
                Err(cause) => (Vec::new(), Err(cause)),
            },
            Self::Gzip => take(flate2::read::MultiGzDecoder::new(packed), limit),
        }
    }
}

fn take(unpacker: impl Read, limit: u64) -> (Vec<u8>, io::Result<()>) {
    let mut plain = Vec::new();
    let done = unpacker.take(limit + 1).read_to_end(&mut plain);
    if plain.len() as u64 > limit {
        let more = format!("more than {limit} bytes come out of it");
        return (plain, Err(io::Error::new(io::ErrorKind::FileTooLarge, more)));
    }
    (plain, done.map(|_| ()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again_and_no_more_than_allowed() {
        let plain = b"{\"v\":1}\n".repeat(1_000);
        for packing in Packing::ALL {
            let packed = packing.pack(&plain).expect("packed");
            assert!(packed.len() < plain.len() / 10, "{packing:?}");
            let (unpacked, done) = packing.unpack(&packed, 8_000);
            assert!(done.is_ok() && unpacked == plain, "{packing:?}: {done:?}");
            let refused = |packed: &[u8], limit| packing.unpack(packed, limit).1.map_err(|e| e.kind()).err();
            assert_eq!(refused(&packed, 7_999), Some(io::ErrorKind::FileTooLarge));
            assert!(refused(&packed[..packed.len() - 1], 8_000).is_some(), "cut off: {packing:?}");
            assert!(refused(&plain, 8_000).is_some(), "not packed: {packing:?}");
        }
    }
}
