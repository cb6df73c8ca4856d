//! The small amounts with which an account is verified before its token is made.

use super::field::{FieldId, Values};

/// What each processor verifies cards with.
#[derive(Debug, Default)]
pub struct Preauthorizations {
    /// The field that says which card it is; none where no amount is listed.
    pub(in crate::mapping) card: Option<FieldId>,
    pub(in crate::mapping) amounts: Vec<Preauthorization>,
}

/// An amount that a processor verifies some cards with.
#[derive(Debug)]
pub struct Preauthorization {
    /// The processor, by its name in the code table of processors.
    pub processor: String,
    /// The amount, as decimal text.
    pub amount: String,
    /// The cards, by their SCMP codes.
    pub cards: Vec<String>,
}

impl Preauthorizations {
    /// The amount for a request's card; nothing where the processor verifies no such card so.
    pub fn amount(&self, processor: Option<&str>, values: &Values<'_>) -> Option<&str> {
        let (processor, card) = (processor?, values.get(self.card?)?);
        let line = self.amounts.iter().find(|line| {
            line.processor == processor && line.cards.iter().any(|c| c.eq_ignore_ascii_case(card))
        })?;
        Some(&line.amount)
    }
}
