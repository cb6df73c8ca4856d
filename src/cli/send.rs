//! `send`: posts one SCMP request and prints the reply.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::scmp::{Charset, Reply};

use super::{EX_USAGE, Ended, Failed, input, print, runtime};

/// No reply, or one that says error.
const NO_REPLY: u8 = 2;

/// Post one SCMP request and print the reply's lines. Exit 0 for ics_rcode 1, 1 for 0, 2 for -1 or no reply.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where to.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/")]
    to: String,
    /// The charset of the file, to be named in Content-Type: utf-8, iso-8859-1, windows-1252, shift_jis or euc-jp.
    #[arg(long, value_name = "LABEL")]
    charset: Option<String>,
    /// The request: name=value lines. `-` or nothing reads standard input.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

pub fn run(arguments: Arguments) -> Ended {
    let charset = arguments
        .charset
        .as_deref()
        .map(Charset::from_label)
        .transpose();
    let charset = charset.map_err(|error| Failed::new(EX_USAGE, format!("--charset: {error}")))?;
    let body = input(arguments.file.as_deref())?;
    let reply = runtime()?.block_on(post(&arguments.to, charset, body))?;
    for (name, value) in reply.iter() {
        print(&format!("{name}={value}\n"))?;
    }
    Ok(ExitCode::from(match reply.get("ics_rcode") {
        Some("1") => 0,
        Some("0") => 1,
        _ => NO_REPLY,
    }))
}

async fn post(to: &str, charset: Option<Charset>, body: Vec<u8>) -> Result<Reply, Failed> {
    let failed = |error: reqwest::Error| {
        Failed::new(
            NO_REPLY,
            format!("no reply from {to}: {}.", error.without_url()),
        )
    };
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(120))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .build()
        .map_err(failed)?;
    let mut request = client.post(to).body(body);
    if let Some(charset) = charset {
        request = request.header(
            "content-type",
            format!("text/plain; charset={}", charset.label()),
        );
    }
    let response = request.send().await.map_err(failed)?;
    let content_type = response
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok());
    let charset = Charset::from_content_type(content_type)
        .ok()
        .flatten()
        .unwrap_or_default();
    let bytes = response.bytes().await.map_err(failed)?;
    let text = charset
        .decode(&bytes)
        .map_err(|error| Failed::new(NO_REPLY, error.to_string()))?;
    Ok(Reply::parse(&text))
}
