//! A client of the random runs: what it asks for next, by chance and by what it has.

use crate::chance::Chance;
use crate::ledger::DECLINED;
use crate::requests::{Fields, create, delete, update};
use crate::scene::{PAYER, request};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Sale,
    Authorization,
    Capture,
    Reversal,
    Void,
    Refund,
    Credit,
    Create,
    Update,
    Delete,
    AuthorizationAndCreate,
    SaleAndCreate,
}

/// A request.
pub struct Order {
    pub kind: Kind,
    pub reference: String,
    /// The movement or the token that it is about.
    pub about: Option<String>,
    pub body: String,
}

/// What a client has.
#[derive(Default)]
pub struct Shop {
    /// By what made them.
    movements: Vec<(Kind, String)>,
    tokens: Vec<String>,
}

impl Shop {
    /// What to ask for next.
    pub fn next(&mut self, chance: &mut Chance, number: u64) -> Order {
        let (kind, about) = self.choose(chance);
        let reference = format!("r{number}");
        let mut body = body(kind, about.as_deref(), &reference);
        if matches!(kind, Kind::Sale | Kind::Authorization) && chance.one_in(8) {
            body = body.replace("10.00", DECLINED);
        }
        Order {
            kind,
            reference,
            about,
            body,
        }
    }

    fn choose(&mut self, chance: &mut Chance) -> (Kind, Option<String>) {
        let followed = self.movements.pop();
        match (chance.below(10), followed) {
            (0 | 1, Some((Kind::Authorization, id))) => (Kind::Reversal, Some(id)),
            (0..=4, Some((Kind::Authorization, id))) => (Kind::Capture, Some(id)),
            (0 | 1, Some((_, id))) => (Kind::Void, Some(id)),
            (2 | 3, Some((Kind::Sale | Kind::Capture, id))) => (Kind::Refund, Some(id)),
            (_, followed) => {
                self.movements.extend(followed);
                self.begin(chance)
            }
        }
    }

    fn begin(&mut self, chance: &mut Chance) -> (Kind, Option<String>) {
        match (chance.below(10), self.tokens.last()) {
            (0, Some(_)) => (Kind::Delete, self.tokens.pop()),
            (1 | 2, Some(token)) => (Kind::Update, Some(token.clone())),
            (3, _) => (Kind::Create, None),
            (4, _) => (Kind::AuthorizationAndCreate, None),
            (5, _) => (Kind::SaleAndCreate, None),
            (6, _) => (Kind::Credit, None),
            (7, _) => (Kind::Sale, None),
            _ => (Kind::Authorization, None),
        }
    }

    /// Takes what came of it.
    pub fn told(&mut self, order: &Order, reply: &Fields) {
        if reply["ics_rcode"] != "1" {
            return;
        }
        let id = reply["request_id"].clone();
        match order.kind {
            Kind::Sale | Kind::SaleAndCreate => self.movements.push((Kind::Sale, id)),
            Kind::Authorization | Kind::AuthorizationAndCreate => {
                self.movements.push((Kind::Authorization, id));
            }
            kind @ (Kind::Capture | Kind::Refund | Kind::Credit) => self.movements.push((kind, id)),
            _ => {}
        }
        let token = reply.get("pay_subscription_create_subscription_id");
        self.tokens.extend(token.cloned());
    }
}

fn body(kind: Kind, about: Option<&str>, reference: &str) -> String {
    let about = about.unwrap_or_default();
    let own = format!("merchant_ref_number={reference}\nrequest_id={reference}\n");
    let amount = format!("{own}grand_total_amount=10.00\n");
    let paid = format!("{PAYER}{amount}");
    let with_token = format!("{paid}recurring_frequency=on-demand\nmerchant_defined_data1=one\n");
    let own = [
        ("merchant_ref_number", reference),
        ("request_id", reference),
    ];
    let text = match kind {
        Kind::Sale => request("ics_auth,ics_bill", &paid),
        Kind::Authorization => request("ics_auth", &paid),
        Kind::Capture => request("ics_bill", &format!("auth_request_id={about}\n{amount}")),
        Kind::Reversal => request(
            "ics_auth_reversal",
            &format!("auth_request_id={about}\n{amount}"),
        ),
        Kind::Void => request("ics_void", &format!("void_request_id={about}\n{amount}")),
        Kind::Refund => request("ics_credit", &format!("bill_request_id={about}\n{amount}")),
        Kind::Credit => request("ics_credit", &paid),
        Kind::Create => return create(&own),
        Kind::Update => {
            return update(
                about,
                &[&own[..], &[("customer_firstname", reference)]].concat(),
            );
        }
        Kind::Delete => {
            return delete(about).replace("=ref-1\n", &format!("={reference}\n"));
        }
        Kind::AuthorizationAndCreate => {
            request("ics_auth,ics_pay_subscription_create", &with_token)
        }
        Kind::SaleAndCreate => {
            request("ics_auth,ics_bill,ics_pay_subscription_create", &with_token)
        }
    };
    // The reference of the request, not that of the scene.
    text.replacen("merchant_ref_number=day\n", "", 1)
}
