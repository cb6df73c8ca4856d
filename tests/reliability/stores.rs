//! What every journal promises, whatever it is kept in.

use std::sync::Arc;

use scmp_gateway::config::JournalUrl;
use scmp_gateway::journal::{Due, Filter, Key, KeyOf, State, Store, Unit, migrate, open};
use scmp_gateway::plan::Made;
use scmp_gateway::rest::Secret;

use crate::process::PATIENCE;
use crate::server::Server;

fn unit(id: &str, key: Option<&str>, begun: i64) -> Unit {
    Unit {
        id: id.into(),
        merchant: "m".into(),
        services: "ics_auth".into(),
        key: key.map(|hash| Key {
            hash: hash.into(),
            of: KeyOf::Id,
        }),
        begun,
        owner: "a".into(),
        ..Unit::default()
    }
}

/// What each store must do.
async fn keeps_its_promises(store: Arc<dyn Store>) {
    let store = &*store;
    begins_once(store).await;
    is_written_by_who_saw_the_latest(store).await;
    finds_what_is_due(store).await;
    forgets_what_is_over(store).await;
}

async fn begins_once(store: &dyn Store) {
    let first = unit("1", Some("k"), 100);
    assert_eq!(store.begin(&first, 0).await.unwrap(), None);
    let found = store.begin(&unit("2", Some("k"), 200), 0).await.unwrap();
    assert_eq!(found.map(|unit| unit.id), Some("1".into()));
    assert_eq!(store.begin(&first, 0).await.unwrap(), Some(Box::new(first)));
    assert_eq!(store.unit("2").await.unwrap(), None);
    let mut other = unit("3", Some("k"), 300);
    other.merchant = "n".into();
    assert_eq!(store.begin(&other, 0).await.unwrap(), None);
    // One that began too long ago does not count.
    assert_eq!(
        store.begin(&unit("4", Some("k"), 400), 101).await.unwrap(),
        None
    );
    let mut old = unit("1", Some("k"), 100);
    old.version = 1;
    assert!(store.update(&old).await.unwrap(), "it may still be written");
    let found = store.begin(&unit("5", Some("k"), 500), 101).await.unwrap();
    assert_eq!(found.map(|unit| unit.id), Some("4".into()));
    for id in ["6", "7"] {
        assert_eq!(store.begin(&unit(id, None, 600), 0).await.unwrap(), None);
    }
    // A key that was let go of is free.
    let mut free = unit("4", None, 400);
    free.version = 1;
    assert!(store.update(&free).await.unwrap());
    assert_eq!(
        store.begin(&unit("8", Some("k"), 800), 0).await.unwrap(),
        None
    );
}

async fn is_written_by_who_saw_the_latest(store: &dyn Store) {
    let mut one = unit("6", None, 600);
    one.version = 2;
    assert!(!store.update(&one).await.unwrap());
    one.version = 1;
    one.made = [Made {
        id: "77".into(),
        kind: "sale".into(),
    }]
    .into();
    assert!(store.update(&one).await.unwrap());
    assert!(!store.update(&one).await.unwrap());
    assert_eq!(store.unit("6").await.unwrap(), Some(one));
    assert_eq!(
        store.kind("m", "77").await.unwrap().as_deref(),
        Some("sale")
    );
    assert_eq!(store.kind("n", "77").await.unwrap(), None);
    let maker = store.maker("m", "77").await.unwrap();
    assert_eq!(maker.map(|unit| unit.id), Some("6".into()));
    for (merchant, id) in [("n", "77"), ("m", "6"), ("m", "78")] {
        assert_eq!(store.maker(merchant, id).await.unwrap(), None);
    }
    let mut never = unit("99", None, 1);
    never.version = 1;
    assert!(!store.update(&never).await.unwrap());
}

async fn due(store: &dyn Store, owner: &str, now: i64, stale: i64) -> Vec<String> {
    let due = Due {
        owner,
        now,
        stale,
        limit: 100,
    };
    let units = store.due(&due).await.unwrap();
    let mut ids: Vec<String> = units.into_iter().map(|unit| unit.id.into()).collect();
    ids.sort();
    ids
}

async fn finds_what_is_due(store: &dyn Store) {
    store.alive("a", 10_000).await.unwrap();
    for (id, state, at) in [
        ("6", State::Unknown, Some(5000)),
        ("7", State::Finished, None),
    ] {
        let mut unit = store.unit(id).await.unwrap().unwrap();
        (unit.version, unit.state, unit.due) = (unit.version + 1, state, at);
        assert!(store.update(&unit).await.unwrap());
    }
    assert_eq!(due(store, "a", 4999, 0).await, Vec::<String>::new());
    assert_eq!(due(store, "a", 5000, 0).await, ["6"]);
    // What a dead gateway was about to settle is another's.
    let mut claimed = store.unit("6").await.unwrap().unwrap();
    (claimed.version, claimed.due) = (claimed.version + 1, None);
    assert!(store.update(&claimed).await.unwrap());
    assert_eq!(due(store, "a", 9000, 0).await, Vec::<String>::new());
    // What is open belongs to whoever lives.
    assert_eq!(due(store, "b", 10_001, 0).await, ["1", "3", "4", "6", "8"]);
    assert_eq!(due(store, "a", 0, 301).await, ["1", "3"]);
}

async fn forgets_what_is_over(store: &dyn Store) {
    let all = Filter {
        limit: 100,
        ..Filter::default()
    };
    assert_eq!(store.list(&all).await.unwrap().len(), 6);
    let finished = Filter {
        states: vec![State::Finished, State::Unknown],
        after: Some("6".into()),
        limit: 100,
    };
    assert_eq!(store.list(&finished).await.unwrap()[0].id, "7");
    assert_eq!(store.forget(10_000).await.unwrap(), 1);
    assert_eq!(store.unit("7").await.unwrap(), None);
    assert_eq!(store.list(&all).await.unwrap().len(), 5);
}

#[tokio::test]
async fn in_memory() {
    keeps_its_promises(open(&JournalUrl::Memory, PATIENCE).await.unwrap()).await;
}

#[tokio::test]
async fn in_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    let url = JournalUrl::File(folder.path().join("journal"));
    keeps_its_promises(open(&url, PATIENCE).await.unwrap()).await;
    // It is there when it is opened again.
    let again = open(&url, PATIENCE).await.unwrap();
    assert!(again.unit("1").await.unwrap().is_some());
}

#[tokio::test]
async fn in_postgresql() {
    let Some(server) = Server::start() else {
        return;
    };
    migrate(&server.url()).await.unwrap();
    let url = JournalUrl::Postgres(Secret::from_bytes(server.url().into_bytes()));
    keeps_its_promises(open(&url, PATIENCE).await.unwrap()).await;
}
