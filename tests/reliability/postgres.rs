//! Several gateways with one journal.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::http::Connection;
use crate::process::{PATIENCE, Running};
use crate::requests::{assert_flag, post};
use crate::scene::{Scene, request, sale};
use crate::server::Server;
use crate::upstream::{Act, Upstream, reply};

fn scene(server: &Server, host: &Upstream, more: &str) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::with_journal(folder, &host.address, &server.url(), more);
    scene.journal(&["migrate"]);
    scene
}

fn host() -> Upstream {
    let next = AtomicUsize::new(7000);
    Upstream::start(move |seen| {
        let id = next.fetch_add(1, Ordering::SeqCst).to_string();
        let status = if seen.path.ends_with("voids") {
            "VOIDED"
        } else {
            "AUTHORIZED"
        };
        reply(201, &json!({"id": id, "status": status}))
    })
}

fn payments(host: &Upstream) -> usize {
    let calls = host.calls();
    calls
        .iter()
        .filter(|call| *call == "POST /pts/v2/payments")
        .count()
}

#[test]
fn the_same_request_ten_times_at_once_to_two_gateways_is_one_payment() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host();
    let scene = scene(&server, &host, "");
    let gateways = [scene.gateway(), scene.gateway()];
    for round in 0..10 {
        let body = sale(&format!("request_id={round}\n"));
        let replies: Vec<_> = thread::scope(|scope| {
            let send = |at: usize| {
                let (gateway, body): (&Running, &str) = (&gateways[at % 2], &body);
                scope.spawn(move || gateway.send(body))
            };
            let sent: Vec<_> = (0..10).map(send).collect();
            sent.into_iter().map(|sent| sent.join().unwrap()).collect()
        });
        assert_flag(&replies[0], "1", "SOK");
        assert!(
            replies.iter().all(|reply| *reply == replies[0]),
            "{replies:#?}"
        );
        assert_eq!(payments(&host), round + 1);
    }
    // What one made is known to the other: its kind is not guessed.
    let made = gateways[0].send(&sale(""));
    let void = format!("void_request_id={}\n", made["request_id"]);
    assert_flag(&gateways[1].send(&request("ics_void", &void)), "1", "SOK");
    let path = format!("POST /pts/v2/payments/{}/voids", made["request_id"]);
    assert_eq!(host.calls().last(), Some(&path));
}

#[test]
fn a_gateway_that_died_is_cleared_up_after_by_another() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = Upstream::start(|seen| match seen.path.as_str() {
        "/pts/v2/payments" => Act::Silence,
        _ => reply(201, &json!({"id": "9", "status": "VOIDED"})),
    });
    let scene = scene(&server, &host, "");
    let (first, second) = (scene.gateway(), scene.gateway());
    let body = sale("request_id=1\n");
    Connection::open(&first.address).send(&post(body.as_bytes()));
    host.wait_for(1);
    drop(first);
    scene.settled(&["settled"]);
    assert_eq!(
        host.calls(),
        ["POST /pts/v2/payments", "POST /pts/v2/voids"]
    );
    assert_flag(&second.send(&body), "-1", "ETIMEOUT");
}

#[test]
fn nothing_is_done_while_the_journal_is_away() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let host = host();
    let scene = scene(&server, &host, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&sale("")), "1", "SOK");
    let stop = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        let load = || {
            let mut good = 0;
            while !stop.load(Ordering::SeqCst) {
                let reply = gateway.send(&sale(""));
                match reply["ics_rflag"].as_str() {
                    "SOK" => good += 1,
                    "ESYSTEM" | "ETIMEOUT" => {}
                    other => panic!("{other}"),
                }
            }
            good
        };
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(load)).collect();
        host.wait_for(20);
        server.stop();
        let sent = gateway.send(&sale(""));
        let before = payments(&host);
        assert_flag(&sent, "-1", "ESYSTEM");
        assert!(
            sent["ics_rmsg"].contains("could not be recorded"),
            "{sent:?}"
        );
        // What was under way has ended by now, and nothing new is sent.
        assert_flag(&gateway.send(&sale("")), "-1", "ESYSTEM");
        assert_eq!(payments(&host), before);
        server.resume();
        host.wait_for(before + 20);
        stop.store(true, Ordering::SeqCst);
        let good: usize = clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum();
        assert!(good > 0);
    });
    assert_flag(&gateway.send(&sale("")), "1", "SOK");
    // Each payment that the host made is on record, as done or as taken back.
    let records = scene.settled(&["finished", "settled"]);
    let voids = host
        .calls()
        .iter()
        .filter(|call| call.ends_with("/voids"))
        .count();
    let done = |record: &&serde_json::Value| record["flag"] == "SOK";
    let done = records.iter().filter(done).count();
    assert!(
        payments(&host) <= done + voids,
        "{} payments, {done} done, {voids} voided",
        payments(&host)
    );
}

fn patient(scene: Scene, patience: &str) -> Scene {
    let lease = "lease = \"1s\"";
    scene.with(lease, &format!("{lease}\npatience = \"{patience}\""))
}

/// Somebody else holds the table, for a change of its form say.
#[test]
fn a_locked_table_is_not_waited_for_beyond_the_patience() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host();
    let scene = patient(scene(&server, &host, ""), "500ms");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&sale("")), "1", "SOK");
    let lock = "begin; lock table units in access exclusive mode; select pg_sleep(3); commit";
    let mut held = server.session(lock).spawn().unwrap();
    let locks = "select count(*) from pg_locks where relation = 'units'::regclass and granted
        and mode = 'AccessExclusiveLock'";
    let begun = Instant::now();
    while server.session(locks).output().unwrap().stdout != b"1\n" {
        assert!(begun.elapsed() < PATIENCE, "the table is not locked");
    }
    let begun = Instant::now();
    let refused = gateway.send(&sale(""));
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert_flag(&refused, "-1", "ESYSTEM");
    assert!(
        refused["ics_rmsg"].contains("could not be recorded"),
        "{refused:?}"
    );
    assert_eq!(held.try_wait().unwrap(), None, "the lock is gone too soon");
    assert_eq!(payments(&host), 1);
    assert!(held.wait().unwrap().success());
    // What was refused is on record as such, if at all.
    let begun = Instant::now();
    while gateway.send(&sale(""))["ics_rflag"] != "SOK" {
        assert!(begun.elapsed() < PATIENCE, "service does not resume");
    }
    let records = scene.settled(&["finished", "settled"]);
    let done = records.iter().filter(|record| record["flag"] == "SOK");
    assert_eq!((done.count(), payments(&host)), (2, 2));
}

/// A server that is slow, but not too slow for this merchant's patience.
#[test]
fn a_slow_server_is_waited_for_as_long_as_the_patience() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host();
    let scene = patient(scene(&server, &host, ""), "20s");
    let slow = "create function slow() returns trigger language plpgsql as
        $$ begin perform pg_sleep(2.5); return new; end $$;
        create trigger slow before insert on units for each row execute function slow()";
    assert!(server.session(slow).status().unwrap().success());
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&sale("")), "1", "SOK");
    assert_eq!(payments(&host), 1);
}

#[test]
fn tables_of_another_form_are_refused_with_the_remedy() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host();
    let folder = tempfile::tempdir().unwrap();
    let config = host.config(&format!("[journal]\nurl = \"{}\"\n", server.url()));
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, config).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_scmp-gateway"));
        command.args(arguments).arg("--config").arg(&file);
        let run = command.output().unwrap();
        (
            run.status.code(),
            String::from_utf8_lossy(&run.stderr).into_owned(),
        )
    };
    let serve = ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let (code, said) = run(&serve);
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("journal migrate"), "{said}");
    assert_eq!(run(&["journal", "migrate"]).0, Some(0));
    assert_eq!(run(&["journal", "migrate"]).0, Some(0));
    assert_eq!(run(&["journal", "list"]).0, Some(0));
}
