//! Outcomes: the numeric reason code of the older interfaces, and what REST makes of it.
//!
//! Which REST reason goes with which code is read from the provider's page on response codes and
//! from messages that public suites saw; the flags, for `/tss`, are those of the SCMP guides. The
//! sentences are this module's, but for those that public suites assert of the live host.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

/// An outcome.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// The numeric code.
    pub(crate) code: u16,
    /// The HTTP status.
    pub(crate) http: u16,
    /// REST's `status`; a service that succeeds has its own.
    pub(crate) status: &'static str,
    /// REST's `reason`.
    pub(crate) name: &'static str,
    /// REST's `message`.
    pub(crate) message: &'static str,
    /// The flag in `/tss`.
    pub(crate) flag: &'static str,
}

/// The outcome of a request that did what was asked.
pub(crate) const SUCCESS: &Reason = &Reason {
    code: 100,
    http: 201,
    status: "AUTHORIZED",
    name: "",
    message: "Request was processed successfully.",
    flag: "SOK",
};
/// The outcome of an authorization of a part of the amount.
pub(crate) const PARTIAL: &Reason = &Reason {
    code: 110,
    http: 201,
    status: "PARTIAL_AUTHORIZED",
    name: "",
    message: "Only a part of the amount was authorized.",
    flag: "SPARTIALAPPROVAL",
};

const REVIEW: &str = "AUTHORIZED_PENDING_REVIEW";
const DECLINED: &str = "DECLINED";
const RISK: &str = "AUTHORIZED_RISK_DECLINED";
const INVALID: &str = "INVALID_REQUEST";
const ERROR: &str = "SERVER_ERROR";

const fn row(
    code: u16,
    http: u16,
    status: &'static str,
    name: &'static str,
    flag: &'static str,
    message: &'static str,
) -> Reason {
    Reason {
        code,
        http,
        status,
        name,
        message,
        flag,
    }
}

/// All outcomes but the two good ones, by code.
#[rustfmt::skip]
const REASONS: &[Reason] = &[
    row(101, 400, INVALID, "MISSING_FIELD", "DMISSINGFIELD",
        "Declined - The request is missing one or more fields"),
    row(102, 400, INVALID, "INVALID_DATA", "DINVALIDDATA",
        "Declined - One or more fields in the request contains invalid data"),
    row(104, 400, INVALID, "DUPLICATE_REQUEST", "DDUPLICATE",
        "Declined - The reference code was used within the last 15 minutes."),
    row(150, 502, ERROR, "SYSTEM_ERROR", "ESYSTEM", "Error - General system failure."),
    row(151, 502, ERROR, "SERVER_TIMEOUT", "ETIMEOUT",
        "Error - The request was received but there was a server timeout."),
    row(152, 502, ERROR, "SERVICE_TIMEOUT", "ETIMEOUT",
        "Error - The request was received, but a service did not finish in time."),
    row(200, 201, REVIEW, "AVS_FAILED", "DAVSNO",
        "Soft Decline - Approved by the issuing bank, but the address check failed."),
    row(201, 201, REVIEW, "CONTACT_PROCESSOR", "DCALL",
        "Decline - The issuing bank has questions about the request."),
    row(202, 201, DECLINED, "EXPIRED_CARD", "DCARDEXPIRED", "Decline - Expired card."),
    row(203, 201, DECLINED, "PROCESSOR_DECLINED", "DCARDREFUSED",
        "Decline - General decline of the card."),
    row(204, 201, DECLINED, "INSUFFICIENT_FUND", "DCARDREFUSED",
        "Decline - Insufficient funds in the account."),
    row(205, 201, DECLINED, "STOLEN_LOST_CARD", "DCARDREFUSED", "Decline - Stolen or lost card."),
    row(207, 201, DECLINED, "ISSUER_UNAVAILABLE", "DCARDREFUSED",
        "Decline - Issuing bank unavailable."),
    row(208, 201, DECLINED, "UNAUTHORIZED_CARD", "DCARDREFUSED",
        "Decline - Inactive card, or one not for card-not-present transactions."),
    row(209, 201, DECLINED, "CVN_NOT_MATCH", "DCARDREFUSED",
        "Decline - The card verification number did not match."),
    row(210, 201, DECLINED, "EXCEEDS_CREDIT_LIMIT", "DCARDREFUSED",
        "Decline - The card has reached its credit limit."),
    row(211, 201, DECLINED, "INVALID_CVN", "DCARDREFUSED",
        "Decline - Invalid card verification number."),
    row(220, 201, DECLINED, "DECLINED_CHECK", "DCHECKREFUSED", "Decline - Generic decline."),
    row(221, 201, DECLINED, "BLACKLISTED_CUSTOMER", "DCHECKREFUSED",
        "Decline - The customer is on the processor's negative file."),
    row(222, 201, DECLINED, "SUSPENDED_ACCOUNT", "DCHECKREFUSED",
        "Decline - The customer's account is frozen."),
    row(223, 201, DECLINED, "PAYMENT_REFUSED", "DPAYMENTREFUSED",
        "Decline - The payment was refused."),
    row(230, 201, REVIEW, "CV_FAILED", "DCV",
        "Soft Decline - Approved by the issuing bank, but the card verification check failed."),
    row(231, 201, DECLINED, "INVALID_ACCOUNT", "DINVALIDCARD",
        "Decline - Invalid account number"),
    row(232, 400, INVALID, "CARD_TYPE_NOT_ACCEPTED", "DINVALIDDATA",
        "Decline - The processor does not accept the card type."),
    row(233, 201, DECLINED, "GENERAL_DECLINE", "DINVALIDDATA",
        "Decline - General decline by the processor."),
    row(234, 201, INVALID, "INVALID_MERCHANT_CONFIGURATION", "DINVALIDDATA",
        "Decline - There is a problem with the merchant's configuration."),
    row(235, 400, INVALID, "EXCEEDS_AUTH_AMOUNT", "DINVALIDDATA",
        "Decline - The amount exceeds the authorized amount."),
    row(236, 400, INVALID, "PROCESSOR_UNAVAILABLE", "DINVALIDDATA",
        "Decline - Processor failure."),
    row(237, 400, INVALID, "AUTH_ALREADY_REVERSED", "DINVALIDDATA",
        "Decline - The authorization has already been reversed."),
    row(238, 400, INVALID, "TRANSACTION_ALREADY_SETTLED", "DINVALIDDATA",
        "Decline - The transaction has already been settled."),
    row(239, 400, INVALID, "INVALID_AMOUNT", "DINVALIDDATA",
        "Decline - The amount must match the previous transaction's."),
    row(240, 400, INVALID, "INVALID_CARD_TYPE", "DINVALIDDATA",
        "Decline - The card type is not that of the card number."),
    row(241, 400, INVALID, "INVALID_PAYMENT_ID", "DINVALIDDATA",
        "Decline - The request id is invalid for follow-on transactions."),
    row(242, 400, INVALID, "MISSING_AUTH", "DNOAUTH", "Decline - The request id is invalid."),
    row(243, 400, INVALID, "TRANSACTION_ALREADY_REVERSED_OR_SETTLED", "DINVALIDDATA",
        "Decline - The transaction has already been settled or reversed."),
    row(246, 400, INVALID, "NOT_VOIDABLE", "DNOTVOIDABLE",
        "Decline - The capture or credit is not voidable because the capture or credit \
         information has already been submitted to your processor. Or, you requested a void for \
         a type of transaction that cannot be voided."),
    row(247, 400, INVALID, "CAPTURE_ALREADY_VOIDED", "DINVALIDDATA",
        "Decline - The capture was voided."),
    row(250, 502, ERROR, "PROCESSOR_TIMEOUT", "ETIMEOUT",
        "Error - The request was received, but the payment processor did not answer in time."),
    // So spelt (spec of 2020).
    row(251, 400, INVALID, "DEBIT_CARD_USEAGE_EXCEEDD_LIMIT", "DCARDREFUSED",
        "Decline - The card has reached its limit on frequency of use."),
    row(254, 400, INVALID, "ACCOUNT_NOT_ALLOWED_CREDIT", "DINVALIDDATA",
        "Decline - The account may not process stand-alone credits."),
    row(400, 201, RISK, "SCORE_EXCEEDS_THRESHOLD", "DSCORE",
        "Soft Decline - The risk score is too high."),
    row(475, 201, "PENDING_AUTHENTICATION", "CONSUMER_AUTHENTICATION_REQUIRED", "DAUTHENTICATE",
        "The cardholder is enrolled in Payer Authentication and has to be authenticated first."),
    row(476, 201, DECLINED, "CONSUMER_AUTHENTICATION_FAILED", "DAUTHENTICATIONFAILED",
        "The payer could not be authenticated."),
    row(480, 201, REVIEW, "DECISION_PROFILE_REVIEW", "DREVIEW",
        "Soft Decline - The order is marked for review."),
    row(481, 201, RISK, "DECISION_PROFILE_REJECT", "DREJECT",
        "Soft Decline - The order is rejected."),
    row(490, 201, DECLINED, "DAGGDENIED", "DAGGDENIED", "Decline - The aggregator denied it."),
    row(491, 201, DECLINED, "DAGGREJECTED", "DAGGREJECTED",
        "Decline - The aggregator rejected it."),
    // This one has no code in public documents; the next free one stands for it.
    row(492, 201, DECLINED, "DSYSREJECTED", "DSYSREJECTED", "Decline - The system rejected it."),
    row(700, 201, DECLINED, "CUSTOMER_WATCHLIST_MATCH", "DRESTRICTED",
        "Decline - The customer is on a list of denied parties."),
    row(701, 201, DECLINED, "ADDRESS_COUNTRY_WATCHLIST_MATCH", "DRESTRICTED",
        "Decline - The country of the address is restricted."),
    row(702, 201, DECLINED, "EMAIL_COUNTRY_WATCHLIST_MATCH", "DRESTRICTED",
        "Decline - The country of the e-mail address is restricted."),
    row(703, 201, DECLINED, "IP_COUNTRY_WATCHLIST_MATCH", "DRESTRICTED",
        "Decline - The country of the IP address is restricted."),
];

/// The outcome of a code, but for the two good ones.
pub(crate) fn find(code: u16) -> Option<&'static Reason> {
    REASONS.iter().find(|reason| reason.code == code)
}

impl Serialize for Reason {
    /// The code says the rest.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.code)
    }
}

impl<'de> Deserialize<'de> for &'static Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = u16::deserialize(deserializer)?;
        let good = [SUCCESS, PARTIAL].into_iter();
        let found = good.clone().find(|reason| reason.code == code);
        let found = found.or_else(|| find(code));
        found.ok_or_else(|| serde::de::Error::custom(format!("no outcome has the code {code}")))
    }
}

impl Reason {
    /// Whether a service with this outcome did something.
    pub(crate) fn is_good(&self) -> bool {
        self.name.is_empty()
    }

    /// Whether the issuer approved, so that money is set aside for the merchant.
    pub(crate) fn is_approved(&self) -> bool {
        matches!(self.code, 100 | 110 | 200 | 230 | 400 | 480 | 481)
    }

    /// Whether it is the verdict of a risk service about an approved authorization.
    pub(crate) fn is_risk(&self) -> bool {
        matches!(self.code, 400 | 480 | 481)
    }

    /// Whether the authorization can be captured without a word from the issuer.
    pub(crate) fn is_capturable(&self) -> bool {
        matches!(self.code, 100 | 110 | 200 | 230 | 480)
    }

    /// Whether the caller is told of a failure although the work was done.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self.code, 151 | 152 | 250)
    }

    /// The return code of `/tss`: done, declined, or an error.
    pub(crate) fn rcode(&self) -> &'static str {
        match self.http {
            _ if self.code == 100 => "1",
            502 => "-1",
            _ => "0",
        }
    }

    /// The member `errorInformation`.
    pub(crate) fn information(&self) -> Value {
        json!({"reason": self.name, "message": self.message})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(REASONS.is_sorted_by(|one, other| one.code < other.code));
    }

    #[test]
    fn every_row_has_a_status_that_suits_its_http_status() {
        for reason in REASONS {
            let suits = match reason.http {
                201 => reason.status != ERROR,
                400 => reason.status == INVALID,
                502 => reason.status == ERROR,
                _ => false,
            };
            assert!(suits, "{}", reason.code);
        }
    }
}
