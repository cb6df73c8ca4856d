//! Certificates and message-level encryption as they arrive, and replies that come sealed. The server of these tests opens
//! and seals with the library's primitives alone.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::super::fake_server::{Behaviour, Received};
use super::super::keys::test_keys::{MERCHANT, OTHER, Pair, RESPONSE, certificate, private_key};
use super::super::keys::{OpeningKey, SealingKey, SigningKey};
use super::*;

const RESPONSE_KEY_ID: &str = "7000000000000000003";

fn pkcs8(pair: Pair) -> Vec<u8> {
    let PrivateKeyDer::Pkcs8(der) =
        PrivateKeyDer::from_pem_slice(pair.private_key.as_bytes()).unwrap()
    else {
        panic!("the keys of the tests are PKCS#8")
    };
    der.secret_pkcs8_der().to_vec()
}

/// Opens what was sealed for a key: header and text.
fn open(pair: Pair, sealed: &str) -> (Value, Vec<u8>) {
    let parts: Vec<&str> = sealed.split('.').collect();
    let part = |at: usize| URL_SAFE_NO_PAD.decode(parts[at]).unwrap();
    let key = PrivateDecryptingKey::from_pkcs8(&pkcs8(pair)).unwrap();
    let key = OaepPrivateDecryptingKey::new(key).unwrap();
    let mut message_key = vec![0; key.min_output_size()];
    let message_key = key
        .decrypt(&OAEP_SHA256_MGF1SHA256, &part(1), &mut message_key, None)
        .unwrap();
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, message_key).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(&part(2)).unwrap();
    let mut text = [part(3), part(4)].concat();
    let text = cipher
        .open_in_place(nonce, Aad::from(parts[0].as_bytes()), &mut text)
        .unwrap();
    (serde_json::from_slice(&part(0)).unwrap(), text.to_vec())
}

/// Seals a text for a key, with the header of the provider's guide.
fn seal(pair: Pair, text: &str) -> String {
    let key = PrivateDecryptingKey::from_pkcs8(&pkcs8(pair)).unwrap();
    let key: PublicEncryptingKey = key.public_key();
    let key = OaepPublicEncryptingKey::new(key).unwrap();
    let mut wrapped = vec![0; key.ciphertext_size()];
    let wrapped = key
        .encrypt(&OAEP_SHA256_MGF1SHA256, &[7; 32], &mut wrapped, None)
        .unwrap();
    let header = json!({"alg": "RSA-OAEP-256", "cty": "json", "typ": "JWT", "enc": "A256GCM", "kid": RESPONSE_KEY_ID});
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap());
    let mut text = text.as_bytes().to_vec();
    let nonce = Nonce::assume_unique_for_key([9; 12]);
    let tag = cipher
        .seal_in_place_separate_tag(nonce, Aad::from(header.as_bytes()), &mut text)
        .unwrap();
    let rest = [&*wrapped, &[9; 12], &text, tag.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}.{}", rest.join("."))
}

fn response_key() -> Arc<OpeningKey> {
    Arc::new(
        OpeningKey::with_certificate(&private_key(RESPONSE), &[certificate(RESPONSE)]).unwrap(),
    )
}

fn sealing_key() -> Arc<SealingKey> {
    Arc::new(SealingKey::new(&certificate(OTHER)).unwrap())
}

fn certified(mle: Mle) -> Authentication {
    let key = SigningKey::new(private_key(MERCHANT), &[certificate(MERCHANT)]).unwrap();
    let key = JwtKey::Certificate(Arc::new(key));
    Authentication::Jwt { key, mle }
}

fn with_secret(mle: Mle) -> Authentication {
    let key = JwtKey::Secret(shared_secret());
    Authentication::Jwt { key, mle }
}

fn both() -> Mle {
    Mle::Both(sealing_key(), response_key())
}

/// Sends a call to a server that replies so; what arrived and what came of it.
async fn exchange(
    way: Authentication,
    call: &Call,
    status: &str,
    body: &str,
) -> (Received, Outcome) {
    let server = FakeServer::start(Behaviour::KeepAlive(reply(status, "", body))).await;
    let mut credentials = credentials(way);
    credentials.response_key = (call.accept == Accept::Jose).then(response_key);
    let mut settings = settings(&format!("http://{}", server.address));
    settings.max_reply_bytes = 10_000;
    let merchant = Client::new(&settings)
        .unwrap()
        .merchant(credentials, None)
        .unwrap();
    let outcome = merchant.send(call).await;
    assert!(!format!("{merchant:?} {outcome:?}").contains("canary"));
    let mut received = server.received();
    assert_eq!(received.len(), 1, "sent once");
    (received.remove(0), outcome)
}

fn claims(received: &Received, algorithm: Algorithm, key: &DecodingKey) -> Value {
    let token = received.header("authorization").unwrap();
    let token = token.strip_prefix("Bearer ").unwrap();
    let token = jsonwebtoken::decode::<Value>(token, key, &Validation::new(algorithm)).unwrap();
    token.claims
}

fn answer(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Answered(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn public_key(pair: Pair) -> DecodingKey {
    let key = PrivateDecryptingKey::from_pkcs8(&pkcs8(pair))
        .unwrap()
        .public_key();
    let der: aws_lc_rs::encoding::PublicKeyX509Der<'static> =
        aws_lc_rs::encoding::AsDer::as_der(&key).unwrap();
    // The key's own form stands at the end of SubjectPublicKeyInfo, after 24 bytes that say it is RSA.
    DecodingKey::from_rsa_der(&der.as_ref()[24..])
}

#[tokio::test]
async fn a_certificates_token_is_verified_by_its_public_key() {
    for call in [post(), get()] {
        let (received, outcome) = exchange(certified(Mle::Off), &call, "200 OK", "{}").await;
        let token = received.header("authorization").unwrap();
        let header = jsonwebtoken::decode_header(token.strip_prefix("Bearer ").unwrap()).unwrap();
        assert_eq!(header.kid.as_deref(), Some("7000000000000000001"));
        let claims = claims(&received, Algorithm::RS256, &public_key(MERCHANT));
        assert_eq!(claims["request-resource-path"], call.path);
        assert_eq!(claims.get("v-c-response-mle-kid"), None);
        assert_eq!(received.body, call.body.unwrap_or_default());
        assert!(!answer(outcome).in_clear);
    }
}

#[tokio::test]
async fn a_sealed_request_is_signed_as_it_is_sent() {
    for (mle, kid) in [
        (Mle::Request(sealing_key()), None),
        (both(), Some(RESPONSE_KEY_ID)),
    ] {
        for (way, algorithm, key) in [
            (with_secret(mle.clone()), Algorithm::HS256, secret_key()),
            (
                certified(mle.clone()),
                Algorithm::RS256,
                public_key(MERCHANT),
            ),
        ] {
            let (received, _) = exchange(way, &post(), "201 Created", "{}").await;
            let arrived = String::from_utf8(received.body.clone()).unwrap();
            assert!(!arrived.contains("canary"), "{arrived}");
            let body: Value = serde_json::from_str(&arrived).unwrap();
            assert_eq!(body.as_object().unwrap().len(), 1);
            let (header, text) = open(OTHER, body["encryptedRequest"].as_str().unwrap());
            assert_eq!(text, BODY.as_bytes());
            assert_eq!(header["kid"], "7000000000000000002");
            assert_eq!(received.header("content-type"), Some("application/json"));
            let claims = claims(&received, algorithm, &key);
            assert_eq!(claims["iat"], header["iat"]);
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &received.body);
            assert_eq!(claims["digest"], STANDARD.encode(digest));
            let asked = claims.get("v-c-response-mle-kid").and_then(Value::as_str);
            assert_eq!(asked, kid);
        }
    }
}

fn secret_key() -> DecodingKey {
    DecodingKey::from_secret(&STANDARD.decode(SECRET).unwrap())
}

#[tokio::test]
async fn only_bodies_that_the_api_takes_sealed_are_sealed() {
    let plain = Call {
        sealable: false,
        ..post()
    };
    let empty = Call {
        body: None,
        ..post()
    };
    for call in [get(), plain, empty] {
        let (received, _) = exchange(with_secret(both()), &call, "200 OK", "{}").await;
        assert_eq!(received.body, call.body.unwrap_or_default());
        let claims = claims(&received, Algorithm::HS256, &secret_key());
        assert_eq!(claims["v-c-response-mle-kid"], RESPONSE_KEY_ID);
    }
}

#[tokio::test]
async fn a_sealed_reply_is_opened_whatever_its_status() {
    let text = r#"{"id":"1","status":"AUTHORIZED"}"#;
    let sealed = json!({"encryptedResponse": seal(RESPONSE, text)}).to_string();
    for (status, code) in [("201 Created", 201), ("400 Bad", 400), ("502 Bad", 502)] {
        let (_, outcome) = exchange(with_secret(both()), &post(), status, &sealed).await;
        let answer = answer(outcome);
        assert_eq!((answer.status, answer.in_clear), (code, false));
        assert_eq!(answer.body, text);
    }
}

#[tokio::test]
async fn a_reply_in_the_clear_is_an_answer_that_says_so() {
    for (body, in_clear) in [("{\"id\":\"1\"}", true), ("<html>", true), ("", false)] {
        let (_, outcome) = exchange(with_secret(both()), &post(), "201 Created", body).await;
        let answer = answer(outcome);
        assert_eq!(
            (answer.in_clear, answer.body),
            (in_clear, Bytes::from(body))
        );
    }
}

#[tokio::test]
async fn a_reply_that_cannot_be_opened_is_unknown_whatever_its_status() {
    let other = json!({"encryptedResponse": seal(MERCHANT, "{}")}).to_string();
    let cut = json!({"encryptedResponse": &seal(RESPONSE, "{\"canary\":1}")[..200]}).to_string();
    let own = json!({"encryptedResponse": seal(RESPONSE, "{}")}).to_string();
    let strange = "{\"encryptedResponse\":1}".to_owned();
    for (way, body, says) in [
        (with_secret(both()), &other, "does not open it"),
        (certified(both()), &cut, "not of the form"),
        (with_secret(both()), &strange, "not of the form"),
        (with_secret(Mle::Off), &own, "no response key"),
        (
            with_secret(Mle::Request(sealing_key())),
            &own,
            "no response key",
        ),
    ] {
        for status in ["201 Created", "400 Bad", "502 Bad"] {
            let (_, outcome) = exchange(way.clone(), &post(), status, body).await;
            let Outcome::Unknown(failure) = outcome else {
                panic!("{outcome:?}")
            };
            let shown = failure.to_string();
            assert!(
                shown.contains(says) && shown.contains("do not repeat"),
                "{shown}"
            );
        }
    }
}

#[tokio::test]
async fn an_unmasked_object_is_asked_for_and_opened() {
    let call = Call {
        accept: Accept::Jose,
        ..get()
    };
    let text = r#"{"card":{"number":"4111111111111111"}}"#;
    let bare = seal(RESPONSE, text);
    let twice = json!({"encryptedResponse": seal(RESPONSE, &bare)}).to_string();
    for (mle, body) in [(Mle::Off, bare), (both(), twice)] {
        let (received, outcome) = exchange(with_secret(mle), &call, "200 OK", &body).await;
        assert_eq!(received.header("accept"), Some("application/jose"));
        let answer = answer(outcome);
        assert_eq!(answer.body, text);
        assert!(!answer.in_clear);
    }
    let (_, outcome) = exchange(with_secret(Mle::Off), &call, "404 x", "{}").await;
    assert!(answer(outcome).in_clear);
}

#[tokio::test]
async fn without_a_response_key_nothing_unmasked_is_asked_for() {
    let server = FakeServer::start(Behaviour::Reply(reply("200 OK", "", "{}"))).await;
    let call = Call {
        accept: Accept::Jose,
        ..get()
    };
    let outcome = merchant(&server).send(&call).await;
    assert!(
        matches!(outcome, Outcome::NotSent(Failure::InvalidCall { .. })),
        "{outcome:?}"
    );
    assert!(server.received().is_empty());
}
