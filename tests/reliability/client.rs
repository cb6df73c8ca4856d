//! A client whose gateway may die under it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::process::PATIENCE;
use crate::requests::{Fields, fields, post};

/// Sends a request; the reply, if a whole one comes.
pub fn try_send(address: &str, body: &str) -> Option<Fields> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(&post(body.as_bytes())).ok()?;
    let mut text = String::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).ok().filter(|read| *read > 0)?;
        text.push_str(std::str::from_utf8(&part[..read]).ok()?);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<usize>().ok())?
            })?;
            if body.len() >= length {
                return Some(fields(&body[..length]));
            }
        }
    }
}
