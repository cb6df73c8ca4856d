//! Conditions of the tables: closed, without an expression language.

use std::borrow::Cow;
use std::sync::Arc;

use http::Method;

use super::field::{FieldId, Offer, Values};
use super::reply::Replies;
use super::tables::{Computed, ReplyPath};
use super::transform::is_true;
use super::{Settings, TokenKind, body::Body};

/// Holds when one of its alternatives holds; always when it has none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Condition {
    /// Each is a list of tests that must all hold.
    pub alternatives: Box<[Box<[Test]>]>,
}

/// One test.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// The request is meant in this way.
    Variant(u8),
    /// A merchant setting is on, or off.
    Setting(Setting, bool),
    /// The merchant's processor is one of these.
    Processor(Vec<String>),
    /// All these fields came.
    All(Vec<FieldId>),
    /// One of these fields came.
    Any(Vec<FieldId>),
    /// None of these fields came.
    Absent(Vec<FieldId>),
    /// A field has one of these values.
    Equals(FieldId, Vec<String>),
    /// A field has none of these values.
    Differs(FieldId, Vec<String>),
    /// A field that says yes or no says yes, or says no, in whatever word.
    Says(FieldId, bool),
    /// The call has this method.
    Method(Method),
    /// One field of this body came.
    Mapped(usize),
    /// A reply holds something at this place, or does not.
    Has(ReplyPath, bool),
    /// A reply has one of these values at this place.
    Shows(ReplyPath, Vec<String>),
    /// By the merchant's settings, the id in this field names this.
    Names(FieldId, TokenKind),
    /// The amount with which this request's card is verified is one of these.
    Preauthorization(Vec<String>),
    /// A step ran, or did not.
    Run(usize, bool),
    /// What an earlier request made, that this one follows: one of these kinds, or not known.
    Kind(Vec<String>),
    /// The offers make a total, or do not.
    Total(bool),
    /// Never: what the line is about does not belong to these services.
    Never,
}

/// Merchant settings that tables may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// Address data and expiration date are not required.
    RelaxedAddress,
    /// Expiry and security code go along to provision a network token.
    NetworkTokens,
    /// Retrieved numbers come whole, not masked.
    UnmaskedRetrieve,
    /// A payment that creates tokens creates a customer.
    TokenCustomer,
    /// A payment that creates tokens creates a payment instrument.
    TokenInstrument,
    /// A payment that creates tokens creates an instrument identifier.
    TokenIdentifier,
    /// A card is verified before its token is made.
    Preauthorization,
    /// A lost payment is looked for, and kept when it is found.
    KeepUnknown,
}

impl Setting {
    /// The settings by the names that tables and configuration use.
    pub const NAMES: [(&'static str, Setting); 8] = [
        ("relaxed_address", Setting::RelaxedAddress),
        ("network_tokens", Setting::NetworkTokens),
        ("unmasked_retrieve", Setting::UnmaskedRetrieve),
        ("token_customer", Setting::TokenCustomer),
        ("token_instrument", Setting::TokenInstrument),
        ("token_identifier", Setting::TokenIdentifier),
        ("preauthorization", Setting::Preauthorization),
        ("keep_unknown", Setting::KeepUnknown),
    ];
}

/// What conditions are tested against.
#[derive(Clone, Copy)]
pub struct Facts<'f> {
    /// The request.
    pub values: &'f Values<'f>,
    /// The merchant.
    pub settings: &'f Settings,
    /// The way in which the request is meant.
    pub variant: u8,
    /// The replies so far.
    pub replies: &'f Replies,
    /// The bodies of the service.
    pub bodies: &'f [Arc<Body>],
    /// The method of the call at hand.
    pub method: Option<&'f Method>,
    /// The offer at hand.
    pub offer: Option<Offer<'f>>,
    /// The decimals of the request's currency.
    pub decimals: usize,
    /// What the earlier request made that this one follows, where that is known.
    pub kind: Option<&'f str>,
    /// The sum of the offers, where there are any.
    pub total: Option<&'f str>,
    /// The amount with which this request's card is verified, where it can be.
    pub preauthorization: Option<&'f str>,
    /// The id of the call at hand, unique for the merchant.
    pub transaction_id: &'f str,
    /// The id of the request, where what is too long for REST is kept aside.
    pub side: Option<&'f str>,
}

/// The number of no way in which a service can be meant.
pub const NO_VARIANT: u8 = u8::MAX;

impl<'f> Facts<'f> {
    /// The facts where no request was opened.
    pub fn without_request(
        values: &'f Values<'f>,
        settings: &'f Settings,
        replies: &'f Replies,
        bodies: &'f [Arc<Body>],
    ) -> Facts<'f> {
        Facts {
            values,
            settings,
            variant: NO_VARIANT,
            replies,
            bodies,
            method: None,
            offer: None,
            decimals: 2,
            kind: None,
            total: None,
            preauthorization: None,
            transaction_id: "",
            side: None,
        }
    }

    /// The value of a field: of the offer at hand, where there is one.
    pub fn value(&self, field: FieldId) -> Option<&'f str> {
        match self.offer {
            Some(offer) => offer.get(field),
            None => self.values.get(field),
        }
    }

    /// A value that the gateway makes for a call.
    pub fn made(&self, computed: Computed) -> Option<Cow<'f, str>> {
        match computed {
            Computed::Total => self.total.map(Cow::Borrowed),
            Computed::Preauthorization => self.preauthorization.map(Cow::Borrowed),
            Computed::TransactionId => {
                Some(self.transaction_id.into()).filter(|id: &Cow<'_, str>| !id.is_empty())
            }
            _ => None,
        }
    }
}

impl Condition {
    /// Whether it can never hold.
    pub fn is_never(&self) -> bool {
        !self.alternatives.is_empty()
            && self
                .alternatives
                .iter()
                .all(|tests| tests.iter().any(|t| matches!(t, Test::Never)))
    }

    /// Whether it always holds.
    pub fn is_open(&self) -> bool {
        self.alternatives.is_empty()
    }

    /// The way in which the request must be meant, where each alternative begins with the same.
    pub(super) fn variant(&self) -> Option<u8> {
        let mut variants = self.alternatives.iter().map(|tests| match tests.first() {
            Some(Test::Variant(id)) => Some(*id),
            _ => None,
        });
        let first = variants.next()??;
        variants.all(|other| other == Some(first)).then_some(first)
    }

    /// Whether nothing but the way decides in which the request is meant, or nothing at all.
    pub(super) fn is_of_variant_alone(&self) -> bool {
        let alone = |tests: &[Test]| matches!(tests, [Test::Variant(_)]);
        self.is_open() || matches!(&self.alternatives[..], [tests] if alone(tests))
    }

    /// Whether it holds.
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        self.alternatives.is_empty()
            || self
                .alternatives
                .iter()
                .any(|tests| tests.iter().all(|test| test.holds(facts)))
    }
}

impl Test {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        let came = |field: &FieldId| facts.values.get(*field).is_some();
        match self {
            Test::Variant(id) => facts.variant == *id,
            Test::Setting(setting, wanted) => facts.settings.is_on(*setting) == *wanted,
            Test::Processor(names) => facts
                .settings
                .processor
                .as_ref()
                .is_some_and(|name| names.contains(name)),
            Test::All(fields) => fields.iter().all(came),
            Test::Any(fields) => fields.iter().any(came),
            Test::Absent(fields) => !fields.iter().any(came),
            Test::Equals(field, values) => facts
                .values
                .get(*field)
                .is_some_and(|came| values.iter().any(|value| came.eq_ignore_ascii_case(value))),
            Test::Differs(field, values) => facts
                .values
                .get(*field)
                .is_some_and(|came| !values.iter().any(|value| came.eq_ignore_ascii_case(value))),
            Test::Says(field, wanted) => facts
                .values
                .get(*field)
                .is_some_and(|came| is_true(came) == *wanted),
            Test::Method(method) => facts.method == Some(method),
            Test::Mapped(body) => facts.bodies[*body].is_triggered(facts),
            Test::Has(place, wanted) => facts.replies.has(place) == *wanted,
            Test::Shows(place, values) => facts
                .replies
                .text(place)
                .is_some_and(|shown| values.iter().any(|value| *value == shown)),
            Test::Names(field, kind) => facts
                .values
                .get(*field)
                .is_some_and(|id| facts.settings.token_ids.kind(id) == *kind),
            Test::Preauthorization(amounts) => facts
                .preauthorization
                .is_some_and(|amount| amounts.iter().any(|known| known == amount)),
            Test::Run(step, wanted) => facts.replies.has_run(*step) == *wanted,
            Test::Kind(kinds) => facts
                .kind
                .is_none_or(|kind| kinds.iter().any(|known| known == kind)),
            Test::Total(wanted) => facts.total.is_some() == *wanted,
            Test::Never => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_that_a_condition_asks_for_is_told() {
        let (one, other) = (Test::Variant(1), Test::Variant(2));
        let came = || Test::Setting(Setting::RelaxedAddress, true);
        for (alternatives, variant, alone) in [
            (vec![], None, true),
            (vec![vec![one.clone()]], Some(1), true),
            (vec![vec![one.clone(), came()]], Some(1), false),
            (
                vec![vec![one.clone()], vec![one.clone(), came()]],
                Some(1),
                false,
            ),
            (vec![vec![one.clone()], vec![other]], None, false),
            (vec![vec![one.clone()], vec![came()]], None, false),
            (vec![vec![came(), one]], None, false),
            (vec![vec![]], None, false),
        ] {
            let alternatives: Vec<Box<[Test]>> = alternatives.into_iter().map(Vec::into).collect();
            let condition = Condition {
                alternatives: alternatives.into(),
            };
            assert_eq!(condition.variant(), variant, "{condition:?}");
            assert_eq!(condition.is_of_variant_alone(), alone, "{condition:?}");
        }
    }
}
