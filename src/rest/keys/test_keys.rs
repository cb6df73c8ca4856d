//! The keys of the tests, made by `tests/keys/make`.

use super::{Certificate, PrivateKey};

/// A private key and its certificate, as PEM.
#[derive(Clone, Copy)]
pub struct Pair {
    pub private_key: &'static str,
    pub certificate: &'static str,
}

macro_rules! pair {
    ($name:literal) => {
        Pair {
            private_key: include_str!(concat!("../../../tests/keys/", $name, ".key.pem")),
            certificate: include_str!(concat!("../../../tests/keys/", $name, ".cert.pem")),
        }
    };
}

/// The merchant's key for tokens.
pub const MERCHANT: Pair = pair!("merchant");
/// The provider's key for sealed requests.
pub const OTHER: Pair = pair!("provider");
/// The merchant's key for sealed replies.
pub const RESPONSE: Pair = pair!("response");
/// A certificate without a key id.
pub const NAMELESS: Pair = pair!("nameless");
/// 1024 bits.
pub const SHORT: Pair = pair!("short");
/// An elliptic curve.
pub const CURVE: Pair = pair!("curve");

/// When the merchant's certificate ends, in seconds since 1970.
pub const MERCHANT_EXPIRES: u64 = 2425955903;

pub fn certificate(pair: Pair) -> Certificate {
    Certificate::from_pem(pair.certificate.as_bytes())
        .unwrap()
        .remove(0)
}

pub fn private_key(pair: Pair) -> PrivateKey {
    PrivateKey::from_pem(pair.private_key.as_bytes()).unwrap()
}
