//! `sandbox`: the REST simulator alone.

mod merchants;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;

use crate::sandbox::{
    Balances, Key, KeyError, Keys, Listeners, PlannedFault, Processor, Sandbox, Settings, Tls,
};

use super::{EX_CONFIG, EX_UNAVAILABLE, EX_USAGE, Ended, Failed, runtime, serve};

/// Run the REST simulator alone, for any REST client.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without merchants of your own: mid1234, key id 08c94330-f618-42a3-b09d-e1e43be5efda,
secret AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=

Point an SDK at it: host 127.0.0.1:9090 (Python: IntermediateHost; Node: intermediateHost),
authentication http_signature, or jwt with the shared secret or with a P12 file (--mle).
10.00 is approved, 2501 declined: docs/sandbox.md has all amounts, the calls of an
operator under /sandbox (faults, clock, reset, settlement) and set-ups of both SDKs.")]
pub struct Arguments {
    /// Where it listens.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    listen: SocketAddr,
    #[command(flatten)]
    merchants: merchants::MerchantArguments,
    #[command(flatten)]
    keys: KeyArguments,
    #[command(flatten)]
    behaviour: Behaviour,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Keys")]
struct KeyArguments {
    /// Take and give sealed messages (message-level encryption) and JWTs signed with certificates: makes the keys that
    /// the provider's portal would give out, to be fetched from /sandbox/keys.
    #[arg(long)]
    mle: bool,
    /// Keep the keys in this folder, and take those that are there.
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// Serve https too, HTTP/2 included, with a private authority whose certificate is /sandbox/keys/ca.pem.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:9443")]
    tls: Option<SocketAddr>,
    /// The certificate chain for https (PEM), instead of a private authority.
    #[arg(long, value_name = "FILE", requires_all = ["tls", "tls_key"])]
    tls_certificate: Option<PathBuf>,
    /// The key of that certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Behaviour")]
struct Behaviour {
    /// Hold captures, refunds and reversals against what was paid, as in live operation; the real test host does not.
    #[arg(long)]
    strict: bool,
    /// Whose simulator decides on amounts.
    #[arg(long, value_name = "NAME", value_enum, default_value_t)]
    processor: Processor,
    /// Refuse a payment with the reference code of another within 15 minutes, as accounts with this check do.
    #[arg(long)]
    refuse_duplicates: bool,
    /// Have the next requests fail: what happens, then how often, for which verb, for which paths, such as "status=503,30
    /// 2 POST /pts/v2/**"; also several times.
    #[arg(long, value_name = "FAULT")]
    fault: Vec<PlannedFault>,
    /// Give out the same ids for the same requests in every run.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// What the clock shows at the start, such as 2026-12-24T00:00:00Z; it runs on from there.
    #[arg(long, value_name = "TIME")]
    clock: Option<String>,
    /// How far a signed date may be off.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    date_limit: Duration,
    /// How long captures, refunds and credits can be voided.
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = humantime::parse_duration)]
    settlement: Duration,
    /// How long a transaction is not found by a search, as the real search lags behind.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    search_lag: Duration,
    /// Refuse signatures over (request-target) with parentheses, as SDKs before October 2023 made them.
    #[arg(long)]
    no_parentheses: bool,
    /// Keep tokens, transactions and what operators set in this file (sealed with FILE.key), written before each reply;
    /// without it they end with the process.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

pub fn run(arguments: Arguments) -> Ended {
    let mut settings = settings(arguments.merchants, arguments.behaviour)?;
    let keys = arguments.keys;
    if keys.mle || keys.keys.is_some() {
        settings.use_keys(make_keys(&settings, keys.keys.as_deref())?);
    }
    if keys.tls.is_some() {
        settings.tls = Some(tls(&keys).map_err(key_failed)?);
    }
    runtime()?.block_on(serve(arguments.listen, keys.tls, settings))?;
    Ok(ExitCode::SUCCESS)
}

fn settings(
    merchants: merchants::MerchantArguments,
    behaviour: Behaviour,
) -> Result<Settings, Failed> {
    let mut settings = match merchants.read()? {
        merchants if merchants.is_empty() => Settings::builtin(),
        merchants => Settings::with_merchants(merchants),
    };
    if behaviour.strict {
        settings.balances = Balances::Strict;
    }
    settings.processor = behaviour.processor;
    settings.duplicates_refused = behaviour.refuse_duplicates;
    settings.faults = behaviour.fault;
    settings.seed = behaviour.seed;
    settings.clock = behaviour.clock.as_deref().map(read_time).transpose()?;
    settings.date_away_max = behaviour.date_limit;
    settings.settlement = behaviour.settlement;
    settings.search_lag = behaviour.search_lag;
    settings.parentheses = !behaviour.no_parentheses;
    settings.state = behaviour.state;
    Ok(settings)
}

fn read_time(text: &str) -> Result<SystemTime, Failed> {
    let time = text.parse::<jiff::Timestamp>();
    time.map(SystemTime::from).map_err(|_| {
        let text = format!("--clock: {text:?} is no time like 2026-12-24T00:00:00Z.");
        Failed::new(EX_USAGE, text)
    })
}

fn make_keys(settings: &Settings, folder: Option<&Path>) -> Result<Keys, Failed> {
    let mut ids: Vec<String> = Vec::new();
    for merchant in &settings.merchants {
        if !ids.contains(&merchant.id) {
            ids.push(merchant.id.clone());
        }
    }
    let keys = match folder {
        Some(folder) => Keys::in_folder(folder, &ids),
        None => Keys::make(&ids),
    };
    keys.map_err(key_failed)
}

fn tls(keys: &KeyArguments) -> Result<Tls, KeyError> {
    match (&keys.tls_certificate, &keys.tls_key) {
        (Some(chain), Some(key)) => Tls::from_files(chain, key),
        _ => Tls::private(keys.keys.as_deref()),
    }
}

fn key_failed(error: KeyError) -> Failed {
    Failed::new(EX_CONFIG, error.to_string())
}

async fn serve(
    address: SocketAddr,
    tls: Option<SocketAddr>,
    settings: Settings,
) -> Result<(), Failed> {
    let sandbox = Sandbox::new(settings.clone());
    let sandbox = sandbox.map_err(|error| Failed::new(EX_CONFIG, error.to_string()))?;
    let plain = bind(address).await?;
    let address = serve::local(&plain)?;
    let stop = serve::stop_signal();
    announce_keys(&settings);
    let tls = match tls {
        Some(address) => {
            let listener = bind(address).await?;
            eprintln!("https     https://{}", serve::local(&listener)?);
            Some(listener)
        }
        None => None,
    };
    eprintln!("operator  http://{address}/sandbox");
    eprintln!("listening http://{address}");
    let ended = sandbox.run(Listeners { plain, tls }, stop).await;
    ended.map_err(|error| Failed::new(EX_UNAVAILABLE, format!("the sandbox ended: {error}.")))
}

fn announce_keys(settings: &Settings) {
    for merchant in &settings.merchants {
        let keys: Vec<&str> = merchant.keys.iter().map(Key::id).collect();
        eprintln!("merchant  {} (key id {})", merchant.id, keys.join(", "));
    }
    let Some(keys) = &settings.keys else {
        return;
    };
    let kid = keys.host().certificate().kid();
    eprintln!("mle       requests sealed for {kid}: /sandbox/keys/mle.pem");
    for made in keys.merchants() {
        let (id, reply) = (&made.merchant, made.reply.certificate().kid());
        eprintln!("          {id}: /sandbox/keys/{id}.p12 (password {id})");
        eprintln!("          {id}: replies under {reply}: /sandbox/keys/{id}-reply-key.pem");
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failed> {
    TcpListener::bind(address).await.map_err(|error| {
        let text = format!("cannot listen on {address}: {error}.");
        Failed::new(EX_UNAVAILABLE, text)
    })
}
