//! JSON Web Token, version 2 of the API's construction (required since February 2026), signed
//! with the shared secret.
//!
//! The vendor's libraries disagree on two spellings; its guide decides here: the method in lower
//! case and `digestAlgorithm`. Of the path the guide says nothing about a query; like the current
//! libraries the whole request target is claimed.

use aws_lc_rs::rand;
use http::{HeaderName, HeaderValue, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;

use super::{Authenticator, Outgoing};
use crate::rest::credentials::Credentials;
use crate::rest::outcome::Failure;

/// The longest life that the API allows, in seconds.
const LIFETIME_S: u64 = 120;

/// Signs requests with an HS256 token in the `Authorization` header.
#[derive(Debug)]
pub(super) struct Jwt {
    key: EncodingKey,
    header: Header,
    merchant_id: String,
    issuer: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Claims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a str>,
    #[serde(rename = "digestAlgorithm", skip_serializing_if = "Option::is_none")]
    digest_algorithm: Option<&'a str>,
    iat: u64,
    exp: u64,
    request_method: &'a str,
    request_host: &'a str,
    request_resource_path: &'a str,
    iss: &'a str,
    jti: &'a str,
    v_c_jwt_version: &'a str,
    v_c_merchant_id: &'a str,
}

impl Jwt {
    pub(super) fn new(credentials: &Credentials) -> Jwt {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(credentials.key_id.clone());
        Jwt {
            key: EncodingKey::from_secret(credentials.shared_secret.expose()),
            header,
            merchant_id: credentials.merchant_id.clone(),
            issuer: credentials.key_owner().to_owned(),
        }
    }

    /// The token for a request, with the id given: the same input gives the same token.
    fn token(&self, request: &Outgoing<'_>, jti: &str) -> Result<String, Failure> {
        let digest = request.digest();
        let iat = request.unix_seconds()?;
        let claims = Claims {
            digest: digest.as_deref(),
            digest_algorithm: digest.as_ref().map(|_| "SHA-256"),
            iat,
            exp: iat + LIFETIME_S,
            request_method: &request.method.as_str().to_ascii_lowercase(),
            request_host: request.host,
            request_resource_path: request.path_and_query,
            iss: &self.issuer,
            jti,
            v_c_jwt_version: "2",
            v_c_merchant_id: &self.merchant_id,
        };
        encode(&self.header, &claims, &self.key)
            .map_err(|_| request.signing("the token could not be encoded"))
    }
}

impl Authenticator for Jwt {
    fn headers(&self, request: &Outgoing<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
        let mut random = [0; 16];
        rand::fill(&mut random)
            .map_err(|_| request.signing("the system gives no random numbers"))?;
        let token = self.token(request, &uuid_v4(random))?;
        let value = request.value("authorization", &format!("Bearer {token}"))?;
        Ok(vec![(header::AUTHORIZATION, value)])
    }
}

/// Random bytes as a version 4 UUID (RFC 9562), the form that the guide asks of `jti`.
fn uuid_v4(mut random: [u8; 16]) -> String {
    random[6] = (random[6] & 0x0f) | 0x40;
    random[8] = (random[8] & 0x3f) | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(random));
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{credentials, get, post};
    use super::*;
    use crate::rest::credentials::Scheme;

    const JTI: &str = "6643fb9a-8093-47c6-95d3-8d69785b5e62";

    /// The tokens were computed apart from this code, with Python's hmac and hashlib.
    fn check(request: &Outgoing<'_>, portfolio: Option<&str>, expect: &str) {
        let jwt = Jwt::new(&credentials(Scheme::Jwt, portfolio));
        assert_eq!(jwt.token(request, JTI).unwrap(), expect);
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
        let jwt = Jwt::new(&credentials(Scheme::Jwt, None));
        let first = jwt.headers(&get()).unwrap();
        assert_eq!(first.len(), 1);
        assert_eq!(first[0].0, header::AUTHORIZATION);
        assert_ne!(first, jwt.headers(&get()).unwrap());
    }

    #[test]
    fn ids_are_uuids_of_version_4() {
        assert_eq!(uuid_v4([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid_v4([0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}
