//! What the gateway gives to each request: its id, its token, its time.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use compact_str::CompactString;
use smallvec::SmallVec;

use crate::clock;
use crate::plan::Context;
use crate::random;
use crate::rest::Secret;

/// The form of request tokens; a later form gets another number.
const TOKEN_VERSION: u8 = 2;

/// The length of a token's tag in bytes.
const TAG: usize = 16;

/// Id and time of a request that came at `now`.
pub fn context(now: SystemTime) -> Context {
    Context {
        request_id: request_id(now),
        time: scmp_time(now),
    }
}

/// 22 digits, as the old server's: the time in microseconds and six random digits. Later ones are greater.
fn request_id(now: SystemTime) -> CompactString {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    // Sixteen digits last until the year 2286.
    let micros = clock::digits::<16>(since.as_micros() as u64);
    // Without entropy the time alone tells requests apart.
    let random = u32::from_be_bytes(random::bytes().unwrap_or_default());
    let random = clock::digits::<6>((random % 1_000_000).into());
    let mut id = [0; 22];
    id[..16].copy_from_slice(&micros);
    id[16..].copy_from_slice(&random);
    text(&id)
}

/// `YYYY-MM-DDThhmmssZ`: without colons, which the protocol reserves.
fn scmp_time(now: SystemTime) -> CompactString {
    let (second, _) = clock::second(now);
    // YYYY-MM-DDThh:mm:ss
    let mut time = *b"0000-00-00T000000Z";
    time[..13].copy_from_slice(&second[..13]);
    time[13..15].copy_from_slice(&second[14..16]);
    time[15..17].copy_from_slice(&second[17..]);
    text(&time)
}

/// What was put together from digits and signs.
fn text(bytes: &[u8]) -> CompactString {
    str::from_utf8(bytes).unwrap_or_default().into()
}

/// The key of a merchant's request tokens, derived from the merchant's secret so that all gateways agree on it.
pub fn token_key(secret: &Secret) -> hmac::Key {
    derived(secret, b"scmp-gateway request_token")
}

/// The key of the hashes that stand for a merchant's requests; all gateways agree on it, too.
pub fn retry_key(secret: &Secret) -> hmac::Key {
    derived(secret, b"scmp-gateway request content")
}

fn derived(secret: &Secret, purpose: &[u8]) -> hmac::Key {
    let root = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, purpose).as_ref())
}

/// The name of a gateway, different at each start.
pub fn owner() -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = nanos.map_or(0, |since| since.as_nanos());
    // Without entropy time and process id tell gateways of one machine apart.
    let random: [u8; 12] = random::bytes().unwrap_or_else(|_| {
        let mut time = [0; 12];
        time.copy_from_slice(&nanos.to_be_bytes()[4..]);
        time
    });
    format!("{}-{}", std::process::id(), URL_SAFE_NO_PAD.encode(random))
}

/// An opaque, authenticated text without personal data: proof that this gateway gave this id to this merchant, and for
/// what. `version | kind | HMAC(version | merchant | id | kind)`, the HMAC cut to 16 bytes.
pub fn request_token(key: &hmac::Key, merchant: &str, id: &str, kind: Option<&str>) -> String {
    let kind = kind.unwrap_or_default();
    let mut token = Vec::with_capacity(1 + kind.len() + TAG);
    token.push(TOKEN_VERSION);
    token.extend_from_slice(kind.as_bytes());
    token.extend_from_slice(&tag(key, merchant, id, kind.as_bytes()));
    URL_SAFE_NO_PAD.encode(token)
}

/// What a token of ours says that the id names. A foreign token, or one of another id or merchant, says nothing.
pub fn kind_of(key: &hmac::Key, merchant: &str, id: &str, token: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (version, rest) = bytes.split_first()?;
    let (kind, found) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
    let known = tag(key, merchant, id, kind);
    let right =
        *version == TOKEN_VERSION && constant_time::verify_slices_are_equal(found, &known).is_ok();
    let kind = String::from_utf8(kind.to_vec()).ok()?;
    (right && !kind.is_empty()).then_some(kind)
}

fn tag(key: &hmac::Key, merchant: &str, id: &str, kind: &[u8]) -> [u8; TAG] {
    let mut signed: SmallVec<[u8; 128]> = SmallVec::new();
    for part in [
        &[TOKEN_VERSION],
        merchant.as_bytes(),
        b"\n",
        id.as_bytes(),
        b"\n",
        kind,
    ] {
        signed.extend_from_slice(part);
    }
    let mut tag = [0; TAG];
    tag.copy_from_slice(&hmac::sign(key, &signed).as_ref()[..TAG]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn key() -> hmac::Key {
        token_key(
            &Secret::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("base64"),
        )
    }

    #[test]
    fn ids_have_22_digits_and_rise() {
        let now = SystemTime::now();
        let (first, later) = (request_id(now), request_id(now + Duration::from_millis(1)));
        assert_eq!(first.len(), 22);
        assert!(first.bytes().all(|byte| byte.is_ascii_digit()) && first < later);
    }

    #[test]
    fn times_have_no_colon() {
        let time = UNIX_EPOCH + Duration::from_secs(1_439_333_277);
        assert_eq!(scmp_time(time), "2015-08-11T224757Z");
    }

    #[test]
    fn a_token_is_bound_to_merchant_and_id() {
        let token = request_token(&key(), "mid1234", "1", Some("sale"));
        assert!(token.len() <= 256);
        assert_eq!(
            kind_of(&key(), "mid1234", "1", &token).as_deref(),
            Some("sale")
        );
        assert_eq!(kind_of(&key(), "mid1234", "2", &token), None);
        assert_eq!(kind_of(&key(), "mid12341", "", &token), None);
    }

    #[test]
    fn foreign_tokens_say_nothing() {
        let token = request_token(&key(), "mid1234", "1", None);
        for foreign in [
            "",
            "AA",
            "x",
            "not base64!",
            &token,
            "AhAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(kind_of(&key(), "mid1234", "1", foreign), None, "{foreign}");
        }
    }
}
