//! RSA keys and certificates of merchants: read from memory, checked once, ready for one purpose each.
//!
//! A [`PrivateKey`] and a [`Certificate`] come from PEM or from a [`Bundle`] (PKCS#12). What the client works with is made
//! of them: a [`SigningKey`] proves who calls, a [`SealingKey`] seals requests, an [`OpeningKey`] opens replies.
//! None of them shows a private key; the bytes that they were read from are overwritten.

mod bundle;
mod certificate;
mod fault;
mod private;
mod purpose;

#[cfg(test)]
pub(crate) mod test_keys;

pub use bundle::Bundle;
pub use certificate::Certificate;
pub use fault::KeyFault;
pub use private::PrivateKey;
pub use purpose::{OpeningKey, SealingKey, SigningKey};

/// The shortest RSA key that is taken, in bits.
const BITS_MIN: usize = 2048;
