//! Every flow of requests that a gateway can die in: what is there before, what is asked, and what is there afterwards.

use crate::process::Running;
use crate::requests::Fields;
use crate::scene::PAYER;

/// One kind of request.
pub struct Flow {
    pub name: &'static str,
    /// Of its merchant, beside the usual ones.
    pub settings: &'static str,
    /// `{sale}` stands for the id of a sale that was made before, `{sale:token}` for its token; see [`Before`].
    request: String,
    /// How many movements of money a success leaves standing.
    pub standing: usize,
    /// Whether a success takes back what it follows.
    pub takes_back: bool,
}

/// What a flow needs: made by a gateway that nobody kills, and that the tested one knows nothing of.
pub struct Before {
    pub kind: &'static str,
    pub id: String,
    token: String,
}

/// Who makes it.
pub struct By<'b> {
    /// Nobody kills it.
    pub gateway: &'b Running,
    pub merchant: &'b str,
}

const CARD: &str = "card_type=001\ncustomer_cc_number=4111111111111111\ncustomer_cc_expmo=12\ncustomer_cc_expyr=2031\n";
/// Another card's number.
const OTHER: &str = "4012888888881881";
const CHECK: &str =
    "ecp_account_no=4100\necp_account_type=C\necp_rdfi=071923284\necp_sec_code=WEB\n";
const TEN: &str = "grand_total_amount=10.00\n";
const PROFILE: &str = "recurring_frequency=on-demand\n";
const SHIPPING: &str =
    "ship_to_firstname=Jane\nship_to_city=Small Town\nmerchant_defined_data1=one\n";

fn by_card(more: &str) -> String {
    format!("{PAYER}{more}")
}

fn by_check(more: &str) -> String {
    format!("{}{CHECK}{more}", PAYER.replace(CARD, ""))
}

/// What can stand before a flow, and how it is made.
fn preparation(kind: &str) -> (&'static str, String) {
    match kind {
        "auth" => ("ics_auth", by_card(TEN)),
        "sale" => ("ics_auth,ics_bill", by_card(TEN)),
        "capture" => (
            "ics_bill",
            format!("auth_request_id={{auth}}\nauth_request_token={{auth:token}}\n{TEN}"),
        ),
        "credit" => ("ics_credit", by_card(TEN)),
        "debit" => ("ics_ecp_debit", by_check(TEN)),
        "token" => (
            "ics_pay_subscription_create",
            by_card(&format!("{PROFILE}{SHIPPING}")),
        ),
        "bare_token" => ("ics_pay_subscription_create", by_card(PROFILE)),
        "check_token" => {
            let check = format!("{PROFILE}subscription_payment_method=check\n");
            ("ics_pay_subscription_create", by_check(&check))
        }
        other => panic!("{other}"),
    }
}

const TOKENS: [&str; 3] = ["token", "bare_token", "check_token"];

impl Flow {
    fn new(name: &'static str, services: &str, fields: &str) -> Flow {
        Flow {
            name,
            settings: "",
            request: format!("ics_applications={services}\n{fields}"),
            standing: 0,
            takes_back: false,
        }
    }

    /// A success moves money once.
    fn moving(self) -> Flow {
        Flow {
            standing: 1,
            ..self
        }
    }

    fn taking_back(self) -> Flow {
        Flow {
            takes_back: true,
            ..self
        }
    }

    fn has(&self, service: &str) -> bool {
        self.request.lines().next().unwrap().contains(service)
    }

    /// Whether its repetition gets the first one's reply. What a deletion deleted is gone, and a read is made again.
    pub fn is_replayed(&self) -> bool {
        !self.deletes() && self.is_recorded()
    }

    pub fn deletes(&self) -> bool {
        self.has("ics_pay_subscription_delete")
    }

    pub fn is_recorded(&self) -> bool {
        !self.has("ics_pay_subscription_retrieve")
    }

    /// Whether a token can be left over whose id nobody knows: that of a payment whose answer was lost.
    pub fn leaves_tokens(&self) -> bool {
        self.has("ics_pay_subscription_create") && (self.standing > 0 || !self.settings.is_empty())
    }

    /// Its merchant.
    pub fn merchant(&self) -> String {
        self.name.replace(' ', "_")
    }

    /// The services that it asks for, joined by commas.
    pub fn services(&self) -> &str {
        let line = self.request.lines().next().unwrap();
        line.split_once('=').unwrap().1
    }

    /// Makes what has to be there; the request under this reference.
    pub fn prepare(&self, by: &By<'_>, reference: &str) -> (Vec<Before>, String) {
        let mut before = Vec::new();
        let request = self.fill(&self.request, by, &mut before);
        let body = by.body(reference, &request);
        (before, format!("{body}request_id={reference}\n"))
    }

    fn fill(&self, text: &str, by: &By<'_>, before: &mut Vec<Before>) -> String {
        let Some((start, rest)) = text.split_once('{') else {
            return text.to_owned();
        };
        let (name, rest) = rest.split_once('}').unwrap();
        let (kind, is_token) = match name.split_once(':') {
            Some((kind, _)) => (kind, true),
            None => (name, false),
        };
        let made = match before.iter().position(|made| made.kind == kind) {
            Some(at) => at,
            None => {
                self.make(kind, by, before);
                before.len() - 1
            }
        };
        let value = match is_token {
            true => before[made].token.clone(),
            false => before[made].id.clone(),
        };
        format!("{start}{value}{}", self.fill(rest, by, before))
    }

    fn make(&self, kind: &str, by: &By<'_>, before: &mut Vec<Before>) {
        let (services, fields) = preparation(kind);
        let fields = self.fill(&fields, by, before);
        let request = format!("ics_applications={services}\n{fields}");
        let reply = by.gateway.send(&by.body("before", &request));
        assert_eq!(
            reply["ics_rcode"], "1",
            "{kind} before {}: {reply:#?}",
            self.name
        );
        let id = match TOKENS.contains(&kind) {
            true => "pay_subscription_create_subscription_id",
            false => "request_id",
        };
        let kinds = [
            "auth",
            "sale",
            "capture",
            "credit",
            "debit",
            "token",
            "bare_token",
            "check_token",
        ];
        before.push(Before {
            kind: kinds.into_iter().find(|known| *known == kind).unwrap(),
            id: reply[id].clone(),
            token: reply["request_token"].clone(),
        });
    }
}

impl By<'_> {
    fn body(&self, reference: &str, request: &str) -> String {
        format!(
            "merchant_id={}\nmerchant_ref_number={reference}\ncurrency=usd\n{request}",
            self.merchant
        )
    }

    /// What a flow's token holds: all that a retrieve shows but what differs each time.
    pub fn token_data(&self, before: &[Before]) -> Option<Fields> {
        let token = before.iter().find(|before| TOKENS.contains(&before.kind))?;
        let request = format!(
            "ics_applications=ics_pay_subscription_retrieve\nsubscription_id={}\n",
            token.id
        );
        let mut reply = self.gateway.send(&self.body("look", &request));
        let differs = [
            "request_id",
            "request_token",
            "subscription_id",
            "merchant_ref_number",
            // Each merchant has one of its own for a number.
            "instrument_identifier_id",
        ];
        reply.retain(|name, _| !differs.iter().any(|differs| name.ends_with(differs)));
        Some(reply)
    }
}

/// All of them.
pub fn flows() -> Vec<Flow> {
    let followed = |id: &str, kind: &str| {
        format!("{id}_request_id={{{kind}}}\n{id}_request_token={{{kind}:token}}\n")
    };
    let unknown = |id: &str, kind: &str| format!("{id}_request_id={{{kind}}}\n");
    let changed = "customer_firstname=Ann\ncustomer_email=b@example.com\nship_to_city=Big Town\nmerchant_defined_data1=two\n";
    let other_card = CARD.replace("4111111111111111", OTHER);
    let create = "ics_pay_subscription_create";
    let update = "ics_pay_subscription_update";
    let mut flows = vec![
        Flow::new("authorization", "ics_auth", &by_card(TEN)).moving(),
        Flow::new("sale", "ics_auth,ics_bill", &by_card(TEN)).moving(),
        Flow::new(
            "verbal",
            "ics_bill",
            &by_card(&format!("auth_type=verbal\nauth_code=123456\n{TEN}")),
        )
        .moving(),
        Flow::new(
            "sale by token",
            "ics_auth,ics_bill",
            &format!("subscription_id={{token}}\n{TEN}"),
        )
        .moving(),
        Flow::new(
            "capture",
            "ics_bill",
            &format!("{}{TEN}", followed("auth", "auth")),
        )
        .moving(),
        Flow::new(
            "refund",
            "ics_credit",
            &format!("{}{TEN}", followed("bill", "sale")),
        )
        .moving(),
        Flow::new(
            "refund of capture",
            "ics_credit",
            &format!("{}{TEN}", followed("bill", "capture")),
        )
        .moving(),
        Flow::new(
            "refund of an unknown kind",
            "ics_credit",
            &format!("{}{TEN}", unknown("bill", "sale")),
        )
        .moving(),
        Flow::new("credit", "ics_credit", &by_card(TEN)).moving(),
        Flow::new("void", "ics_void", &followed("void", "sale")).taking_back(),
        Flow::new("void of capture", "ics_void", &followed("void", "capture")).taking_back(),
        Flow::new(
            "void of an unknown kind",
            "ics_void",
            &unknown("void", "credit"),
        )
        .taking_back(),
        Flow::new(
            "reversal",
            "ics_auth_reversal",
            &format!("{}{TEN}", followed("auth", "auth")),
        )
        .taking_back(),
        Flow::new(
            "increment",
            "ics_incremental_auth",
            &format!("{}{TEN}", followed("auth", "auth")),
        ),
        Flow::new("debit", "ics_ecp_debit", &by_check(TEN)).moving(),
        Flow::new("check credit", "ics_ecp_credit", &by_check(TEN)).moving(),
        Flow::new(
            "refund of debit",
            "ics_ecp_credit",
            &format!("{}{TEN}", followed("ecp_debit", "debit")),
        )
        .moving(),
        Flow::new("create", create, &by_card(&format!("{PROFILE}{SHIPPING}"))),
        Flow::new(
            "create check",
            create,
            &by_check(&format!("{PROFILE}subscription_payment_method=check\n")),
        ),
        Flow::new(
            "retrieve",
            "ics_pay_subscription_retrieve",
            "subscription_id={token}\n",
        ),
        Flow::new(
            "update",
            update,
            &format!("subscription_id={{token}}\n{other_card}{changed}"),
        ),
        Flow::new(
            "update with a first address",
            update,
            &format!("subscription_id={{bare_token}}\n{changed}"),
        ),
        Flow::new(
            "card to bank",
            update,
            &format!("subscription_id={{token}}\n{CHECK}{changed}"),
        ),
        Flow::new(
            "bank to card",
            update,
            &format!("subscription_id={{check_token}}\n{CARD}{changed}"),
        ),
        Flow::new(
            "delete",
            "ics_pay_subscription_delete",
            "subscription_id={token}\n",
        ),
        Flow::new(
            "authorization and create",
            &format!("ics_auth,{create}"),
            &by_card(&format!("{PROFILE}{SHIPPING}{TEN}")),
        )
        .moving(),
        Flow::new(
            "sale and create",
            &format!("ics_auth,ics_bill,{create}"),
            &by_card(&format!("{PROFILE}{TEN}")),
        )
        .moving(),
        Flow::new(
            "debit and create",
            &format!("ics_ecp_debit,{create}"),
            &by_check(&format!(
                "{PROFILE}subscription_payment_method=check\n{TEN}"
            )),
        )
        .moving(),
        Flow::new(
            "authorization and update",
            &format!("ics_auth,{update}"),
            &format!("subscription_id={{token}}\n{changed}{TEN}"),
        )
        .moving(),
        Flow::new(
            "sale and update",
            &format!("ics_auth,ics_bill,{update}"),
            &format!(
                "subscription_id={{token}}\n{}ship_to_city=Big Town\n{TEN}",
                by_card("").replace("4111111111111111", OTHER)
            ),
        )
        .moving(),
    ];
    // The verification is reversed by the gateway itself.
    flows.push(Flow {
        settings: "processor = \"visa_platform_connect\"\npreauthorization = true\n",
        ..Flow::new(
            "verified create",
            create,
            &by_card(&format!("{PROFILE}{SHIPPING}"))
                .replace("card_type=001", "card_type=003")
                .replace("4111111111111111", "378282246310005"),
        )
    });
    flows
}
