//! Finding a secret inside Base64, where its letters depend on what stands before it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shortest core that is looked for; shorter ones occur by chance.
const SHORTEST: usize = 8;

/// The letters that every Base64 text with `secret` in it contains: one core for each of the three places
/// that its first byte can have in a group, in both alphabets.
pub(super) fn cores(secret: &[u8]) -> Vec<String> {
    let mut cores: Vec<String> = Vec::new();
    for before in 0..3 {
        let padded = [vec![0; before], secret.to_vec()].concat();
        // Letters that also hold bits of a neighbour are not known.
        let (start, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        for encoded in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            let core = encoded.get(start..end).filter(|core| core.len() >= SHORTEST);
            cores.extend(core.filter(|core| !cores.iter().any(|known| known == core)).map(str::to_owned));
        }
    }
    cores
}

/// The whole Base64 text around a core: its neighbours hold bits of the secret too.
pub(super) fn whole(text: &str, start: usize, end: usize) -> (usize, usize) {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    let before = text.as_bytes()[..start].iter().rev().take_while(|byte| is_letter(byte)).count();
    let after = text.as_bytes()[end..].iter().take_while(|byte| is_letter(byte)).count();
    (start - before, end + after)
}
