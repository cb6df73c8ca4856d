//! What a private RSA operation costs here: `--key PEM [--seconds N]`. Prints nanoseconds of signing, and of opening a
//! content key, each the quickest of ten batches, for neighbours only ever add to it.

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

const BATCHES: u32 = 10;

fn main() {
    let options = Options::read();
    let key = PrivatePkcs8KeyDer::from_pem_file(options.need("key")).expect("a PKCS#8 key in PEM");
    let each = Duration::from_secs(options.number("seconds", 5)) / (2 * BATCHES);
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

fn quickest(each: Duration, mut work: impl FnMut()) -> u128 {
    let batch = || {
        let (begun, mut done) = (Instant::now(), 0);
        while begun.elapsed() < each {
            work();
            done += 1;
        }
        begun.elapsed().as_nanos() / done
    };
    std::iter::repeat_with(batch)
        .take(BATCHES as usize)
        .min()
        .expect("a batch")
}
