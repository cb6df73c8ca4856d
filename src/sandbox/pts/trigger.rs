//! Amounts and accounts that bring about an outcome; the tables of the module documentation.

use super::money::Amount;
use super::reason::{self, Reason};

/// Processor codes of the Chase Paymentech simulator by the reason code that they lead to.
#[rustfmt::skip]
const PAYMENTECH: &[(u16, &[u16])] = &[
    (150, &[0, 236, 248, 265, 266, 267, 301, 519, 769, 902, 905, 906]),
    (201, &[401, 402]),
    (202, &[522]),
    (203, &[269, 270, 271, 273, 275, 303, 505, 508, 510, 530, 540, 542, 543, 544, 545, 546, 549,
        550, 560, 561, 562, 563, 564, 567, 570, 571, 572, 592, 594, 617, 719, 802, 806, 813, 834,
        903, 904]),
    (204, &[509, 521]),
    (205, &[501, 502, 541, 596]),
    (208, &[595, 606]),
    (209, &[503, 811]),
    (210, &[302]),
    (211, &[524, 531]),
    (231, &[201, 304, 591, 610, 825]),
    (233, &[202, 203, 204, 205, 218, 219, 220, 225, 227, 231, 233, 234, 238, 243, 244, 245, 246,
        247, 253, 257, 258, 261, 263, 264, 268, 523, 547, 548, 551, 597, 602, 603, 605, 607, 740,
        741, 742, 747, 750, 751, 752, 753, 754, 755, 756, 757, 758, 759, 760, 763, 764, 765, 766,
        767, 768]),
    (234, &[239, 241, 249, 833]),
];
/// Amounts that public suites saw declined, outside that rule.
const OTHERS: &[(u128, u16)] = &[(164, 203), (401, 201), (1500, 203)];
/// Where the amounts of that simulator begin.
const PAYMENTECH_BASE: u128 = 2000;
/// Where the amounts begin that name a reason code.
const REASON_BASE: u128 = 8000;
/// Address results by amount (FDMS Nashville's simulator).
const AVS: &[(u128, &str)] = &[
    (3000, "N"),
    (3001, "X"),
    (3002, "W"),
    (3003, "Y"),
    (3004, "U"),
    (3005, "A"),
    (3006, "S"),
];
/// Card verification results by amount (OmniPay Ireland's simulator).
const CARD_VERIFICATION: &[(u128, &str)] = &[
    (9000, "M"),
    (9001, "N"),
    (9002, "P"),
    (9003, "S"),
    (9004, "U"),
    (9005, "X"),
];
/// The postal code whose address never matches.
const POSTAL_CODE_NO_MATCH: &str = "99999";
/// The security codes that never match.
const SECURITY_CODES_NO_MATCH: &[&str] = &["999", "9999"];
/// The amount that is authorized in part, and the part (the amount: American Express Direct's).
const PARTIAL: (u128, u128) = (1071, 1000);
/// The bank account that declines, as routing and account number.
const ACCOUNT_DECLINED: (&str, &str) = ("121107882", "550111");

/// The outcome that an amount brings about, and the processor's code for it.
pub(crate) fn card(amount: Amount) -> Option<(&'static Reason, String)> {
    let units = amount.whole()?;
    if let Some((_, code)) = OTHERS.iter().find(|(other, _)| *other == units) {
        return Some((reason::find(*code)?, units.to_string()));
    }
    if let Some(processor) = units.checked_sub(PAYMENTECH_BASE)
        && let Some((code, _)) = PAYMENTECH
            .iter()
            .find(|(_, codes)| codes.iter().any(|code| u128::from(*code) == processor))
    {
        return Some((reason::find(*code)?, format!("{processor:03}")));
    }
    any(amount).map(|reason| (reason, "000".to_owned()))
}

/// The outcome that an amount names by its reason code, for every means of payment.
pub(crate) fn any(amount: Amount) -> Option<&'static Reason> {
    let code = amount.whole()?.checked_sub(REASON_BASE)?;
    // Faults of the request itself can be had by faulty requests.
    reason::find(u16::try_from(code).ok()?).filter(|reason| reason.code > 102)
}

/// The result of the address check.
pub(crate) fn avs(amount: Amount, postal_code: Option<&str>) -> &'static str {
    if postal_code == Some(POSTAL_CODE_NO_MATCH) {
        return "N";
    }
    by_amount(AVS, amount).unwrap_or("X")
}

/// The result of the card verification check.
pub(crate) fn card_verification(amount: Amount, code: &str) -> &'static str {
    if SECURITY_CODES_NO_MATCH.contains(&code) {
        return "N";
    }
    by_amount(CARD_VERIFICATION, amount).unwrap_or("M")
}

/// The part of the amount that is authorized when the request takes a part.
pub(crate) fn partial(amount: Amount) -> Option<Amount> {
    let (whole, part) = PARTIAL;
    (amount.whole() == Some(whole)).then(|| amount.same_currency(part))
}

/// The account that declines: its number and its routing number.
pub(crate) fn declined_account() -> (&'static str, &'static str) {
    let (routing, account) = ACCOUNT_DECLINED;
    (account, routing)
}

fn by_amount(table: &[(u128, &'static str)], amount: Amount) -> Option<&'static str> {
    let units = amount.whole()?;
    let found = table.iter().find(|(trigger, _)| *trigger == units);
    found.map(|(_, result)| *result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(amount: &str) -> Option<u16> {
        let amount = Amount::read(amount, "USD").unwrap();
        card(amount).map(|(reason, _)| reason.code)
    }

    #[test]
    fn amounts_that_public_suites_check() {
        for (amount, expected) in [
            ("2201.00", 231),
            ("2302.00", 210),
            ("2303", 203),
            ("2401.00", 201),
            ("2501.00", 205),
            ("2503.00", 209),
            ("2521.00", 204),
            ("2522.00", 202),
            ("2524.00", 211),
            ("2595.00", 208),
            ("2000.00", 150),
            ("2239.00", 234),
            ("401.00", 201),
            ("1500.00", 203),
        ] {
            assert_eq!(code(amount), Some(expected), "{amount}");
        }
    }

    #[test]
    fn the_table_has_every_amount_once() {
        let mut codes: Vec<u16> = PAYMENTECH
            .iter()
            .flat_map(|(_, codes)| *codes)
            .copied()
            .collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!((codes.len(), count), (129, 129));
        assert!(
            PAYMENTECH
                .iter()
                .all(|(code, _)| reason::find(*code).is_some())
        );
    }

    #[test]
    fn any_reason_can_be_named() {
        assert_eq!(code("8480.00"), Some(480));
        assert_eq!(code("8151.00"), Some(151));
        for approved in ["8102.00", "8100.00", "8999.00", "10.00", "2401.50", "0.00"] {
            assert_eq!(code(approved), None, "{approved}");
        }
    }
}
