//! Payloads as they should not be. All but the right ones still tell their sequence, so that nothing that was
//! acknowledged can hide behind being unreadable.

use super::{Dice, Moment, PURPOSE, put};
use crate::fleet::faults::DeviceFault;

/// The purpose of the draws made here.
const SPOILING: u64 = PURPOSE + 500;

/// What stands where a number should.
const WRONG_VALUES: [&str; 6] = ["\"n/a\"", "null", "true", "[1,2]", "{\"value\":1}", "\"\""];

/// A value of a wrong type.
pub(super) fn wrong_value(dice: Dice, sequence: u64, index: usize) -> &'static str {
    let pick = dice.bits(sequence, SPOILING + 1 + index as u64) % WRONG_VALUES.len() as u64;
    usize::try_from(pick).ok().and_then(|pick| WRONG_VALUES.get(pick)).copied().unwrap_or("null")
}

/// Spoils the message that stands in `out` from `begin` on; `bytes` is the size of a huge one.
pub(super) fn spoil(fault: DeviceFault, bytes: usize, dice: Dice, moment: &Moment, begin: usize, out: &mut Vec<u8>) {
    match fault {
        DeviceFault::NotJson => {
            out.truncate(begin);
            put(out, format_args!("sequence={} time={} sensor not ready, code 17", moment.sequence, moment.time));
        }
        DeviceFault::Truncated => truncate(dice, moment, begin, out),
        DeviceFault::Binary => {
            out.truncate(begin);
            put(out, format_args!("sequence={};", moment.sequence));
            out.extend_from_slice(&[0xff, 0xfe, 0x00, 0xc3, 0x28]);
            out.extend((0..4).flat_map(|word| dice.bits(moment.sequence, SPOILING + 100 + word).to_le_bytes()));
        }
        DeviceFault::Huge => pad(bytes, begin, out),
        _ => {}
    }
}

/// Cuts somewhere behind the sequence.
fn truncate(dice: Dice, moment: &Moment, begin: usize, out: &mut Vec<u8>) {
    let head = format!("{{\"sequence\":{},", moment.sequence).len();
    let rest = out.len() - begin - head;
    let kept = dice.bits(moment.sequence, SPOILING) % rest.max(1) as u64;
    out.truncate(begin + head + usize::try_from(kept).unwrap_or_default());
}

/// Adds a member that makes it `bytes` long.
fn pad(bytes: usize, begin: usize, out: &mut Vec<u8>) {
    out.pop();
    out.extend_from_slice(b",\"padding\":\"");
    let used = out.len() - begin + 2;
    out.resize(out.len() + bytes.saturating_sub(used), b'x');
    out.extend_from_slice(b"\"}");
}

/// The sequence that a payload of the fleet tells, spoiled or not.
pub fn sequence_of(payload: &[u8]) -> Option<u64> {
    const MARK: &[u8] = b"sequence";
    let at = payload.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    let digits = payload.get(at..)?.iter().skip_while(|byte| b"\":= ".contains(byte));
    let digits: Vec<u8> = digits.copied().take_while(u8::is_ascii_digit).collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}
