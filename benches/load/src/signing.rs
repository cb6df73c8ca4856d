//! The cryptography of a signed call without anything around it: one digest of the body, and one signature.

use std::hint::black_box;

use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;

use crate::Options;

/// About as long as what is signed for the request of the measurement.
const BODY: [u8; 1200] = [b'b'; 1200];
const TOKEN: [u8; 420] = [b't'; 420];

/// Signs nothing, or each time the same.
pub enum Signer {
    /// Nothing.
    Nothing,
    /// With a shared secret, by aws-lc.
    AwsLc(Box<aws_lc_rs::hmac::Key>),
    /// With a shared secret, by ring.
    Ring(ring::hmac::Key),
    /// With an RSA key.
    Rsa(Box<aws_lc_rs::rsa::KeyPair>),
}

impl Signer {
    /// By `--signs`, `--crypto` and `--key`.
    pub fn of(options: &Options) -> Signer {
        let secret = [7; 32];
        match (options.get("signs"), options.get("crypto")) {
            (None, _) => Signer::Nothing,
            (Some("hs256"), Some("ring")) => {
                Signer::Ring(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret))
            }
            (Some("hs256"), _) => {
                let algorithm = aws_lc_rs::hmac::HMAC_SHA256;
                Signer::AwsLc(Box::new(aws_lc_rs::hmac::Key::new(algorithm, &secret)))
            }
            (Some("rs256"), _) => {
                let key = PrivatePkcs8KeyDer::from_pem_file(options.need("key"));
                let key = key.expect("a PKCS#8 key in PEM");
                let pair = aws_lc_rs::rsa::KeyPair::from_pkcs8(key.secret_pkcs8_der());
                Signer::Rsa(Box::new(pair.expect("an RSA key")))
            }
            (Some(other), _) => panic!("--signs takes hs256 or rs256, not {other}"),
        }
    }

    /// Does the work of one call.
    pub fn sign(&self) {
        match self {
            Signer::Nothing => {}
            Signer::AwsLc(key) => {
                black_box(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &BODY));
                black_box(aws_lc_rs::hmac::sign(key, &TOKEN));
            }
            Signer::Ring(key) => {
                black_box(ring::digest::digest(&ring::digest::SHA256, &BODY));
                black_box(ring::hmac::sign(key, &TOKEN));
            }
            Signer::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = aws_lc_rs::rand::SystemRandom::new();
                black_box(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &BODY));
                pair.sign(
                    &aws_lc_rs::signature::RSA_PKCS1_SHA256,
                    &random,
                    &TOKEN,
                    &mut signature,
                )
                .expect("a signature");
                black_box(signature);
            }
        }
    }
}
