//! Keys of a portal's kind: JWTs signed with certificates, sealed requests and replies.
//!
//! Seals are made and opened here by lines of their own.

use std::sync::LazyLock;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{
    self, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::{rand, signature};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use scmp_gateway::sandbox::{Keys, Pair};
use serde_json::{Value, json};

use super::client::{FIRST, Request, Running};
use super::payments::{PAYMENTS, payment};

/// Made once: it takes a moment.
static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::make(&["mid1234".to_owned()]).unwrap());

async fn start() -> Running {
    Running::start_with(|settings| settings.use_keys(KEYS.clone())).await
}

fn signing() -> &'static Pair {
    &KEYS.merchants()[0].signing
}

fn reply() -> &'static Pair {
    &KEYS.merchants()[0].reply
}

fn private_key(pair: &Pair) -> Vec<u8> {
    let lines = pair.key_pem().lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

/// A token under a private key.
fn signed(pair: &Pair, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let key = rsa::KeyPair::from_pkcs8(&private_key(pair)).unwrap();
    let mut tag = vec![0; key.public_modulus_len()];
    let random = rand::SystemRandom::new();
    key.sign(
        &signature::RSA_PKCS1_SHA256,
        &random,
        text.as_bytes(),
        &mut tag,
    )
    .unwrap();
    format!("Bearer {text}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// A request under the merchant's certificate, whose reply is to be sealed when `kid` is given.
fn by_certificate(request: Request, kid: Option<&str>) -> Request {
    let mut claims = request.claims(FIRST);
    if let Some(kid) = kid {
        claims["v-c-response-mle-kid"] = json!(kid);
    }
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": signing().certificate().kid()});
    request.header("Authorization", &signed(signing(), &header, &claims))
}

/// A body sealed for the host.
fn seal(body: &str, pair: &Pair) -> String {
    let kid = pair.certificate().kid();
    let header = json!({"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": kid, "iat": 1});
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let (mut key, mut nonce) = ([0; 32], [0; 12]);
    rand::fill(&mut key).unwrap();
    rand::fill(&mut nonce).unwrap();
    let key_pair = rsa::KeyPair::from_pkcs8(&private_key(pair)).unwrap();
    let public =
        aws_lc_rs::encoding::AsDer::as_der(aws_lc_rs::signature::KeyPair::public_key(&key_pair));
    let public: aws_lc_rs::encoding::PublicKeyX509Der<'_> = public.unwrap();
    let public = PublicEncryptingKey::from_der(public.as_ref()).unwrap();
    let public = OaepPublicEncryptingKey::new(public).unwrap();
    let mut room = vec![0; public.ciphertext_size()];
    let sealed_key = public
        .encrypt(&OAEP_SHA256_MGF1SHA256, &key, &mut room, None)
        .unwrap();
    let mut sealed = body.as_bytes().to_vec();
    let content_key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
    let nonce_once = Nonce::assume_unique_for_key(nonce);
    let aad = Aad::from(header.as_bytes());
    let tag = content_key
        .seal_in_place_separate_tag(nonce_once, aad, &mut sealed)
        .unwrap();
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let parts = [
        part(sealed_key),
        part(&nonce),
        part(&sealed),
        part(tag.as_ref()),
    ];
    let jwe = format!("{header}.{}", parts.join("."));
    json!({"encryptedRequest": jwe}).to_string()
}

/// Header and content of a compact JWE for the merchant.
fn open(jwe: &str) -> (Value, Value) {
    let parts: Vec<&str> = jwe.split('.').collect();
    let bytes = |at: usize| URL_SAFE_NO_PAD.decode(parts[at]).unwrap();
    let key = PrivateDecryptingKey::from_pkcs8(&private_key(reply())).unwrap();
    let key = OaepPrivateDecryptingKey::new(key).unwrap();
    let mut room = vec![0; key.min_output_size()];
    let opened = key.decrypt(&OAEP_SHA256_MGF1SHA256, &bytes(1), &mut room, None);
    let content_key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, opened.unwrap()).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(&bytes(2)).unwrap();
    let mut content = [bytes(3), bytes(4)].concat();
    let aad = Aad::from(parts[0].as_bytes());
    let content = content_key.open_in_place(nonce, aad, &mut content).unwrap();
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    (json(&bytes(0)), json(content))
}

#[tokio::test]
async fn a_certificate_lets_its_merchant_in() {
    let sandbox = start().await;
    let request = sandbox
        .request("POST", PAYMENTS)
        .body(&payment("10.00").to_string());
    let answer = sandbox.send(&by_certificate(request.clone(), None)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);

    // Version 1 binds the body alone.
    let issued = httpdate::fmt_http_date(std::time::SystemTime::now());
    let digest = request.claims(FIRST)["digest"].clone();
    let claims = json!({"digest": digest, "digestAlgorithm": "SHA-256", "iat": issued});
    let header = |pair: &Pair| {
        let der = STANDARD.encode(pair.certificate().der());
        json!({"alg": "RS256", "x5c": [der], "v-c-merchant-id": "mid1234"})
    };
    let token = signed(signing(), &header(signing()), &claims);
    let first = request.clone().header("Authorization", &token);
    assert_eq!(sandbox.send(&first).await.status, 201);
    // The key of replies signs nothing.
    let token = signed(reply(), &header(reply()), &claims);
    let strange = request.header("Authorization", &token);
    assert_eq!(sandbox.send(&strange).await.status, 401);
}

#[tokio::test]
async fn messages_are_sealed_both_ways_errors_included() {
    let sandbox = start().await;
    let kid = reply().certificate().kid();
    for (total, status, member, value) in [
        ("10.00", 201, "status", "AUTHORIZED"),
        ("8104", 400, "reason", "DUPLICATE_REQUEST"),
        ("2000", 502, "reason", "SYSTEM_ERROR"),
    ] {
        let body = seal(&payment(total).to_string(), KEYS.host());
        let request = sandbox.request("POST", PAYMENTS).body(&body);
        let answer = sandbox.send(&by_certificate(request, Some(kid))).await;
        assert_eq!(answer.status, status);
        let outside = answer.json();
        assert_eq!(outside.as_object().unwrap().len(), 1, "{outside}");
        let (header, inside) = open(outside["encryptedResponse"].as_str().unwrap());
        assert_eq!(inside[member], value);
        assert_eq!(header["kid"], kid);
    }
    let get = sandbox.request("GET", "/tms/v2/customers/1");
    let answer = sandbox.send(&by_certificate(get, Some(kid))).await;
    let (_, inside) = open(answer.json()["encryptedResponse"].as_str().unwrap());
    assert_eq!(
        (answer.status, &inside["errors"][0]["type"]),
        (404, &json!("notFound"))
    );
    let customer = sandbox.customer().await;
    let delete = by_certificate(sandbox.request("DELETE", &customer), Some(kid));
    let answer = sandbox.send(&delete).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
}

#[tokio::test]
async fn what_is_sealed_wrongly_is_refused() {
    let sandbox = start().await;
    let body = payment("10.00").to_string();
    let post = |body: &str| sandbox.request("POST", PAYMENTS).body(body);
    let for_others = post(&seal(&body, reply()));
    assert_eq!(sandbox.send(&for_others.jwt(FIRST)).await.status, 400);
    let broken = post(r#"{"encryptedRequest":"a.b.c.d.e"}"#);
    assert_eq!(sandbox.send(&broken.jwt(FIRST)).await.status, 400);
    let good = post(&seal(&body, KEYS.host()));
    assert_eq!(sandbox.send(&good.clone().jwt(FIRST)).await.status, 201);
    // Sealed messages need a JWT, and a sandbox with keys.
    assert_eq!(
        sandbox.send(&good.clone().signature(FIRST)).await.status,
        400
    );
    let plain = Running::start().await;
    let elsewhere = plain.request("POST", PAYMENTS).body(&good.body);
    assert_eq!(plain.send(&elsewhere.jwt(FIRST)).await.status, 400);
    // The digest is over the sealed bytes.
    let mut changed = good.jwt(FIRST);
    changed.body.push(' ');
    assert_eq!(sandbox.send(&changed).await.status, 401);
    let unknown = by_certificate(post(&body), Some("123"));
    assert_eq!(sandbox.send(&unknown).await.status, 401);
}

#[tokio::test]
async fn whole_numbers_are_shown_under_seal_alone() {
    let sandbox = start().await;
    let card = sandbox.card("4111111111111111").await;
    let customer = sandbox.customer().await;
    let instrument = sandbox.instrument(&customer, &card).await;
    let identifier = format!("/tms/v1/instrumentidentifiers/{card}");
    let list = format!("{customer}/payment-instruments");
    let in_instrument = "/_embedded/instrumentIdentifier/card/number";
    for (path, pointer) in [
        (&identifier, "/card/number".to_owned()),
        (&instrument, in_instrument.to_owned()),
        (
            &customer,
            format!("/_embedded/defaultPaymentInstrument{in_instrument}"),
        ),
        (
            &list,
            format!("/_embedded/paymentInstruments/0{in_instrument}"),
        ),
    ] {
        let request = sandbox.request("GET", path);
        let jose = request.header("Accept", "application/jose").jwt(FIRST);
        let answer = sandbox.send(&jose).await;
        assert_eq!(answer.header("content-type"), Some("application/jose"));
        assert!(answer.header("etag").is_some() || path == &list);
        let (header, inside) = open(&answer.text);
        assert_eq!(header["cty"], "json");
        assert_eq!(
            inside.pointer(&pointer),
            Some(&json!("4111111111111111")),
            "{path}"
        );
        let masked = sandbox.get(path).await.json();
        assert_eq!(
            masked.pointer(&pointer),
            Some(&json!("411111XXXXXX1111")),
            "{path}"
        );
    }
    let absent = sandbox.request("GET", "/tms/v2/customers/1");
    let absent = absent.header("Accept", "application/jose").jwt(FIRST);
    assert_eq!(
        sandbox.send(&absent).await.error(),
        (404, "notFound".to_owned())
    );
    // Without a certificate of the merchant there is nothing to seal with.
    let plain = Running::start().await;
    let customer = plain.customer().await;
    let asked = plain.request("GET", &customer);
    let asked = asked.header("Accept", "application/jose").jwt(FIRST);
    assert_eq!(
        plain.send(&asked).await.error(),
        (403, "forbidden".to_owned())
    );
}

#[tokio::test]
async fn the_files_of_the_keys_are_handed_out_and_the_hosts_own_is_not() {
    let sandbox = start().await;
    let listed = sandbox
        .send(&sandbox.request("GET", "/sandbox/keys"))
        .await
        .json();
    let merchant = &listed["merchants"][0];
    assert_eq!(merchant["responseMleKID"], reply().certificate().kid());
    assert_eq!(listed["requestMleKid"], KEYS.host().certificate().kid());
    let files = listed["files"].as_array().unwrap();
    assert!(files.contains(&json!("mid1234.p12")) && !files.contains(&json!("mle-key.pem")));
    let file = |name: &str| sandbox.request("GET", &format!("/sandbox/keys/{name}"));
    let pem = sandbox.send(&file("mle.pem")).await;
    assert_eq!(pem.text, KEYS.host().certificate_pem());
    assert_eq!(sandbox.send(&file("mle-key.pem")).await.status, 404);
}

#[tokio::test]
async fn tokens_are_made_in_one_call_under_seal_alone() {
    let sandbox = start().await;
    let body = json!({
        "processingInformation": {"actionList": ["TOKEN_CREATE"],
            "actionTokenTypes": ["instrumentIdentifier"]},
        "tokenInformation": {"instrumentIdentifier": {"card": {"number": "4111111111111111"}}},
    });
    for path in ["/tms/v2/tokenize", "/tms/v2/tokenize/"] {
        let refused = sandbox.post(path, body.clone()).await;
        assert_eq!(refused.error(), (400, "invalidRequest".to_owned()));
        let sealed = seal(&body.to_string(), KEYS.host());
        let request = sandbox.request("POST", path).body(&sealed).jwt(FIRST);
        assert_eq!(sandbox.send(&request).await.status, 200);
    }
}

#[tokio::test]
async fn credentials_of_a_token_come_as_a_bare_seal() {
    let sandbox = start().await;
    let card = json!({"type": "enrollable card", "card": {"number": "4111111111111111",
        "expirationMonth": "12", "expirationYear": "2031"}});
    let id = sandbox
        .post("/tms/v1/instrumentidentifiers", card)
        .await
        .id();
    let path = format!("/tms/v2/tokens/{id}/payment-credentials");
    let answer = sandbox.post(&path, json!({})).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/jose"));
    let (_, inside) = open(&answer.text);
    assert_eq!(inside["card"]["number"], "4111111111111111");
    assert!(inside["tokenizedCard"]["cryptogram"].is_string());
}
