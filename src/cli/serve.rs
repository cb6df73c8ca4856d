//! `serve`: the gateway.

mod embedded;

use std::future::Future;
use std::hint::black_box;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::config::{self, Config};
use crate::gateway::admin::{self, Readiness};
use crate::gateway::{Gateway, Merchants, identity, listener, resolver, side};
use crate::journal::{self, Journal};
use crate::mapping::Tables;
use crate::sandbox;
use crate::workers::{self, Workers};

use super::{
    EX_CONFIG, EX_UNAVAILABLE, EX_USAGE, Ended, Failed, environment, expiry, not_started, runtime,
    tables,
};

/// Where the embedded sandbox listens when nothing is said.
const SANDBOX_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9090);

/// When the start is over, and what it needed is free for long enough.
const SETTLED: Duration = Duration::from_secs(2);

/// Take SCMP requests and answer them through the REST API.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The configuration (TOML); variables SCMP_GATEWAY__SECTION__KEY override it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where SCMP requests are taken [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where operators ask /healthz, /readyz and /metrics [default: 127.0.0.1:8081].
    #[arg(long, value_name = "ADDR")]
    admin: Option<SocketAddr>,
    /// Run a REST simulator in this process and send everything there; needs no configuration.
    #[arg(long)]
    sandbox: bool,
    /// Where the simulator listens [default: 127.0.0.1:9090].
    #[arg(long, value_name = "ADDR", requires = "sandbox")]
    sandbox_listen: Option<SocketAddr>,
    /// Seal all messages to the simulator and back (message-level encryption), under keys made for this run.
    #[arg(long, requires = "sandbox")]
    mle: bool,
}

pub fn run(arguments: Arguments, mappings: Option<&Path>) -> Ended {
    let tables = tables(mappings)?;
    let mut config = config::load(arguments.config.as_deref(), environment(), &tables)?;
    config.server.listen = arguments.listen.unwrap_or(config.server.listen);
    config.server.admin = arguments.admin.unwrap_or(config.server.admin);
    config
        .server
        .check_exposure()
        .map_err(|message| Failed::new(EX_CONFIG, message))?;
    if !arguments.sandbox {
        check_live(&config)?;
    }
    let sandbox = arguments
        .sandbox
        .then(|| arguments.sandbox_listen.unwrap_or(SANDBOX_LISTEN));
    runtime()?.block_on(serve(config, tables, sandbox, arguments.mle))
}

/// What would only fail later, or dangerously, is refused at start.
pub fn check_live(config: &Config) -> Result<(), Failed> {
    if config.merchants.is_empty() {
        let text = "no merchant is configured: write [merchants.YOUR_ID] in a file and name it with --config, or try \
                    --sandbox, which needs none.";
        return Err(Failed::new(EX_USAGE, text));
    }
    let public = sandbox::Settings::builtin().merchants;
    for (id, merchant) in &config.merchants {
        let base = merchant
            .base_url
            .as_deref()
            .unwrap_or(&config.rest.base_url);
        let secret = merchant.credentials.shared_secret();
        let is_public = secret.is_some_and(|own| {
            let is_it = |known| embedded::has_secret(known, own.secret.expose());
            public.iter().any(is_it)
        });
        if base.starts_with("https://") && is_public {
            let text = format!(
                "[merchants.{id}] has the sandbox's public secret, but calls {base}; give it its own."
            );
            return Err(Failed::new(EX_CONFIG, text));
        }
    }
    Ok(())
}

async fn serve(
    mut config: Config,
    tables: Tables,
    sandbox: Option<SocketAddr>,
    mle: bool,
) -> Ended {
    let admin = bind("server.admin", config.server.admin).await?;
    let server = bind("server.listen", config.server.listen).await?;
    let (stop_sandbox, sandbox_stopped) = oneshot::channel::<()>();
    if let Some(address) = sandbox {
        let listener = bind("--sandbox-listen", address).await?;
        let address = local(&listener)?;
        let settings = embedded::attach(&mut config, address, mle)?;
        tokio::spawn(sandbox::run(listener, settings, async {
            // Also ends when the sender is dropped.
            let _stopped = sandbox_stopped.await;
        }));
        eprintln!("sandbox   http://{address}");
        if mle {
            eprintln!("mle       every message to the sandbox is sealed, and every reply");
        }
    }
    for warning in &config.warnings {
        eprintln!("warning: {warning}");
    }
    let merchants =
        Merchants::new(&config).map_err(|error| Failed::new(EX_CONFIG, error.to_string()))?;
    let address = local(&server)?;
    // Before anyone is told that it listens: from then on a signal must not cut anything off.
    let stop = stop_signal();
    expiry::list(&config.expiries);
    tokio::spawn(expiry::watch(config.expiries.clone()));
    let workers = Workers::start(workers::count()).map_err(not_started)?;
    let store = journal::open(&config.journal.url, config.journal.patience).await;
    let store = store.map_err(|error| Failed::new(EX_UNAVAILABLE, error.to_string()))?;
    let journal = Journal::new(store, &identity::owner(), config.journal.patience);
    let gateway = Arc::new(Gateway::new(
        tables,
        merchants,
        config.server.request_timeout,
        journal,
        config.resolve,
        &config.limits,
        config.side_store.clone(),
    ));
    resolver::say_alive(&gateway, config.journal.lease).await;
    announce(&config, address, local(&admin)?, sandbox.is_some());
    let readiness = Readiness::default();
    readiness.set(true);
    tokio::spawn(give_back());
    let operators = admin::run(admin, readiness.clone(), Arc::clone(&gateway));
    let operators = tokio::spawn(operators);
    let shutdown = async move {
        stop.await;
        readiness.set(false);
    };
    let resolving = resolver::run(Arc::clone(&gateway), config.journal.clone());
    let resolving = tokio::spawn(resolving);
    let settling = tokio::spawn(side::run(Arc::clone(&gateway)));
    let serving = Arc::clone(&gateway);
    listener::run(server, serving, &config.server, &workers, shutdown).await;
    // What is still under way is cut off first, so that nothing goes on beside what follows.
    workers.stop();
    gateway.abandon_open().await;
    resolving.abort();
    settling.abort();
    operators.abort();
    drop(stop_sandbox);
    Ok(ExitCode::SUCCESS)
}

/// Lets go of the memory that starting needed for a moment.
///
/// The allocator gives back what has been free for a second, but only when more becomes free, and an idle gateway frees
/// nothing. The block for it is never touched, so it takes no memory itself, and is too large to be kept.
async fn give_back() {
    tokio::time::sleep(SETTLED).await;
    drop(black_box(Vec::<u8>::with_capacity(4 << 20)));
}

fn announce(config: &Config, address: SocketAddr, admin: SocketAddr, sandbox: bool) {
    let names: Vec<&str> = config.merchants.keys().map(String::as_str).collect();
    eprintln!("admin     http://{admin}/healthz, /readyz and /metrics");
    let hosts: Vec<&str> = config
        .merchants
        .values()
        .map(|merchant| {
            merchant
                .base_url
                .as_deref()
                .unwrap_or(&config.rest.base_url)
        })
        .collect();
    let mut said = Vec::new();
    for host in hosts.into_iter().filter(|_| !sandbox) {
        if !said.contains(&host) {
            eprintln!("REST host {host}");
            said.push(host);
        }
    }
    eprintln!("merchants {}", names.join(", "));
    eprintln!("listening http://{address}");
    if sandbox && let Some(merchant) = names.first() {
        eprintln!("\nTry it:\n{}", example(merchant, address));
    }
}

/// One line that creates a customer token.
fn example(merchant: &str, address: SocketAddr) -> String {
    let fields = [
        "ics_applications=ics_pay_subscription_create",
        &format!("merchant_id={merchant}"),
        "merchant_ref_number=ref9876",
        "recurring_frequency=on-demand",
        "customer_firstname=Jane",
        "customer_lastname=Smith",
        "customer_email=jsmith@example.com",
        "bill_address1=123 Main Street",
        "bill_city=Small Town",
        "bill_state=CA",
        "bill_zip=98765",
        "bill_country=US",
        "currency=USD",
        "card_type=001",
        "customer_cc_number=4111111111111111",
        "customer_cc_expmo=01",
        "customer_cc_expyr=2030",
    ];
    format!(
        r#"curl -s http://{address}/ --data-binary "$(printf '{}\n')""#,
        fields.join(r"\n")
    )
}

async fn bind(what: &str, address: SocketAddr) -> Result<TcpListener, Failed> {
    TcpListener::bind(address).await.map_err(|error| {
        let text = format!("cannot listen on {address} ({what}): {error}. Stop what listens there, or choose another.");
        Failed::new(EX_UNAVAILABLE, text)
    })
}

pub fn local(listener: &TcpListener) -> Result<SocketAddr, Failed> {
    listener
        .local_addr()
        .map_err(|error| Failed::new(EX_UNAVAILABLE, error.to_string()))
}

/// Ends at SIGTERM or SIGINT.
pub fn stop_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = signal(SignalKind::terminate());
    let interrupt = signal(SignalKind::interrupt());
    async move {
        match (terminate, interrupt) {
            (Ok(mut terminate), Ok(mut interrupt)) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            // Without handlers the system's own way of ending stays: this never ends by itself.
            _ => std::future::pending().await,
        }
    }
}
