//! What is not HTTP at all: answered in clear text, as the old server did, where an HTTP library would hang up.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Response;

/// How long the rest of what came is read and thrown away: a connection closed on unread bytes is reset, and the answer lost.
const LINGER: Duration = Duration::from_secs(1);

/// Whether the first bytes may begin an HTTP request: a method in capitals, and a blank. Waits for the first of them.
pub async fn is_http(stream: &TcpStream) -> bool {
    let mut first = [0; 8];
    match stream.peek(&mut first).await {
        Ok(count) => may_be_http(&first[..count]),
        Err(_) => true,
    }
}

fn may_be_http(first: &[u8]) -> bool {
    // Empty lines before a request are let pass (RFC 9112, section 2.2).
    let blank = first
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let line = &first[blank.count()..];
    let method = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    (line.is_empty() || !method.is_empty()) && method.iter().all(u8::is_ascii_uppercase)
}

/// Answers, and closes the connection.
pub async fn answer(mut stream: TcpStream, response: Response) {
    let head = format!(
        "HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset={}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        response.charset.label(),
        response.body.len()
    );
    let said = async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&response.body).await?;
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    // Who does not take the answer is not helped.
    let _said = tokio::time::timeout(LINGER, said).await;
}

#[cfg(test)]
mod tests {
    use super::may_be_http;

    #[test]
    fn only_a_method_in_capitals_begins_a_request() {
        for good in [
            "POST / H",
            "GET /",
            "OPTIONS ",
            "PROPPATC",
            "\r\nPOST /",
            "P",
            "",
            "\r\n",
        ] {
            assert!(may_be_http(good.as_bytes()), "{good:?}");
        }
        for bad in [
            "merchant",
            "ics_appl",
            "\x16\x03\x01\x02\0\x01",
            " POST / ",
            "{\"a\": 1}",
            "post / H",
        ] {
            assert!(!may_be_http(bad.as_bytes()), "{bad:?}");
        }
    }
}
