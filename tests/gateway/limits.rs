//! What is no SCMP message, what is too large, what is too slow.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use crate::http::{Answer, Connection, exchange};
use crate::process::{PATIENCE, Running, Start};
use crate::requests::{MERCHANT, assert_flag, create, fields, post, post_with};

const NOT_SCMP: &str = "This request was not in HTTP format";

#[track_caller]
fn assert_is_no_scmp(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let reply = fields(&answer.text());
    assert_flag(&reply, "-1", "ESYSTEM");
    assert_eq!(reply["ics_rmsg"], NOT_SCMP);
    assert!(answer.header("content-type").starts_with("text/plain"));
}

#[test]
fn what_is_no_message_is_answered_in_clear_text() {
    let gateway = Start::sandbox().run();
    let get = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let bodies: [&[u8]; 6] = [
        b"",
        b"\n\r\n",
        b"hello",
        b"{\"json\": true}",
        b"\x00\xff\xfe\x16\x03\x01",
        b"<soap:Envelope/>",
    ];
    assert_is_no_scmp(&exchange(&gateway.address, get));
    for body in bodies {
        assert_is_no_scmp(&exchange(&gateway.address, &post(body)));
    }
    let no_length = b"POST / HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_is_no_scmp(&exchange(&gateway.address, no_length));
}

#[test]
fn other_methods_are_answered_too() {
    let gateway = Start::sandbox().run();
    for method in ["HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "BREW"] {
        let request = format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut connection = Connection::open(&gateway.address);
        let answer = connection.send(request.as_bytes()).read_of(method);
        assert_eq!(answer.status, 200, "{method}");
        let length: usize = answer.header("content-length").parse().unwrap();
        assert!(length > 0, "{method}");
        if method == "HEAD" {
            // The connection stays in step: no body came.
            assert_is_no_scmp(&connection.send(&post(b"")).read());
        } else {
            assert_is_no_scmp(&answer);
        }
    }
}

fn limited() -> Running {
    let config = format!("[server]\nmax_body_bytes = 1000\n{MERCHANT}");
    Start::sandbox().config(&config).run()
}

#[track_caller]
fn assert_is_too_large(answer: &Answer) {
    assert_eq!(answer.status, 413, "{answer:?}");
    let reply = fields(&answer.text());
    assert_flag(&reply, "-1", "ESYSTEM");
    assert!(reply["ics_rmsg"].contains("1000 bytes"), "{reply:?}");
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let gateway = limited();
    let fitting = create(&[("filler", &"x".repeat(400))]);
    assert!(fitting.len() < 1000);
    let padded = format!("{fitting}pad={}\n", "y".repeat(1000 - fitting.len() - 5));
    assert_eq!(padded.len(), 1000);
    assert_flag(&gateway.send(&padded), "1", "SOK");
    let mut connection = Connection::open(&gateway.address);
    let over = format!("{padded}\n");
    assert_is_too_large(&connection.send(&post(over.as_bytes())).read());
    assert!(connection.is_closed());

    let chunk = format!("{:x}\r\n{padded}\r\n", padded.len());
    let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let bytes = format!("{head}{chunk}{chunk}0\r\n\r\n");
    assert_is_too_large(&exchange(&gateway.address, bytes.as_bytes()));
}

/// Old clients write everything before they read anything: a reset must not destroy the reply.
#[test]
fn a_client_that_writes_much_before_it_reads_gets_its_refusal() {
    let gateway = limited();
    for _ in 0..5 {
        let body = vec![b'x'; 8_000_000];
        let mut stream = TcpStream::connect(&gateway.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&post(&body)).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer:?}");
    }
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on() {
    let gateway = Start::sandbox().run();
    let request = post_with("Expect: 100-continue\r\n", create(&[]).as_bytes());
    let head_end = request.windows(4).position(|end| end == b"\r\n\r\n");
    let (head, body) = request.split_at(head_end.unwrap() + 4);
    let mut connection = Connection::open(&gateway.address);
    assert_eq!(connection.send(head).read().status, 100);
    let reply = connection.send(body).read();
    assert_flag(&fields(&reply.text()), "1", "SOK");
}

#[test]
fn a_slow_body_is_not_waited_for() {
    let config = format!("[server]\nreceive_timeout = \"300ms\"\n{MERCHANT}");
    let gateway = Start::sandbox().config(&config).run();
    let begun = Instant::now();
    let mut connection = Connection::open(&gateway.address);
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\na=";
    let answer = connection.send(head).read();
    assert_eq!(answer.status, 408);
    assert_flag(&fields(&answer.text()), "-1", "ESYSTEM");
    assert!(connection.is_closed());
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    assert!(begun.elapsed().as_millis() >= 300);
}

#[test]
fn one_connection_too_many_is_told_so_at_once() {
    let gateway = Start::sandbox()
        .env("SCMP_GATEWAY__SERVER__MAX_CONNECTIONS", "1")
        .run();
    let mut first = Connection::open(&gateway.address);
    first.send(&post(create(&[]).as_bytes()));
    assert_flag(&fields(&first.read().text()), "1", "SOK");
    let begun = Instant::now();
    let answer = exchange(&gateway.address, &post(create(&[]).as_bytes()));
    assert_flag(&fields(&answer.text()), "-1", "ESYSTEM");
    assert!(answer.text().contains("at its limit"), "{answer:?}");
    assert!(begun.elapsed() < PATIENCE / 2);
    drop(first);
}

#[test]
fn a_web_page_cannot_post_here() {
    let gateway = Start::sandbox().run();
    for header in [
        "Origin: http://evil.example\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
    ] {
        let answer = exchange(&gateway.address, &post_with(header, create(&[]).as_bytes()));
        assert_eq!(answer.status, 403, "{header}");
    }
    assert!(!gateway.log().contains("POST"), "nothing was called");
}
