//! Digests that people approve and that markers carry.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::marker::Digest8;

/// The short digest of what decides a finding: read only to lift `Overridden`.
pub fn short(value: &impl Serialize) -> Digest8 {
    // Only maps with non-string keys fail to serialize; these specs have none, and a constant would never lift anything.
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    let hash = Sha256::digest(&bytes);
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    Digest8(u64::from_be_bytes(first))
}

/// `sha256:<64 hex digits>` of some bytes.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What an `Approval` of changes over a limit is bound to: exactly this hub, owner, spec, action and ceiling.
pub fn over_limit(hub: &str, owner: &str, spec: &str, action: &str, ceiling: u64) -> String {
    sha256(format!("over-limit\n{hub}\n{owner}\n{spec}\n{action}\n{ceiling}").as_bytes())
}
