//! Log lines for machines.

use serde_json::Value;

use crate::http::exchange;
use crate::process::Start;
use crate::requests::{create, retrieve};

/// What follows the words of the start.
fn events(log: &str) -> Vec<Value> {
    let start = [
        "sandbox ",
        "admin ",
        "merchants ",
        "listening ",
        "Try it",
        "curl ",
    ];
    let lines = log
        .lines()
        .filter(|line| !line.trim().is_empty() && !start.iter().any(|word| line.starts_with(word)));
    let read = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(event.is_object(), "{line}");
        event
    };
    lines.map(read).collect()
}

#[test]
fn json_lines_tell_of_each_request() {
    let gateway = Start::sandbox().arguments(&["--log-format", "json"]).run();
    let created = gateway.send(&create(&[]));
    let missing = gateway.send(&retrieve("NONE"));
    let refused = gateway.send(&create(&[("bill_city", "")]));
    let unknown = gateway.send(&create(&[("merchant_id", "stranger")]));
    let events = events(&gateway.end());
    let requests: Vec<&Value> = events
        .iter()
        .filter(|event| event["message"] == "request")
        .collect();
    let create = "ics_pay_subscription_create";
    let wanted = [
        (&created, "mid1234", create, "SOK", 3),
        (
            &missing,
            "mid1234",
            "ics_pay_subscription_retrieve",
            "DINVALIDDATA",
            1,
        ),
        (&refused, "mid1234", create, "DMISSINGFIELD", 0),
        (&unknown, "-", create, "DINVALIDDATA", 0),
    ];
    assert_eq!(requests.len(), wanted.len(), "{requests:#?}");
    for (reply, merchant, service, flag, calls) in wanted {
        let mut of_reply = requests
            .iter()
            .filter(|event| event["request_id"] == reply["request_id"].as_str());
        let event = of_reply.next().unwrap();
        assert!(of_reply.next().is_none(), "one line per request");
        assert_eq!(event["merchant"], merchant);
        assert_eq!(event["services"], service);
        assert_eq!(event["flag"], flag);
        assert_eq!(event["calls"], calls);
        assert!(event["ms"].is_u64(), "{event}");
        assert_eq!(event["level"], "INFO");
    }
}

#[test]
fn no_line_is_coloured() {
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "xterm-256color")] {
        let gateway = Start::sandbox().env(name, value).run();
        gateway.send(&create(&[]));
        assert!(!gateway.end().contains('\x1b'), "{name}");
    }
}

#[test]
fn a_wish_that_cannot_be_read_is_told() {
    for (wish, told, info) in [
        ("info,hyper=loud", true, true),
        ("\"info\"", true, true),
        ("debug,", false, true),
        ("warn", false, false),
        ("", false, true),
    ] {
        let gateway = Start::sandbox().env("SCMP_GATEWAY_LOG", wish).run();
        gateway.send(&create(&[]));
        let log = gateway.end();
        let unreadable = log.contains("SCMP_GATEWAY_LOG cannot be read");
        assert_eq!(
            (unreadable, log.contains(" INFO ")),
            (told, info),
            "{wish}: {log}"
        );
    }
}

/// What libraries tell in detail may hold headers and bodies, so no level makes them tell it.
#[test]
fn libraries_keep_their_details_to_themselves() {
    let start = Start::sandbox().arguments(&["--log-format", "json"]);
    let gateway = start
        .env("SCMP_GATEWAY_LOG", "trace,hyper=trace,h2=trace")
        .run();
    gateway.send(&create(&[]));
    let log = gateway.end();
    let libraries = "CA root certificates";
    assert!(!log.contains(libraries), "{log}");
    for event in events(&log) {
        let ours = event["target"]
            .as_str()
            .unwrap()
            .starts_with("scmp_gateway");
        let detail = event["level"] == "DEBUG" || event["level"] == "TRACE";
        assert!(ours || !detail, "{event}");
    }
}

/// A pipe holds 64 KiB; whoever writes more into one that nobody reads stands still.
#[test]
fn a_log_that_nobody_reads_holds_up_no_request() {
    const REQUESTS: usize = 1000;
    let gateway = Start::sandbox().run();
    gateway.unread(|| {
        for _ in 0..REQUESTS {
            let answer = exchange(&gateway.address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            assert_eq!(answer.status, 200);
        }
    });
    let log = gateway.end();
    assert!(log.len() > 100_000, "{} bytes show nothing", log.len());
    assert_eq!(log.matches("is no SCMP message").count(), REQUESTS);
}
