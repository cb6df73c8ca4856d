//! The routing, and rules that are awkward to reach over a socket.

use std::time::SystemTime;

use super::*;
use crate::sandbox::call::View;
use hyper::header::HeaderMap;
use serde_json::json;

fn call<'a>(method: &'a str, path: &'a str, headers: &'a HeaderMap, body: &'a [u8]) -> Call<'a> {
    Call {
        method,
        path,
        query: "",
        headers,
        body,
        now: SystemTime::now(),
        view: View::default(),
    }
}

fn post(state: &mut State, path: &str, body: Value) -> Reply {
    let body = body.to_string();
    let headers = HeaderMap::new();
    answer(state, "m", &call("POST", path, &headers, body.as_bytes()))
}

fn id(reply: &Reply) -> String {
    reply.body.as_ref().unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn paths_are_taken_with_one_slash_at_the_end_and_not_with_two() {
    for path in ["/tms/v2/customers", "/tms/v2/customers/"] {
        assert!(matches!(Target::parse(path), Some(Target::Customers)));
    }
    for path in [
        "/tms/v2/customers//",
        "/tms/v2//customers",
        "/tms/v2/customers/1/others",
        "/pts/v2/payments",
        "/",
    ] {
        assert!(Target::parse(path).is_none(), "{path}");
    }
}

#[test]
fn a_wrong_verb_is_405() {
    let headers = HeaderMap::new();
    for (method, path) in [
        ("GET", "/tms/v2/customers"),
        ("PUT", "/tms/v2/customers/x"),
        ("DELETE", "/tms/v1/instrumentidentifiers"),
    ] {
        let reply = answer(&mut State::new(1), "m", &call(method, path, &headers, b""));
        assert_eq!(reply.status, 405, "{method} {path}");
    }
}

#[test]
fn a_seed_makes_the_ids_reproducible() {
    let body = json!({"card": {"number": "4111111111111111"}});
    let path = "/tms/v1/instrumentidentifiers";
    let one = id(&post(&mut State::new(3), path, body.clone()));
    let other = id(&post(&mut State::new(3), path, body));
    assert_eq!(one, other);
}

#[test]
fn if_match_takes_lists_stars_and_bare_values() {
    for (value, matches) in [
        ("\"abc\"", true),
        ("abc", true),
        ("*", true),
        ("\"x\", \"abc\"", true),
        ("\"abd\"", false),
        ("", false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, value.parse().unwrap());
        let outcome = call("PATCH", "/", &headers, b"").check_if_match("abc");
        assert_eq!(outcome.is_ok(), matches, "{value}");
    }
}

#[test]
fn an_identifier_changed_by_patch_leaves_the_old_one() {
    let mut state = State::new(1);
    let identifiers = "/tms/v1/instrumentidentifiers";
    let visa = json!({"card": {"number": "4111111111111111"}});
    let old = id(&post(&mut state, identifiers, visa));
    let new = json!({"card": {"number": "5555555555554444"}});
    let new = id(&post(&mut state, identifiers, new));
    let owner = id(&post(&mut state, "/tms/v2/customers", json!({})));
    let list = href::instruments(&owner);
    let body = json!({"instrumentIdentifier": {"id": old}});
    let instrument = id(&post(&mut state, &list, body));

    let path = Owned::Instrument.path(&owner, &instrument);
    let body = json!({"instrumentIdentifier": {"id": new}}).to_string();
    let headers = HeaderMap::new();
    let patch = call("PATCH", &path, &headers, body.as_bytes());
    assert_eq!(answer(&mut state, "m", &patch).status, 200);

    let old = href::identifier(&old);
    let delete_old = call("DELETE", &old, &headers, b"");
    assert_eq!(answer(&mut state, "m", &delete_old).status, 204);
    let new = href::identifier(&new);
    let delete_new = call("DELETE", &new, &headers, b"");
    assert_eq!(answer(&mut state, "m", &delete_new).status, 409);
}

#[test]
fn a_null_identifier_is_missing() {
    let mut state = State::new(1);
    let visa = json!({"card": {"number": "4111111111111111"}});
    let used = id(&post(&mut state, "/tms/v1/instrumentidentifiers", visa));
    let owner = id(&post(&mut state, "/tms/v2/customers", json!({})));
    let body = json!({"instrumentIdentifier": {"id": used}});
    let instrument = id(&post(&mut state, &href::instruments(&owner), body));
    let path = Owned::Instrument.path(&owner, &instrument);
    let headers = HeaderMap::new();
    let patch = call(
        "PATCH",
        &path,
        &headers,
        br#"{"instrumentIdentifier": null}"#,
    );
    let reply = answer(&mut state, "m", &patch);
    assert_eq!(reply.status, 400);
    assert_eq!(reply.body.unwrap()["errors"][0]["type"], "missingFields");
}
