//! Amounts and accounts that bring about an outcome with every processor's simulator; the tables
//! of the module documentation.

use super::money::Amount;
use super::reason::{self, Reason};
use super::simulator::Simulator;

/// Where the amounts begin that name a reason code.
const REASON_BASE: u128 = 8000;
/// The postal code whose address never matches.
const POSTAL_CODE_NO_MATCH: &str = "99999";
/// The security codes that never match.
const SECURITY_CODES_NO_MATCH: &[&str] = &["999", "9999"];
/// The bank account that declines, as routing and account number.
const ACCOUNT_DECLINED: (&str, &str) = ("121107882", "550111");

/// The outcome that an amount brings about, and the processor's code for it.
pub(crate) fn card(simulator: &Simulator, amount: Amount) -> Option<(&'static Reason, String)> {
    let named = || any(amount).map(|reason| (reason, "000".to_owned()));
    simulator.decline(amount).or_else(named)
}

/// The outcome that an amount names by its reason code, for every means of payment.
pub(crate) fn any(amount: Amount) -> Option<&'static Reason> {
    let code = amount.whole()?.checked_sub(REASON_BASE)?;
    // Faults of the request itself can be had by faulty requests.
    reason::find(u16::try_from(code).ok()?).filter(|reason| reason.code > 102)
}

/// The result of the address check.
pub(crate) fn avs(
    simulator: &Simulator,
    amount: Amount,
    postal_code: Option<&str>,
    security_code: Option<&str>,
) -> &'static str {
    match postal_code {
        Some(POSTAL_CODE_NO_MATCH) => "N",
        _ => simulator.avs(amount, security_code),
    }
}

/// The result of the card verification check.
pub(crate) fn card_verification(
    simulator: &Simulator,
    amount: Amount,
    security_code: &str,
) -> &'static str {
    match SECURITY_CODES_NO_MATCH.contains(&security_code) {
        true => "N",
        false => simulator.card_verification(amount, security_code),
    }
}

/// The account that declines: its number and its routing number.
pub(crate) fn declined_account() -> (&'static str, &'static str) {
    let (routing, account) = ACCOUNT_DECLINED;
    (account, routing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::processor::Processor;
    use crate::sandbox::pts::simulator::{self, Asked};

    #[test]
    fn any_reason_can_be_named_to_any_processor() {
        for processor in [Processor::Paymentech, Processor::Moneris] {
            let code = |amount: &str| {
                let amount = Amount::read(amount, "USD").unwrap();
                let found = card(simulator::of(processor, Asked::Payment), amount);
                found.map(|(reason, _)| reason.code)
            };
            assert_eq!(code("8480.00"), Some(480));
            assert_eq!(code("8151.00"), Some(151));
            for approved in ["8102.00", "8100.00", "8999.00", "10.00", "2401.50", "0.00"] {
                assert_eq!(code(approved), None, "{approved}");
            }
        }
    }
}
