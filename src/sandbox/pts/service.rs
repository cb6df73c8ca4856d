//! The services that an operation runs, by the names that transaction details give them.

use serde::{Deserialize, Serialize};

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Service {
    /// An authorization.
    Auth,
    /// An increment of one.
    Increment,
    /// Its reversal.
    Reversal,
    /// A capture.
    Bill,
    /// A refund or credit to a card.
    Credit,
    /// A void.
    Void,
    /// A debit of an account.
    CheckDebit,
    /// A credit to an account.
    CheckCredit,
    /// A risk decision.
    Decision,
    /// Tokens made beside a payment.
    TokenCreate,
}

impl Service {
    /// Its name in transaction details.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auth => "ics_auth",
            Self::Increment => "ics_incremental_auth",
            Self::Reversal => "ics_auth_reversal",
            Self::Bill => "ics_bill",
            Self::Credit => "ics_credit",
            Self::Void => "ics_void",
            Self::CheckDebit => "ics_ecp_debit",
            Self::CheckCredit => "ics_ecp_credit",
            Self::Decision => "ics_decision",
            Self::TokenCreate => "ics_pay_subscription_create",
        }
    }
}
