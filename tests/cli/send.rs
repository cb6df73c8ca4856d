//! `send`: one request to a server that answers as it is told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use crate::run::{CREATE, Folder};

/// Answers one request with this body; hands back the head and the body that came.
fn server(
    content_type: &'static str,
    body: &'static [u8],
) -> (String, JoinHandle<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut head).unwrap() > 0);
        }
        let lower = head.to_ascii_lowercase();
        let length = lower.split("content-length: ").nth(1).unwrap();
        let length = length.split("\r\n").next().unwrap().parse().unwrap();
        let mut sent = vec![0; length];
        stream.read_exact(&mut sent).unwrap();
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\n{content_type}Content-Length: {length}\r\n\r\n");
        let out = stream.get_mut();
        out.write_all(&[answer.as_bytes(), body].concat()).unwrap();
        (lower, String::from_utf8(sent).unwrap())
    });
    (address, served)
}

#[test]
fn the_code_says_what_the_reply_says() {
    for (reply, code) in [
        (&b"ics_rcode=1\nics_rflag=SOK\n"[..], 0),
        (b"ics_rcode=0\r\nics_rflag=DINVALIDDATA\r\n", 1),
        (b"ics_rcode=-1\nics_rflag=ESYSTEM\n", 2),
        (b"<html>503</html>", 2),
        (b"", 2),
    ] {
        let (address, served) = server("", reply);
        let folder = Folder::new();
        let ended = folder.run_with(&format!("send --to {address} -"), CREATE, &[]);
        assert_eq!(ended.code, code, "{ended:?}");
        let text = String::from_utf8_lossy(reply).replace('\r', "");
        let wanted = if text.starts_with("ics") {
            text.as_str()
        } else {
            ""
        };
        assert_eq!(ended.out, wanted);
        let (head, sent) = served.join().unwrap();
        assert_eq!(sent, CREATE);
        assert!(head.starts_with("post / http/1.1\r\n"), "{head}");
    }
}

#[test]
fn a_request_comes_from_a_file_or_from_standard_input() {
    let folder = Folder::new();
    folder.file("request.scmp", CREATE);
    for (words, input) in [("request.scmp", ""), ("-", CREATE), ("", CREATE)] {
        let (address, served) = server("", b"ics_rcode=1\n");
        let ended = folder.run_with(&format!("send --to {address} {words}"), input, &[]);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert_eq!(served.join().unwrap().1, CREATE);
    }
}

#[test]
fn charsets_are_named_and_read() {
    let label = "Content-Type: text/plain; charset=Shift_JIS\r\n";
    let (address, served) = server(label, b"ics_rcode=1\nmerchant_ref_number=\x95\x5c\n");
    let words = format!("send --charset sjis --to {address} -");
    let ended = Folder::new().run_with(&words, CREATE, &[]);
    assert_eq!(ended.out, "ics_rcode=1\nmerchant_ref_number=表\n");
    let (head, _) = served.join().unwrap();
    assert!(head.contains("charset=shift_jis"), "{head}");
}

#[test]
fn no_reply_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let ended = Folder::new().run_with(&format!("send --to http://{address}/ -"), CREATE, &[]);
    assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    assert!(ended.err.contains("no reply from"), "{}", ended.err);
    assert!(!ended.err.contains("4111"), "{}", ended.err);
    let ended = Folder::new().run("send gone.scmp");
    assert_eq!(ended.code, 66);
}
