//! How an authorization ends: the issuer's answer, the checks after it, the risk service.

use std::time::SystemTime;

use super::body::Body;
use super::means::{self, Account, Payer};
use super::money::Amount;
use super::reason::{self, Reason};
use super::simulator::{Approval, Simulator};
use super::trigger;

/// The address results that decline when the request names none.
const AVS_DECLINED: &[&str] = &["N"];
/// Card types that are never mixed up; other pairs share ranges of numbers.
const TYPES_APART: &[&str] = &["001", "002", "003", "004"];
const OPTIONS: &str = "processingInformation.authorizationOptions";

/// How an authorization ends.
pub(crate) struct Verdict {
    /// The outcome.
    pub(crate) reason: &'static Reason,
    /// What was authorized; all, or a part.
    pub(crate) amount: Amount,
    /// What is left on the card, when the reply tells.
    pub(crate) balance: Option<Amount>,
    /// The issuer's word.
    pub(crate) approval_code: String,
    /// The processor's code.
    pub(crate) response_code: String,
    /// The result of the address check.
    pub(crate) avs: Option<&'static str>,
    /// The result of the card verification check.
    pub(crate) card_verification: Option<&'static str>,
}

/// The names of the services in a list of actions.
pub(crate) fn has_action(body: &Body, action: &str) -> bool {
    let actions = body.texts("processingInformation.actionList");
    actions.is_some_and(|actions| actions.contains(&action))
}

/// The code of an authorization that the issuer gave by telephone.
pub(crate) fn verbal_code(body: &Body) -> Option<&str> {
    let kind = body.text(&format!("{OPTIONS}.authType"))?;
    let code = body.text(&format!("{OPTIONS}.verbalAuthCode"))?;
    kind.eq_ignore_ascii_case("VERBAL").then_some(code)
}

/// Decides on a payment of `amount`.
pub(crate) fn decide(
    simulator: &Simulator,
    body: &Body,
    payer: &Payer,
    amount: Amount,
    now: SystemTime,
) -> Verdict {
    let Approval {
        response_code,
        approval_code,
        ..
    } = simulator.approval;
    let mut verdict = Verdict {
        reason: reason::SUCCESS,
        amount,
        balance: None,
        approval_code: approval_code.to_owned(),
        response_code: response_code.to_owned(),
        avs: None,
        card_verification: None,
    };
    if let Some(code) = refusal_of_account(body, payer, now) {
        verdict.fail(code);
    } else if let Some(code) = verbal_code(body) {
        verdict.approval_code = code.to_owned();
    } else if payer.account.is_bank() {
        let wanted = trigger::any(amount).filter(|reason| !is_skipped(body, reason));
        verdict.reason = wanted.unwrap_or(reason::SUCCESS);
    } else {
        verdict.ask_issuer(simulator, body, payer);
    }
    verdict
}

/// What is wrong with the card or the account, whatever the amount.
fn refusal_of_account(body: &Body, payer: &Payer, now: SystemTime) -> Option<u16> {
    match &payer.account {
        Account::NoSuchCard => return Some(231),
        Account::Bank(number) => {
            let (account, routing) = trigger::declined_account();
            return number.is_account(account, routing).then_some(233);
        }
        Account::Card(..) => {}
    }
    let sent = body.text("paymentInformation.card.type");
    let apart = |code: &str| TYPES_APART.contains(&code);
    match payer.account.brand().map(|brand| brand.code).zip(sent) {
        Some((own, sent)) if own != sent && apart(own) && apart(sent) => return Some(240),
        _ => {}
    }
    payer
        .expiry
        .is_some_and(|expiry| means::is_expired(expiry, now))
        .then_some(202)
}

/// Whether the merchant wants no risk decision on this order.
fn is_skipped(body: &Body, reason: &Reason) -> bool {
    reason.is_risk() && has_action(body, "DECISION_SKIP")
}

impl Verdict {
    fn fail(&mut self, code: u16) {
        if let Some(reason) = reason::find(code) {
            self.reason = reason;
        }
    }

    fn ask_issuer(&mut self, simulator: &Simulator, body: &Body, payer: &Payer) {
        let amount = self.amount;
        let wanted = trigger::card(simulator, amount);
        let wanted = wanted.filter(|(reason, _)| !is_skipped(body, reason));
        let code = wanted.as_ref().map(|(reason, _)| reason.code);
        let (postal, security) = (&payer.postal_code, payer.security_code.as_deref());
        self.avs = Some(trigger::avs(simulator, amount, postal.as_deref(), security));
        self.balance = simulator.balance(amount);
        let verify = |code: &String| trigger::card_verification(simulator, amount, code);
        self.card_verification = payer.security_code.as_ref().map(verify);
        match (code, wanted) {
            (Some(200), _) => self.avs = Some("N"),
            (Some(230), _) => self.card_verification = Some("N"),
            (_, Some((reason, response))) if !reason.is_approved() && !reason.is_timeout() => {
                self.reason = reason;
                self.response_code = response;
                return;
            }
            (_, Some((reason, _))) => self.reason = reason,
            _ => self.authorize_part(simulator, body),
        }
        self.check(body);
    }

    fn authorize_part(&mut self, simulator: &Simulator, body: &Body) {
        if let Some(part) = simulator.part(self.amount)
            && body.flag(&format!("{OPTIONS}.partialAuthIndicator"))
        {
            self.amount = part;
            self.reason = reason::PARTIAL;
        }
    }

    /// Declines an approved authorization whose checks failed.
    fn check(&mut self, body: &Body) {
        let declined = body.texts(&format!("{OPTIONS}.declineAvsFlags"));
        let declined = declined.unwrap_or(AVS_DECLINED.to_vec());
        let avs_fails = self.avs.is_some_and(|code| declined.contains(&code));
        if avs_fails && !body.flag(&format!("{OPTIONS}.ignoreAvsResult")) {
            self.fail(200);
        } else if self.card_verification == Some("N")
            && !body.flag(&format!("{OPTIONS}.ignoreCvResult"))
        {
            self.fail(230);
        }
    }
}
