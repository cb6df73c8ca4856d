//! The processors' simulators, as tables: what an amount brings about.
//!
//! Which amount leads to which numeric reason code is the provider's page and what public suites
//! saw; the replies to an approval are what public suites saw of two processors, and the first
//! one's for the others (choice).

use super::money::Amount;
use super::reason::{self, Reason};
use crate::sandbox::processor::Processor;

/// What is asked of the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// An authorization or an increment.
    Payment,
    /// A credit without an earlier payment.
    Credit,
}

/// Amounts that decline: a base and the processor's code.
struct Declines {
    base: u128,
    /// How many digits a reply shows of the code.
    digits: usize,
    /// Processor codes, by the reason code that they lead to.
    codes: &'static [(u16, &'static [u16])],
}

/// An amount that brings about the result of a check.
struct Check {
    units: u128,
    /// The only card verification number that it works with.
    security_code: Option<&'static str>,
    result: &'static str,
}

/// One processor's simulator.
pub(crate) struct Simulator {
    declines: &'static [Declines],
    avs: &'static [Check],
    card_verification: &'static [Check],
    /// Amounts that are authorized in part, each with the part.
    parts: &'static [(u128, u128)],
    /// Amounts whose reply shows what is left on the card.
    balances: &'static [(u128, u128)],
    /// What an approval looks like.
    pub(crate) approval: Approval,
}

/// What a reply to an approval shows.
pub(crate) struct Approval {
    /// `processorInformation.responseCode`.
    pub(crate) response_code: &'static str,
    /// `processorInformation.approvalCode`.
    pub(crate) approval_code: &'static str,
    /// The address result of an ordinary amount.
    pub(crate) avs: &'static str,
    /// The card verification result of an ordinary amount.
    pub(crate) card_verification: &'static str,
}

const fn at(units: u128, result: &'static str) -> Check {
    Check {
        units,
        security_code: None,
        result,
    }
}

const fn with(security_code: &'static str, units: u128, result: &'static str) -> Check {
    Check {
        units,
        security_code: Some(security_code),
        result,
    }
}

/// Codes of the Chase Paymentech simulator.
#[rustfmt::skip]
const PAYMENTECH_CODES: &[(u16, &[u16])] = &[
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
const NASHVILLE_AVS: &[Check] = &[
    at(3000, "N"),
    at(3001, "X"),
    at(3002, "W"),
    at(3003, "Y"),
    at(3004, "U"),
    at(3005, "A"),
    at(3006, "S"),
];
/// What most simulators' approvals look like.
const APPROVAL: Approval = Approval {
    response_code: "100",
    approval_code: "888888",
    avs: "X",
    card_verification: "M",
};
const NOTHING: Simulator = Simulator {
    declines: &[],
    avs: &[],
    card_verification: &[],
    parts: &[],
    balances: &[],
    approval: APPROVAL,
};

/// The default: what it has not itself is borrowed from the simulators whose amounts are free.
static PAYMENTECH: Simulator = Simulator {
    declines: &[
        // Amounts that public suites saw declined, outside its rule.
        Declines {
            base: 0,
            digits: 3,
            codes: &[(201, &[401]), (203, &[164, 1500])],
        },
        Declines {
            base: 2000,
            digits: 3,
            codes: PAYMENTECH_CODES,
        },
    ],
    avs: NASHVILLE_AVS,
    card_verification: &[
        at(9000, "M"),
        at(9001, "N"),
        at(9002, "P"),
        at(9003, "S"),
        at(9004, "U"),
        at(9005, "X"),
    ],
    // The part is a choice.
    parts: &[(1071, 1000)],
    ..NOTHING
};
static OMNIPAY: Simulator = Simulator {
    declines: &[Declines {
        base: 1000,
        digits: 2,
        codes: &[
            (201, &[2, 7]),
            (203, &[4, 5]),
            (208, &[6, 12]),
            (233, &[9, 10, 13]),
            (234, &[3]),
            (250, &[8]),
        ],
    }],
    card_verification: &[
        with("1111", 9000, "M"),
        with("1111", 9001, "N"),
        with("1111", 9002, "P"),
        with("1111", 9003, "S"),
        with("1111", 9004, "U"),
        with("1111", 9005, "X"),
    ],
    // The part is a choice.
    parts: &[(1011, 1000)],
    ..NOTHING
};
static VPC: Simulator = Simulator {
    approval: Approval {
        response_code: "00",
        approval_code: "831000",
        avs: "Y",
        card_verification: "M",
    },
    ..NOTHING
};
static VPC_CREDITS: Simulator = Simulator {
    declines: &[
        Declines {
            base: 4000,
            digits: 4,
            codes: &[
                (150, &[91, 96]),
                (208, &[12, 57]),
                (210, &[61]),
                (211, &[62]),
                (233, &[13, 64, 93, 94]),
                (251, &[65]),
            ],
        },
        Declines {
            base: 7000,
            digits: 4,
            codes: &[(231, &[1, 2])],
        },
    ],
    ..NOTHING
};
static FDMS_NASHVILLE: Simulator = Simulator {
    avs: NASHVILLE_AVS,
    ..NOTHING
};
static FDMS_SOUTH: Simulator = Simulator {
    avs: &[with("2222", 3008, "N")],
    card_verification: &[with("2222", 3009, "N")],
    parts: &[(3004, 2999)],
    balances: &[(3001, 3500)],
    ..NOTHING
};
static AMEX_DIRECT: Simulator = Simulator {
    avs: &[at(1061, "N")],
    parts: &[(1071, 1000)],
    ..NOTHING
};
static MONERIS: Simulator = Simulator {
    declines: &[Declines {
        base: 0,
        digits: 3,
        codes: &[
            (150, &[208, 209]),
            (203, &[210]),
            (207, &[216]),
            (210, &[219]),
            (231, &[217]),
            (233, &[213]),
        ],
    }],
    ..NOTHING
};

/// The simulator that answers.
pub(crate) fn of(processor: Processor, asked: Asked) -> &'static Simulator {
    match (processor, asked) {
        (Processor::Paymentech, _) => &PAYMENTECH,
        (Processor::Omnipay, _) => &OMNIPAY,
        (Processor::Vpc, Asked::Payment) => &VPC,
        (Processor::Vpc, Asked::Credit) => &VPC_CREDITS,
        (Processor::FdmsNashville, _) => &FDMS_NASHVILLE,
        (Processor::FdmsSouth, _) => &FDMS_SOUTH,
        (Processor::AmexDirect, _) => &AMEX_DIRECT,
        (Processor::Moneris, _) => &MONERIS,
    }
}

impl Simulator {
    /// The outcome that an amount brings about, and the processor's code for it.
    pub(crate) fn decline(&self, amount: Amount) -> Option<(&'static Reason, String)> {
        let units = amount.whole()?;
        self.declines.iter().find_map(|declines| {
            let processor = units.checked_sub(declines.base)?;
            let is_it = |code: &u16| u128::from(*code) == processor;
            let found = declines.codes.iter();
            let (code, _) = found.clone().find(|(_, codes)| codes.iter().any(is_it))?;
            let shown = format!("{processor:0width$}", width = declines.digits);
            Some((reason::find(*code)?, shown))
        })
    }

    /// The result of the address check.
    pub(crate) fn avs(&self, amount: Amount, security_code: Option<&str>) -> &'static str {
        result(self.avs, amount, security_code).unwrap_or(self.approval.avs)
    }

    /// The result of the card verification check.
    pub(crate) fn card_verification(&self, amount: Amount, security_code: &str) -> &'static str {
        let found = result(self.card_verification, amount, Some(security_code));
        found.unwrap_or(self.approval.card_verification)
    }

    /// The part of the amount that is authorized when the request takes a part.
    pub(crate) fn part(&self, amount: Amount) -> Option<Amount> {
        by_amount(self.parts, amount)
    }

    /// What is left on the card.
    pub(crate) fn balance(&self, amount: Amount) -> Option<Amount> {
        by_amount(self.balances, amount)
    }
}

fn by_amount(table: &[(u128, u128)], amount: Amount) -> Option<Amount> {
    let units = amount.whole()?;
    let (_, other) = table.iter().find(|(trigger, _)| *trigger == units)?;
    Some(amount.same_currency(*other))
}

fn result(table: &[Check], amount: Amount, security_code: Option<&str>) -> Option<&'static str> {
    let units = amount.whole()?;
    let works = |wanted: &str| security_code == Some(wanted);
    let is_it = |check: &&Check| check.units == units && check.security_code.is_none_or(works);
    table.iter().find(is_it).map(|check| check.result)
}

#[cfg(test)]
#[path = "simulator_tests.rs"]
mod tests;
