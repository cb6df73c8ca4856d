//! Each signed thing, changed by itself.

use super::*;
use aws_lc_rs::hmac;
use hyper::header::{HeaderMap, HeaderName};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::sandbox::merchants::{Merchant, Merchants};

const NAMES: &str = "host date request-target digest v-c-merchant-id";
const BODY: &[u8] = b"{\"a\":1}";

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn merchants() -> Merchants {
    let mut member = Merchant::with_secret("shop", "shops", vec![3; 32]);
    member.portfolio = Some("mid".to_owned());
    Merchants::new(vec![
        Merchant::with_secret("mid", "key", vec![1; 32]),
        member,
    ])
}

fn rules(merchants: &Merchants) -> Rules<'_> {
    Rules {
        merchants,
        now: now(),
        date_away_max: Duration::from_secs(300),
        parentheses: true,
    }
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let digest = format!("SHA-256={}", sha256_base64(BODY));
    for (name, value) in [
        ("host", "localhost:1".to_owned()),
        ("date", httpdate::fmt_http_date(now())),
        ("v-c-date", httpdate::fmt_http_date(now())),
        ("digest", digest),
        ("v-c-merchant-id", "mid".to_owned()),
    ] {
        headers.insert(HeaderName::from_static(name), value.parse().unwrap());
    }
    headers
}

fn sign(names: &str, received: &Received<'_>) -> String {
    let list: Vec<&str> = names.split(' ').collect();
    let mut message = Vec::new();
    for name in list {
        let value = match name.trim_matches(['(', ')']) {
            "request-target" => {
                format!("{} {}", received.method.to_lowercase(), received.target)
            }
            _ => received.headers[name].to_str().unwrap().to_owned(),
        };
        message.push(format!("{name}: {value}"));
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]);
    let tag = STANDARD.encode(hmac::sign(&key, message.join("\n").as_bytes()));
    format!("keyid=\"key\", algorithm=\"HmacSHA256\", headers=\"{names}\", signature=\"{tag}\"")
}

fn check(value: &str, received: &Received<'_>) -> Result<(), String> {
    let merchants = merchants();
    verify(&value.parse().unwrap(), received, &rules(&merchants))
        .map(|sender| assert_eq!(sender.merchant.id, "mid"))
        .map_err(|refusal| refusal.to_string())
}

fn received(headers: &HeaderMap) -> Received<'_> {
    Received {
        method: "POST",
        target: "/tms/v2/customers/?b=2&a=%20",
        host: None,
        headers,
        body: BODY,
    }
}

#[test]
fn names_in_any_order_and_both_forms_of_the_target() {
    let headers = headers();
    let received = received(&headers);
    for names in [
        NAMES,
        "v-c-merchant-id digest request-target date host",
        "host date (request-target) digest v-c-merchant-id",
        "host v-c-date request-target digest v-c-merchant-id",
    ] {
        assert_eq!(check(&sign(names, &received), &received), Ok(()), "{names}");
    }
}

#[test]
fn a_get_signs_no_digest() {
    let mut headers = headers();
    headers.remove("digest");
    let received = Received {
        method: "GET",
        body: b"",
        ..received(&headers)
    };
    let value = sign("host date request-target v-c-merchant-id", &received);
    assert_eq!(check(&value, &received), Ok(()));
}

#[test]
fn each_needed_name_must_be_signed() {
    let headers = headers();
    let received = received(&headers);
    for left_out in NAMES.split(' ') {
        let names: Vec<&str> = NAMES.split(' ').filter(|name| *name != left_out).collect();
        let refusal = check(&sign(&names.join(" "), &received), &received).unwrap_err();
        assert_eq!(
            refusal,
            format!("{left_out} is not among the signed headers")
        );
    }
}

#[test]
fn anything_changed_after_signing_is_refused() {
    let original = headers();
    let value = sign(NAMES, &received(&original));
    for name in ["host", "date", "digest", "v-c-merchant-id"] {
        let mut changed = headers();
        changed.insert(HeaderName::from_static(name), "x".parse().unwrap());
        let refusal = check(&value, &received(&changed)).unwrap_err();
        let reason = match name {
            "v-c-merchant-id" => "not good for",
            _ => "signature mismatch",
        };
        assert!(refusal.contains(reason), "{name}: {refusal}");
    }
    let body = Received {
        body: b"{\"a\":2}",
        ..received(&original)
    };
    assert!(check(&value, &body).unwrap_err().contains("bad digest"));
    for changed in [
        Received {
            target: "/tms/v2/customers",
            ..received(&original)
        },
        Received {
            method: "PATCH",
            ..received(&original)
        },
    ] {
        assert!(check(&value, &changed).is_err());
    }
}

#[test]
fn signed_values_must_be_true() {
    for (name, value, reason) in [
        ("date", "yesterday", "not an HTTP date"),
        ("date", "Tue, 21 Apr 2026 10:15:30 GMT", "away from now"),
        ("v-c-merchant-id", "other", "the key is of"),
        ("digest", "SHA-256=AAAA", "bad digest"),
    ] {
        let mut headers = headers();
        headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        let received = received(&headers);
        let refusal = check(&sign(NAMES, &received), &received).unwrap_err();
        assert!(refusal.contains(reason), "{name}: {refusal}");
    }
}

#[test]
fn the_date_may_be_five_minutes_off_either_way() {
    let merchants = merchants();
    for (seconds, good) in [(-301, false), (-300, true), (300, true), (301, false)] {
        let date = UNIX_EPOCH + Duration::from_secs((1_800_000_000_i64 + seconds) as u64);
        let text = httpdate::fmt_http_date(date);
        assert_eq!(
            check_date("date", &text, &rules(&merchants)).is_ok(),
            good,
            "{seconds}"
        );
    }
}

#[test]
fn a_signed_header_sent_twice_is_refused() {
    let mut headers = headers();
    let value = sign(NAMES, &received(&headers));
    headers.append("v-c-merchant-id", "other".parse().unwrap());
    let refusal = check(&value, &received(&headers)).unwrap_err();
    assert!(refusal.contains("more than once"), "{refusal}");
}

#[test]
fn key_algorithm_and_form() {
    let headers = headers();
    let received = received(&headers);
    let good = sign(NAMES, &received);
    for (from, to, reason) in [
        ("\"key\"", "\"other\"", "unknown key id"),
        ("HmacSHA256", "HmacSHA1", "not accepted"),
        ("signature=\"", "signature=\"!", "not base64"),
        ("keyid=", "id=", "keyid= is absent"),
        ("algorithm=", "keyid=", "there twice"),
        ("v-c-merchant-id\"", "v-c-merchant-id", "malformed"),
        ("host date", "host x-none date", "was not sent"),
    ] {
        let refusal = check(&good.replace(from, to), &received).unwrap_err();
        assert!(refusal.contains(reason), "{to}: {refusal}");
    }
}

#[test]
fn parentheses_can_be_switched_off() {
    let headers = headers();
    let received = received(&headers);
    let merchants = merchants();
    let strict = Rules {
        parentheses: false,
        ..rules(&merchants)
    };
    let check = |names: &str| {
        let value = sign(names, &received).parse().unwrap();
        verify(&value, &received, &strict).map(|_| ())
    };
    assert!(check(NAMES).is_ok());
    let old = "host date (request-target) digest v-c-merchant-id";
    assert!(matches!(check(old), Err(Refusal::Parentheses)));
}

#[test]
fn a_portfolios_key_signs_its_own_name_or_the_members() {
    let signed = headers();
    let mut sent = headers();
    sent.insert("v-c-merchant-id", "shop".parse().unwrap());
    let merchants = merchants();
    let rules = rules(&merchants);
    // As the SDK does: the portfolio under the label, the member in the header.
    for signed in [&signed, &sent] {
        let value = sign(NAMES, &received(signed)).parse().unwrap();
        let sender = verify(&value, &received(&sent), &rules).unwrap();
        assert_eq!(sender.merchant.id, "shop");
    }
    sent.insert("v-c-merchant-id", "stranger".parse().unwrap());
    let value = sign(NAMES, &received(&signed)).parse().unwrap();
    let refusal = verify(&value, &received(&sent), &rules).unwrap_err();
    assert!(
        matches!(refusal, Refusal::WrongMerchant { .. }),
        "{refusal}"
    );
}

#[test]
fn http_2_has_its_host_elsewhere() {
    let with = headers();
    let value = sign(NAMES, &received(&with)).parse().unwrap();
    let mut without = headers();
    without.remove("host");
    let merchants = merchants();
    let mut received = received(&without);
    assert!(verify(&value, &received, &rules(&merchants)).is_err());
    received.host = Some("localhost:1");
    assert!(verify(&value, &received, &rules(&merchants)).is_ok());
}
