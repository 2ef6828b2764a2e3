//! The key of an installation: what links and the history's seal are signed with. Made at first start, readable by its
//! owner alone.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The key.
pub struct Key([u8; 32]);

impl Key {
    /// Signs bytes for a purpose.
    pub fn sign(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        let mac = |key: &[u8], bytes: &[u8]| -> [u8; 32] {
            Hmac::<Sha256>::new_from_slice(key)
                .map_or([0; 32], |mac| mac.chain_update(bytes).finalize().into_bytes().into())
        };
        mac(&mac(&self.0, purpose.as_bytes()), bytes)
    }

    /// Whether it is the signature, in constant time.
    pub fn check(&self, purpose: &str, bytes: &[u8], signature: &[u8]) -> bool {
        use subtle::ConstantTimeEq as _;
        self.sign(purpose, bytes).ct_eq(signature).into()
    }

    #[cfg(test)]
    pub(crate) fn of(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}
