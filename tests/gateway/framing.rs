//! HTTP as old clients write it, and as attackers do.

use crate::http::{Connection, exchange};
use crate::process::Start;
use crate::requests::{assert_flag, create, fields, post};

#[test]
fn any_path_and_any_header_case_will_do() {
    let gateway = Start::sandbox().run();
    let body = create(&[]);
    let length = body.len();
    for target in ["/", "/ics", "/cgi-bin/ics.pl?x=1", "/%7e/../a", "*"] {
        let head = format!("POST {target} HTTP/1.1\r\nhOST: x\r\ncontent-LENGTH:{length}\r\n\r\n");
        let answer = exchange(&gateway.address, format!("{head}{body}").as_bytes());
        assert_eq!(answer.status, 200, "{target}");
        assert_flag(&fields(&answer.text()), "1", "SOK");
    }
}

#[test]
fn http_1_0_closes() {
    let gateway = Start::sandbox().run();
    let body = create(&[]);
    let request = format!(
        "POST / HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = Connection::open(&gateway.address);
    let answer = connection.send(request.as_bytes()).read();
    assert_flag(&fields(&answer.text()), "1", "SOK");
    assert!(connection.is_closed());
}

#[test]
fn http_1_1_keeps_the_connection_unless_refused() {
    let gateway = Start::sandbox().run();
    let mut connection = Connection::open(&gateway.address);
    let (first, second) = (post(create(&[]).as_bytes()), post(create(&[]).as_bytes()));
    let first = connection.send(&first).read();
    let second = connection.send(&second).read();
    assert_flag(&fields(&first.text()), "1", "SOK");
    assert_flag(&fields(&second.text()), "1", "SOK");
    assert_ne!(
        fields(&first.text())["request_id"],
        fields(&second.text())["request_id"]
    );
    let last = crate::requests::post_with("Connection: close\r\n", create(&[]).as_bytes());
    let last = connection.send(&last).read();
    assert_flag(&fields(&last.text()), "1", "SOK");
    assert_eq!(last.header("connection"), "close");
    assert!(connection.is_closed());
}

#[test]
fn requests_sent_in_a_row_are_answered_in_order() {
    let gateway = Start::sandbox().run();
    let both: Vec<u8> = ["one", "two"]
        .iter()
        .flat_map(|name| post(create(&[("merchant_ref_number", name)]).as_bytes()))
        .collect();
    let mut connection = Connection::open(&gateway.address);
    connection.send(&both);
    for name in ["one", "two"] {
        let reply = fields(&connection.read().text());
        assert_eq!(reply["merchant_ref_number"], name);
    }
}

#[test]
fn line_ends_may_be_mixed_in_head_and_body() {
    let gateway = Start::sandbox().run();
    for (end, body_end) in [("\n", "\r\n"), ("\r\n", "\n"), ("\n", "\n")] {
        let body = create(&[]).replace('\n', body_end);
        let length = body.len();
        let head = format!("POST / HTTP/1.1{end}Host: x\r\nContent-Length: {length}{end}{end}");
        let answer = exchange(&gateway.address, format!("{head}{body}").as_bytes());
        assert_flag(&fields(&answer.text()), "1", "SOK");
    }
}

#[test]
fn a_chunked_body_is_read() {
    let gateway = Start::sandbox().run();
    let body = create(&[]);
    let mut bytes = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    for piece in body.as_bytes().chunks(7) {
        let piece = str::from_utf8(piece).unwrap();
        bytes += &format!("{:X};ext=1\r\n{piece}\r\n", piece.len());
    }
    bytes += "0\r\nTrailer: x\r\n\r\n";
    let mut connection = Connection::open(&gateway.address);
    let answer = connection.send(bytes.as_bytes()).read();
    assert_flag(&fields(&answer.text()), "1", "SOK");
    let next = connection.send(&post(body.as_bytes())).read();
    assert_flag(&fields(&next.text()), "1", "SOK");
}

/// Where the end of a request is in doubt, nothing that follows may run as a request.
#[test]
fn a_request_cannot_hide_in_another() {
    let gateway = Start::sandbox().run();
    let body = create(&[]);
    let hidden = String::from_utf8(post(create(&[]).as_bytes())).unwrap();
    let length = body.len();
    let two = format!("Content-Length: {length}\r\nContent-Length: 5\r\n");
    let chunked = "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned();
    let odd = "Transfer-Encoding: xchunked\r\n".to_owned();
    let signed = format!("Content-Length: +{length}\r\n");
    let spaced = format!("Content-Length : {length}\r\n");
    for headers in [two, chunked, odd, signed, spaced] {
        let request = format!("POST / HTTP/1.1\r\nHost: x\r\n{headers}\r\n{body}{hidden}");
        let mut connection = Connection::open(&gateway.address);
        let answer = connection.send(request.as_bytes()).read_of("POST");
        assert_eq!(answer.status, 400, "{headers}");
        assert!(connection.is_closed(), "{headers}");
    }
    assert!(!gateway.end().contains("/tms/"), "nothing was called");
}

#[test]
fn chunks_beside_a_length_end_the_connection() {
    let gateway = Start::sandbox().run();
    let hidden = String::from_utf8(post(create(&[]).as_bytes())).unwrap();
    let (length, chunked) = ("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n");
    for headers in [format!("{length}{chunked}"), format!("{chunked}{length}")] {
        let request =
            format!("POST / HTTP/1.1\r\nHost: x\r\n{headers}\r\n3\r\na=b\r\n0\r\n\r\n{hidden}");
        let mut connection = Connection::open(&gateway.address);
        let answer = connection.send(request.as_bytes()).read();
        assert_ne!(fields(&answer.text())["ics_rcode"], "1");
        assert!(connection.is_closed(), "{headers}");
    }
    assert!(!gateway.end().contains("/tms/"), "the hidden one ran");
}

#[test]
fn what_is_not_http_is_answered_in_clear_text() {
    let gateway = Start::sandbox().run();
    let lines = create(&[]);
    for garbage in [
        lines.as_bytes(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0\0\0\0",
    ] {
        let mut connection = Connection::open(&gateway.address);
        let answer = connection.send(garbage).finish().read();
        assert_eq!(answer.status, 200);
        let text = "ics_rmsg=This request was not in HTTP format";
        assert!(answer.text().contains(text), "{}", answer.text());
        assert!(connection.is_closed());
    }
}

#[test]
fn http_1_0_is_not_promised_that_the_connection_stays() {
    let gateway = Start::sandbox().run();
    let body = create(&[]);
    let length = body.len();
    let request = format!(
        "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let mut connection = Connection::open(&gateway.address);
    let answer = connection.send(request.as_bytes()).read();
    assert_flag(&fields(&answer.text()), "1", "SOK");
    assert_eq!(answer.header("connection"), "close");
    assert!(connection.is_closed());
}
