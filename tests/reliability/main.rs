//! No payment is lost and none is made twice: the built gateway against hosts that fail, and after its own death.

#[path = "../gateway/http.rs"]
#[allow(dead_code)]
mod http;
#[path = "../gateway/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "../gateway/requests.rs"]
#[allow(dead_code)]
mod requests;
#[path = "../gateway/upstream.rs"]
#[allow(dead_code)]
mod upstream;

mod again;
mod chance;
mod changes;
mod client;
mod commands;
mod flows;
mod keep;
mod kill;
mod ledger;
mod limits;
mod postgres;
mod recovery;
mod relay;
mod repeats;
mod scene;
mod server;
mod shop;
mod side;
mod soak;
mod steps;
mod stores;
mod table;
mod trial;
mod unknown;
mod vault;
mod verdict;
