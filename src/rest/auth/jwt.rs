//! JSON Web Token, version 2 of the API's construction (required since February 2026), signed
//! with the shared secret or with a private key.
//!
//! The vendor's libraries disagree on two spellings; its guide decides here: the method in lower
//! case and `digestAlgorithm`. Of the path the guide says nothing about a query; like the current
//! libraries the whole request target is claimed.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use serde::Serialize;
use serde_json::Value;

use super::{Authenticator, Outgoing, Proof};
use crate::random::{self, hex};
use crate::rest::credentials::{Credentials, Mle, SharedSecret};
use crate::rest::keys::SigningKey;
use crate::rest::outcome::Failure;

/// What the claims of a payment need, and a signature of 2,048 bits: more is made room for when it comes.
const CLAIMS_BYTES: usize = 640;
const SIGNATURE_LETTERS: usize = 344;

/// The longest life that the API allows, in seconds.
const LIFETIME_S: u64 = 120;

/// Signs requests with a token in the `Authorization` header.
#[derive(Debug)]
pub(super) struct Jwt {
    signer: Signer,
    /// The token's first part, which is the same for all.
    header: String,
    constant: Constant,
}

#[derive(Debug)]
enum Signer {
    /// HS256: a few microseconds, done at once.
    Secret(Box<hmac::Key>),
    /// RS256: done elsewhere.
    Key(Arc<SigningKey>),
}

#[derive(Serialize)]
struct Header<'a> {
    typ: &'a str,
    alg: &'a str,
    kid: &'a str,
}

/// The claims that are the same for all calls of a merchant, as JSON: what stands before the token's own id, and after it.
#[derive(Debug)]
struct Constant {
    before: String,
    after: String,
}

impl Constant {
    fn new(credentials: &Credentials) -> Constant {
        let issuer = Value::from(credentials.key_owner());
        let merchant = Value::from(credentials.merchant_id.as_str());
        let response_key = match credentials.mle() {
            Mle::Both(_, opening) => {
                let id = Value::from(opening.key_id());
                format!(r#","v-c-response-mle-kid":{id}"#)
            }
            Mle::Off | Mle::Request(_) => String::new(),
        };
        Constant {
            before: format!(r#","iss":{issuer},"jti":""#),
            after: format!(
                r#"","v-c-jwt-version":"2","v-c-merchant-id":{merchant}{response_key}}}"#
            ),
        }
    }
}

/// A token that lacks its RS256 signature.
pub(crate) struct UnsignedToken {
    text: String,
    key: Arc<SigningKey>,
}

impl UnsignedToken {
    /// The whole token: some 0.65 ms of work. `None` when the library refuses.
    pub(crate) fn sign(self) -> Option<String> {
        let signature = self.key.sign(self.text.as_bytes())?;
        Some(joined(self.text, &signature))
    }
}

impl Jwt {
    pub(super) fn with_secret(secret: &SharedSecret, credentials: &Credentials) -> Jwt {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.secret.expose());
        Jwt::new(
            Signer::Secret(Box::new(key)),
            "HS256",
            &secret.key_id,
            credentials,
        )
    }

    pub(super) fn with_key(key: &Arc<SigningKey>, credentials: &Credentials) -> Jwt {
        let signer = Signer::Key(Arc::clone(key));
        Jwt::new(signer, "RS256", key.key_id(), credentials)
    }

    fn new(signer: Signer, alg: &str, kid: &str, credentials: &Credentials) -> Jwt {
        let typ = "JWT";
        Jwt {
            signer,
            header: encoded(&Header { typ, alg, kid }),
            constant: Constant::new(credentials),
        }
    }

    /// The token for a request without its signature, with the id given: the same input gives the same text.
    fn unsigned(&self, request: &Outgoing<'_>, jti: &str) -> Result<String, Failure> {
        let iat = request.unix_seconds()?;
        let exp = iat + LIFETIME_S;
        let mut json = Vec::with_capacity(CLAIMS_BYTES);
        json.push(b'{');
        if let Some(digest) = request.digest() {
            for part in [
                r#""digest":""#,
                &digest,
                r#"","digestAlgorithm":"SHA-256","#,
            ] {
                json.extend_from_slice(part.as_bytes());
            }
        }
        // A Vec takes whatever is written, and every number and text has a JSON form.
        for (name, seconds) in [(r#""iat":"#, iat), (r#","exp":"#, exp)] {
            json.extend_from_slice(name.as_bytes());
            let _written = serde_json::to_writer(&mut json, &seconds);
        }
        json.extend_from_slice(br#","request-method":""#);
        let method = request.method.as_str().bytes();
        json.extend(method.map(|byte| byte.to_ascii_lowercase()));
        json.extend_from_slice(br#"","request-host":"#);
        let _written = serde_json::to_writer(&mut json, request.host);
        json.extend_from_slice(br#","request-resource-path":"#);
        let _written = serde_json::to_writer(&mut json, request.path_and_query);
        let Constant { before, after } = &self.constant;
        for part in [before, jti, after] {
            json.extend_from_slice(part.as_bytes());
        }
        // A third more in base64, and room for the signature.
        let room = self.header.len() + json.len() * 4 / 3 + 4 + SIGNATURE_LETTERS;
        let mut text = String::with_capacity(room);
        text.push_str(&self.header);
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(json, &mut text);
        Ok(text)
    }

    fn token(&self, request: &Outgoing<'_>, jti: &str) -> Result<Proof, Failure> {
        let text = self.unsigned(request, jti)?;
        match &self.signer {
            Signer::Secret(key) => {
                let signature = hmac::sign(key, text.as_bytes());
                let header = bearer(request.host, &joined(text, signature.as_ref()))?;
                Ok(Proof::Headers(vec![header]))
            }
            Signer::Key(key) => Ok(Proof::Token(UnsignedToken {
                text,
                key: Arc::clone(key),
            })),
        }
    }
}

impl Authenticator for Jwt {
    fn prove(&self, request: &Outgoing<'_>) -> Result<Proof, Failure> {
        let random =
            random::bytes().map_err(|_| request.signing("the system gives no random numbers"))?;
        self.token(
            request,
            str::from_utf8(&uuid_v4(random)).unwrap_or_default(),
        )
    }
}

/// The header that carries a token to a host.
pub(crate) fn bearer(host: &str, token: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let value = Bytes::from(["Bearer ", token].concat());
    let mut value = HeaderValue::from_maybe_shared(value).map_err(|_| Failure::InvalidHeader {
        host: host.to_owned(),
        name: "authorization",
    })?;
    value.set_sensitive(true);
    Ok((header::AUTHORIZATION, value))
}

/// A part of a token: JSON in base64url.
fn encoded(part: &impl Serialize) -> String {
    // Structures of texts and numbers always have a JSON form.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).unwrap_or_default())
}

fn joined(mut text: String, signature: &[u8]) -> String {
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    text
}

/// Prints nothing of the token: whoever has it can make this call.
impl fmt::Debug for UnsignedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsignedToken")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The text of a UUID.
type Uuid = [u8; 36];

/// Random bytes as a version 4 UUID (RFC 9562), the form that the guide asks of `jti`.
fn uuid_v4(mut random: [u8; 16]) -> Uuid {
    random[6] = (random[6] & 0x0f) | 0x40;
    random[8] = (random[8] & 0x3f) | 0x80;
    let mut text = [b'-'; 36];
    // The places of the bytes' two digits, a dash before the fifth, seventh, ninth and eleventh.
    let places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    for (byte, at) in random.into_iter().zip(places) {
        text[at..at + 2].copy_from_slice(&hex(byte));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::{credentials, get, post, shared_secret};
    use super::*;
    use crate::rest::credentials::{Authentication, JwtKey};
    use crate::rest::keys::test_keys::{MERCHANT, OTHER, RESPONSE, certificate, private_key};
    use crate::rest::keys::{OpeningKey, SealingKey};

    const JTI: &str = "6643fb9a-8093-47c6-95d3-8d69785b5e62";

    /// The tokens were computed apart from this code, with Python's hmac and hashlib.
    fn check(request: &Outgoing<'_>, portfolio: Option<&str>, expect: &str) {
        let jwt = with_secret(portfolio);
        let Proof::Headers(headers) = jwt.token(request, JTI).unwrap() else {
            panic!("HS256 is done at once")
        };
        assert_eq!(headers[0].1, format!("Bearer {expect}"));
    }

    fn with_secret(portfolio: Option<&str>) -> Jwt {
        let secret = shared_secret("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let key = JwtKey::Secret(secret.clone());
        let way = Authentication::Jwt { key, mle: Mle::Off };
        Jwt::with_secret(&secret, &credentials(way, portfolio))
    }

    fn with_key(mle: Mle) -> Jwt {
        let key = SigningKey::new(private_key(MERCHANT), &[certificate(MERCHANT)]).unwrap();
        let key = Arc::new(key);
        let way = Authentication::Jwt {
            key: JwtKey::Certificate(Arc::clone(&key)),
            mle,
        };
        Jwt::with_key(&key, &credentials(way, None))
    }

    /// RS256 signatures are the same each time; this one was made with Python's jwcrypto.
    #[test]
    fn a_certificates_key_signs_the_same_claims() {
        let proof = with_key(Mle::Off).token(&post(br#"{"a":"1"}"#), JTI);
        let Ok(Proof::Token(unsigned)) = proof else {
            panic!("RS256 is done elsewhere")
        };
        let expect = include_str!("../../../tests/keys/foreign.jwt").trim();
        assert_eq!(unsigned.sign().unwrap(), expect);
    }

    #[test]
    fn sealed_replies_are_asked_for_by_a_claim() {
        let sealing = Arc::new(SealingKey::new(&certificate(OTHER)).unwrap());
        let opening = Arc::new(OpeningKey::new(&private_key(RESPONSE), "response-key").unwrap());
        for (mle, expect) in [
            (Mle::Off, None),
            (Mle::Request(Arc::clone(&sealing)), None),
            (Mle::Both(sealing, opening), Some("response-key")),
        ] {
            let text = with_key(mle).unsigned(&get(), JTI).unwrap();
            let claims = URL_SAFE_NO_PAD
                .decode(text.split('.').nth(1).unwrap())
                .unwrap();
            let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
            let asked = claims
                .get("v-c-response-mle-kid")
                .and_then(|kid| kid.as_str());
            assert_eq!(asked, expect);
        }
    }

    #[test]
    fn a_post_claims_its_digest() {
        check(
            &post(br#"{"a":"1"}"#),
            None,
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjA4Yzk0MzMwLWY2MTgtNDJhMy1i\
             MDlkLWUxZTQzYmU1ZWZkYSJ9.eyJkaWdlc3QiOiJtdjZ3OHJJRDhsUXhMc2plMUVIUU1ZdDh\
             OTVYvaHBYdDVDMGlGYU1NQ1dBPSIsImRpZ2VzdEFsZ29yaXRobSI6IlNIQS0yNTYiLCJpYXQ\
             iOjE3NzY3NjY1MzAsImV4cCI6MTc3Njc2NjY1MCwicmVxdWVzdC1tZXRob2QiOiJwb3N0Iiw\
             icmVxdWVzdC1ob3N0IjoiYXBpdGVzdC5jeWJlcnNvdXJjZS5jb20iLCJyZXF1ZXN0LXJlc29\
             1cmNlLXBhdGgiOiIvcHRzL3YyL3BheW1lbnRzIiwiaXNzIjoibWlkMTIzNCIsImp0aSI6IjY\
             2NDNmYjlhLTgwOTMtNDdjNi05NWQzLThkNjk3ODViNWU2MiIsInYtYy1qd3QtdmVyc2lvbiI\
             6IjIiLCJ2LWMtbWVyY2hhbnQtaWQiOiJtaWQxMjM0In0.G6mEGiYLMQIbRmMI1I-74xriUKV\
             RmOdp8h0-D3jCiyI",
        );
    }

    #[test]
    fn a_get_claims_port_and_query_and_no_digest() {
        check(
            &get(),
            None,
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjA4Yzk0MzMwLWY2MTgtNDJhMy1i\
             MDlkLWUxZTQzYmU1ZWZkYSJ9.eyJpYXQiOjE3NzY3NjY1MzAsImV4cCI6MTc3Njc2NjY1MCw\
             icmVxdWVzdC1tZXRob2QiOiJnZXQiLCJyZXF1ZXN0LWhvc3QiOiIxMjcuMC4wLjE6OTA5MCI\
             sInJlcXVlc3QtcmVzb3VyY2UtcGF0aCI6Ii90bXMvdjIvY3VzdG9tZXJzLzE_bGltaXQ9MiZ\
             vZmZzZXQ9MCIsImlzcyI6Im1pZDEyMzQiLCJqdGkiOiI2NjQzZmI5YS04MDkzLTQ3YzYtOTV\
             kMy04ZDY5Nzg1YjVlNjIiLCJ2LWMtand0LXZlcnNpb24iOiIyIiwidi1jLW1lcmNoYW50LWl\
             kIjoibWlkMTIzNCJ9.TKDoeO85cFNqlToW2CS4czXTa244eHSnYtm2DuYGaaM",
        );
    }

    #[test]
    fn a_meta_key_is_issued_by_the_portfolio() {
        check(
            &get(),
            Some("portfolio9"),
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjA4Yzk0MzMwLWY2MTgtNDJhMy1i\
             MDlkLWUxZTQzYmU1ZWZkYSJ9.eyJpYXQiOjE3NzY3NjY1MzAsImV4cCI6MTc3Njc2NjY1MCw\
             icmVxdWVzdC1tZXRob2QiOiJnZXQiLCJyZXF1ZXN0LWhvc3QiOiIxMjcuMC4wLjE6OTA5MCI\
             sInJlcXVlc3QtcmVzb3VyY2UtcGF0aCI6Ii90bXMvdjIvY3VzdG9tZXJzLzE_bGltaXQ9MiZ\
             vZmZzZXQ9MCIsImlzcyI6InBvcnRmb2xpbzkiLCJqdGkiOiI2NjQzZmI5YS04MDkzLTQ3YzY\
             tOTVkMy04ZDY5Nzg1YjVlNjIiLCJ2LWMtand0LXZlcnNpb24iOiIyIiwidi1jLW1lcmNoYW5\
             0LWlkIjoibWlkMTIzNCJ9.p3dky6cY6aUgHpt-rzM6Lo21T1YTFJ-bsFEYnuTSwpw",
        );
    }

    #[test]
    fn each_token_has_its_own_id_and_is_the_only_header() {
        let jwt = with_secret(None);
        let headers = || match jwt.prove(&get()).unwrap() {
            Proof::Headers(headers) => headers,
            Proof::Token(_) => panic!("HS256 is done at once"),
        };
        let first = headers();
        assert_eq!(first.len(), 1);
        assert_eq!(first[0].0, header::AUTHORIZATION);
        assert_ne!(first, headers());
    }

    #[test]
    fn ids_are_uuids_of_version_4() {
        assert_eq!(
            uuid_v4([0xff; 16]),
            *b"ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        assert_eq!(uuid_v4([0; 16]), *b"00000000-0000-4000-8000-000000000000");
    }
}
