//! What a private RSA operation costs here: `--key PEM [--seconds N]`. Prints nanoseconds of signing, and of opening a
//! content key: the quickest tenth takes no longer. Neighbours only ever add to it.

use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeyPair, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey,
};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use load::Options;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;

fn main() {
    let options = Options::read();
    let key = PrivatePkcs8KeyDer::from_pem_file(options.need("key")).expect("a PKCS#8 key in PEM");
    let each = Duration::from_secs(options.number("seconds", 5)) / 2;
    let pair = KeyPair::from_pkcs8(key.secret_pkcs8_der()).expect("an RSA key");
    let (random, text) = (SystemRandom::new(), [1; 600]);
    let mut signature = vec![0; pair.public_modulus_len()];
    let sign = quickest(each, || {
        pair.sign(&RSA_PKCS1_SHA256, &random, &text, &mut signature)
            .expect("a signature")
    });

    let opening = PrivateDecryptingKey::from_pkcs8(key.secret_pkcs8_der()).expect("an RSA key");
    let sealing = OaepPublicEncryptingKey::new(opening.public_key()).expect("an RSA key");
    let mut sealed = vec![0; sealing.ciphertext_size()];
    let sealed = sealing
        .encrypt(&OAEP_SHA256_MGF1SHA256, &[7; 32], &mut sealed, None)
        .expect("a sealed key");
    let opening = OaepPrivateDecryptingKey::new(opening).expect("an RSA key");
    let mut text = vec![0; opening.min_output_size()];
    let open = quickest(each, || {
        opening
            .decrypt(&OAEP_SHA256_MGF1SHA256, sealed, &mut text, None)
            .expect("an opened key");
    });
    println!("sign_ns={sign} open_ns={open}");
}

/// The time within which the quickest tenth is done.
fn quickest(seconds: Duration, mut work: impl FnMut()) -> u128 {
    let (begun, mut times) = (Instant::now(), Vec::new());
    while begun.elapsed() < seconds || times.len() < 10 {
        let one = Instant::now();
        work();
        times.push(one.elapsed().as_nanos());
    }
    times.sort_unstable();
    times[times.len() / 10]
}
