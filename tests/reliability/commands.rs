//! What operators see and do.

use crate::process::Start;
use crate::requests::{assert_flag, create, delete, update};
use crate::scene::{PAYER, Scene, request, sale};
use crate::upstream::{Act, Upstream, tms};

#[test]
fn an_operator_lists_shows_and_resolves() {
    let host = Upstream::start(|seen| match seen.is("POST", "/customers") {
        true => Act::Cut(Vec::new()),
        false => tms(seen),
    });
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    assert_flag(&gateway.send(&create(&[])), "-1", "ETIMEOUT");
    let listed = scene.journal(&["list", "--state", "stuck"]);
    let id = listed.split(' ').next().unwrap();
    assert_eq!(scene.journal(&["list", "--state", "unknown"]), "");
    let shown = scene.journal(&["show", id]);
    assert!(shown.contains("POST /tms/v2/customers"), "{shown}");
    scene.journal(&[
        "resolve",
        id,
        "--note",
        "looked, none there; not 4111111111111111",
    ]);
    assert_eq!(scene.journal(&["list"]), "");
    let shown = scene.journal(&["show", id, "--format", "json"]);
    assert!(
        shown.contains("\"resolved\"") && shown.contains("none there"),
        "{shown}"
    );
    assert!(!shown.contains("4111111111111111"), "{shown}");
    gateway.end();
}

#[test]
fn an_export_holds_neither_replies_nor_cards() {
    let host = Upstream::start(tms);
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    gateway.send(&create(&[("request_id", "5")]));
    gateway.send(&sale("request_id=6\n"));
    gateway.end();
    let text = scene.journal(&["export"]);
    assert_eq!(text.lines().count(), 2);
    for never in ["4111", "ics_rcode", "\"key\"", "Main"] {
        assert!(!text.contains(never), "{never}: {text}");
    }
}

/// Whatever id a caller was told, its request is found by it.
#[test]
fn a_request_is_shown_by_the_id_that_its_caller_was_told() {
    let host = Start::new(&["sandbox", "--listen", "127.0.0.1:0"]).run();
    let scene = Scene::new(&host.address, "");
    let gateway = scene.gateway();
    let mut shown = 0;
    let mut told = |body: &str| {
        let reply = gateway.send(body);
        assert_flag(&reply, "1", "SOK");
        let services = body.split("ics_applications=").nth(1).unwrap();
        let services = services.lines().next().unwrap().to_owned();
        let record = scene.journal(&["show", &reply["request_id"]]);
        assert!(record.contains(&services), "{services}: {record}");
        shown += 1;
        reply
    };
    let ten = "grand_total_amount=10.00\n";
    let by_card = format!("{PAYER}{ten}");
    let check = "ecp_account_no=4100\necp_account_type=C\necp_rdfi=071923284\necp_sec_code=WEB\n";
    let by_check: String = by_card
        .lines()
        .filter(|line| !line.starts_with("customer_cc_") && !line.starts_with("card_type"))
        .map(|line| format!("{line}\n"))
        .chain([check.to_owned()])
        .collect();
    let following = |service: &str, field: &str, id: &str| {
        request(service, &format!("{field}_request_id={id}\n{ten}"))
    };
    let auth = || request("ics_auth", &by_card);
    let authorized = told(&auth())["request_id"].clone();
    told(&following("ics_incremental_auth", "auth", &authorized));
    let captured = told(&following("ics_bill", "auth", &authorized))["request_id"].clone();
    let refunded = told(&following("ics_credit", "bill", &captured))["request_id"].clone();
    told(&following("ics_void", "void", &refunded));
    told(&following("ics_void", "void", &captured));
    let sold = told(&sale(""))["request_id"].clone();
    told(&following("ics_void", "void", &sold));
    let credited = told(&request("ics_credit", &by_card))["request_id"].clone();
    told(&following("ics_void", "void", &credited));
    let authorized = gateway.send(&auth())["request_id"].clone();
    told(&following("ics_auth_reversal", "auth", &authorized));
    let debited = told(&request("ics_ecp_debit", &by_check))["request_id"].clone();
    told(&following("ics_ecp_credit", "ecp_debit", &debited));
    let profile = format!("{by_card}recurring_frequency=on-demand\n");
    told(&request("ics_auth,ics_pay_subscription_create", &profile));
    let token = told(&create(&[]))["pay_subscription_create_subscription_id"].clone();
    told(&update(&token, &[("customer_firstname", "Ann")]));
    told(&delete(&token));
    assert_eq!(shown, 17);
    // And a decline; a request of which nothing is on record is none.
    let declined = gateway.send(&auth().replace("10.00", "2501.00"));
    assert_flag(&declined, "0", "DCARDREFUSED");
    let record = scene.journal(&["show", &declined["request_id"]]);
    assert!(record.contains("DCARDREFUSED"), "{record}");
    scene.journal(&["resolve", &sold, "--note", "seen"]);
    assert!(scene.journal(&["show", &sold]).contains("\"seen\""));
}
