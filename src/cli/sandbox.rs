//! `sandbox`: the REST simulator alone.

use std::net::SocketAddr;
use std::process::ExitCode;

use crate::rest::Secret;
use crate::sandbox::{self, Merchant, Settings};

use super::{EX_UNAVAILABLE, EX_USAGE, Ended, Failed, runtime, serve};

/// Run the REST simulator alone, for any REST client. Without a merchant of your own: mid1234 and its public key.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where it listens.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    listen: SocketAddr,
    /// The merchant id.
    #[arg(long, value_name = "ID", requires_all = ["key_id", "secret"])]
    merchant: Option<String>,
    /// The id of the shared-secret key.
    #[arg(long, value_name = "ID", requires = "merchant")]
    key_id: Option<String>,
    /// The shared secret.
    #[arg(long, value_name = "BASE64", requires = "merchant")]
    secret: Option<String>,
}

pub fn run(arguments: Arguments) -> Ended {
    let mut settings = Settings::builtin();
    if let (Some(id), Some(key_id), Some(secret)) =
        (arguments.merchant, arguments.key_id, arguments.secret)
    {
        let secret = Secret::from_base64(&secret)
            .map_err(|error| Failed::new(EX_USAGE, format!("--secret: {error}")))?;
        settings.merchants = vec![Merchant {
            id,
            key_id,
            secret: secret.expose().to_vec(),
        }];
    }
    runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(arguments.listen).await;
        let listener = listener.map_err(|error| {
            let text = format!("cannot listen on {}: {error}.", arguments.listen);
            Failed::new(EX_UNAVAILABLE, text)
        })?;
        let address = listener.local_addr();
        let address = address.map_err(|error| Failed::new(EX_UNAVAILABLE, error.to_string()))?;
        let stop = serve::stop_signal();
        for merchant in &settings.merchants {
            eprintln!("merchant  {} (key id {})", merchant.id, merchant.key_id);
        }
        eprintln!("listening http://{address}");
        sandbox::run(listener, settings, stop)
            .await
            .map_err(|error| Failed::new(EX_UNAVAILABLE, format!("the sandbox ended: {error}.")))
    })?;
    Ok(ExitCode::SUCCESS)
}
