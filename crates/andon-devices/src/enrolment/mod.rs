//! Onboarding: from a request to a device with a certificate, whatever happens on the way.
//!
//! **Constraints.** No I/O: [`step`] is `(state, input, now) → (state, effects)`. The identity is decided when the
//! enrolment begins, so that nothing that happens later can make a second one. At any time the device has at most one
//! certificate of the enrolment that is active, and it is the one that was handed over last.
//!
//! **Life of an enrolment.** [`begin()`] compares the request with what is stored: it starts, goes on, finds the device
//! complete, or refuses. The caller stores the [`Transition`] (state, device and revoked certificates) in one transaction
//! and performs the effects after it: [`Effect::Ask`] an allow-list or hook, [`Effect::Issue`] a certificate,
//! [`Effect::Deliver`] it. Each answer comes back as an [`Input`]. Killed anywhere, [`resume`] or a repeated request goes
//! on from what is stored. The one thing that is never stored is a generated private key: where nobody can tell whether
//! it arrived, a new one takes its place and the certificate of the old one is revoked.

mod allow_list;
mod begin;
mod bulk;
mod hook;
mod state;
#[cfg(test)]
mod tests;
mod transition;

pub use allow_list::{AllowList, MAX_ALLOWED};
pub use begin::{Begun, begin, not_locked_out, resume};
pub use bulk::{
    BulkFault, BulkFormat, BulkLine, BulkReport, BulkRow, MAX_BULK_LINE_BYTES, MAX_BULK_LINES, NumberedRow, bulk_lines,
    bulk_rows, file_digest,
};
pub use hook::{Hook, HookAnswer, HookKey, HookRequest, InvalidHook, MAX_HOOK_ANSWER_BYTES, is_safe_address};
pub use state::{Enrolment, EnrolmentRequest, EnrolmentStatus, Phase, RequestedKey, Then};
pub use transition::{Approval, Effect, Input, Surroundings, Transition, step};
