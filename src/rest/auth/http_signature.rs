//! HTTP Signature as the REST API takes it (close to draft-cavage-http-signatures; the label
//! `request-target` stands without the draft's parentheses, refused since April 2024).

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, header};

use super::{Authenticator, Outgoing, Proof};
use crate::rest::credentials::{Credentials, SharedSecret};
use crate::rest::outcome::Failure;

const MERCHANT: &str = "v-c-merchant-id";

/// Signs requests with HMAC-SHA256 over host, date, request line, digest and merchant.
#[derive(Debug)]
pub(super) struct HttpSignature {
    key: hmac::Key,
    key_id: String,
    merchant_id: String,
    /// With a meta key the portfolio is signed under the merchant's label while the header
    /// carries the merchant.
    signed_id: String,
}

impl HttpSignature {
    pub(super) fn new(secret: &SharedSecret, credentials: &Credentials) -> HttpSignature {
        HttpSignature {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.secret.expose()),
            key_id: secret.key_id.clone(),
            merchant_id: credentials.merchant_id.clone(),
            signed_id: credentials.key_owner().to_owned(),
        }
    }

    /// The `Signature` header over exactly these texts.
    fn signature(&self, request: &Outgoing<'_>, date: &str, digest: Option<&str>) -> String {
        let method = request.method.as_str().to_ascii_lowercase();
        let Outgoing {
            host,
            path_and_query,
            ..
        } = request;
        let mut text =
            format!("host: {host}\ndate: {date}\nrequest-target: {method} {path_and_query}\n");
        let mut names = String::from("host date request-target ");
        if let Some(digest) = digest {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "digest: {digest}");
            names.push_str("digest ");
        }
        let _ = write!(text, "{MERCHANT}: {}", self.signed_id);
        names.push_str(MERCHANT);
        let signature = STANDARD.encode(hmac::sign(&self.key, text.as_bytes()));
        let key_id = &self.key_id;
        format!(
            "keyid=\"{key_id}\", algorithm=\"HmacSHA256\", headers=\"{names}\", \
             signature=\"{signature}\""
        )
    }
}

impl Authenticator for HttpSignature {
    fn prove(&self, request: &Outgoing<'_>) -> Result<Proof, Failure> {
        // Formatting a date out of range panics, so the range is checked first.
        request.unix_seconds()?;
        let date = httpdate::fmt_http_date(request.at);
        let digest = request.digest().map(|digest| format!("SHA-256={digest}"));
        let signature = self.signature(request, &date, digest.as_deref());

        let mut headers = vec![
            (header::DATE, request.value("date", &date)?),
            (
                HeaderName::from_static(MERCHANT),
                request.value(MERCHANT, &self.merchant_id)?,
            ),
            (
                HeaderName::from_static("signature"),
                request.value("signature", &signature)?,
            ),
        ];
        if let Some(digest) = digest {
            headers.push((
                HeaderName::from_static("digest"),
                request.value("digest", &digest)?,
            ));
        }
        Ok(Proof::Headers(headers))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{credentials, get, post, shared_secret};
    use super::*;
    use crate::rest::credentials::Authentication;

    /// The signatures were computed apart from this code, with Python's hmac and hashlib.
    fn check(request: &Outgoing<'_>, portfolio: Option<&str>, expect: &[(&str, &str)]) {
        let secret = shared_secret("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let way = Authentication::HttpSignature(secret.clone());
        let authenticator = HttpSignature::new(&secret, &credentials(way, portfolio));
        let Proof::Headers(headers) = authenticator.prove(request).unwrap() else {
            panic!("HMAC is done at once")
        };
        let mut got: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        got.sort_unstable();
        assert_eq!(got, expect);
    }

    #[test]
    fn a_post_signs_its_digest() {
        let expect = [
            ("date", "Tue, 21 Apr 2026 10:15:30 GMT"),
            (
                "digest",
                "SHA-256=mv6w8rID8lQxLsje1EHQMYt8NMV/hpXt5C0iFaMMCWA=",
            ),
            (
                "signature",
                "keyid=\"08c94330-f618-42a3-b09d-e1e43be5efda\", algorithm=\"HmacSHA256\", \
                 headers=\"host date request-target digest v-c-merchant-id\", \
                 signature=\"/3w7EnwzzeM/wCGIZgryxcQveIV14bXX4s7DU2jHEaQ=\"",
            ),
            ("v-c-merchant-id", "mid1234"),
        ];
        check(&post(br#"{"a":"1"}"#), None, &expect);
    }

    #[test]
    fn a_get_signs_port_and_query_and_no_digest() {
        let expect = [
            ("date", "Tue, 21 Apr 2026 10:15:30 GMT"),
            (
                "signature",
                "keyid=\"08c94330-f618-42a3-b09d-e1e43be5efda\", algorithm=\"HmacSHA256\", \
                 headers=\"host date request-target v-c-merchant-id\", \
                 signature=\"84bRQfAPUgNYv7Qz0JPjgBvBgoQCXNDmxvO47bJuV4A=\"",
            ),
            ("v-c-merchant-id", "mid1234"),
        ];
        check(&get(), None, &expect);
    }

    #[test]
    fn a_meta_key_signs_the_portfolio_and_sends_the_merchant() {
        let expect = [
            ("date", "Tue, 21 Apr 2026 10:15:30 GMT"),
            (
                "signature",
                "keyid=\"08c94330-f618-42a3-b09d-e1e43be5efda\", algorithm=\"HmacSHA256\", \
                 headers=\"host date request-target v-c-merchant-id\", \
                 signature=\"NAgyPjwlwZILOvzgkHTAthI1llNJJHNvfj598z5jhYU=\"",
            ),
            ("v-c-merchant-id", "mid1234"),
        ];
        check(&get(), Some("portfolio9"), &expect);
    }
}
