//! The members of each resource, with their lengths.
//!
//! Names are the spec's; where resources spell one thing in two ways, both are here. Lengths are
//! those of the TMS guide and spec, which are tighter than PTS's; where neither states one,
//! [`LONG`] only keeps absurd values out.

use super::shape::{Rule, Shape};
use Rule::{Flag, Month, OneOf, Text, Year};

/// For members whose length no source states.
const LONG: usize = 255;

/// The names that merchant-defined data can have (spec).
const DATA_NAMES: &[&str] = &[
    "data1",
    "data2",
    "data3",
    "data4",
    "sensitive1",
    "sensitive2",
    "sensitive3",
    "sensitive4",
];

/// An instrument identifier, but for the numbers, which the module `number` checks.
///
/// Expiry and security code serve network tokens only: they are checked and not kept.
pub(crate) const INSTRUMENT_IDENTIFIER: Shape = &[
    ("type", OneOf(ENROLLABLE)),
    ("card.expirationMonth", Month),
    ("card.expirationYear", Year),
    ("card.securityCode", Text(4)),
    (
        concat!(
            "processingInformation.authorizationOptions.initiator.",
            "merchantInitiatedTransaction.previousTransactionId"
        ),
        Text(15),
    ),
    (
        concat!(
            "processingInformation.authorizationOptions.initiator.",
            "merchantInitiatedTransaction.originalAuthorizedAmount"
        ),
        Text(15),
    ),
    ("billTo.address1", Text(60)),
    ("billTo.address2", Text(60)),
    ("billTo.locality", Text(50)),
    ("billTo.administrativeArea", Text(20)),
    ("billTo.postalCode", Text(10)),
    ("billTo.country", Text(2)),
];

/// The types of instrument identifiers whose card gets a network token (spec).
pub(crate) const ENROLLABLE: &[&str] = &["enrollable card", "enrollable token"];

/// What a network token is made of, but for the card's number.
pub(crate) const TOKENIZED_CARD: Shape = &[
    ("source", OneOf(&["ONFILE", "TOKEN", "ISSUER"])),
    ("createPanInstrumentIdentifier", Flag),
    ("card.expirationMonth", Month),
    ("card.expirationYear", Year),
    ("card.type", Text(3)),
];

/// An event that an issuer would send.
pub(crate) const LIFE_CYCLE_EVENT: Shape = &[
    ("state", OneOf(&["ACTIVE", "SUSPENDED", "DELETED"])),
    ("card.last4", Text(4)),
    ("card.expirationMonth", Month),
    ("card.expirationYear", Year),
    ("metadata.cardArt.combinedAsset.update", Text(LONG)),
];

/// A call for what pays.
pub(crate) const PAYMENT_CREDENTIALS: Shape = &[(
    "paymentCredentialType",
    OneOf(&["NETWORK_TOKEN", "SECURITY_CODE", "CRYPTOGRAM"]),
)];

/// The deletion of a network token.
pub(crate) const TOKENIZED_CARD_DELETE: Shape = &[
    ("reason.code", OneOf(&["FRAUD", "PAYMENT_METHOD_REMOVED"])),
    ("reason.description", Text(LONG)),
];

/// A customer.
pub(crate) const CUSTOMER: Shape = &[
    ("objectInformation.title", Text(LONG)),
    ("objectInformation.comment", Text(LONG)),
    ("buyerInformation.merchantCustomerID", Text(100)),
    ("buyerInformation.merchantCustomerId", Text(100)),
    ("buyerInformation.email", Text(LONG)),
    ("clientReferenceInformation.code", Text(50)),
    ("merchantDefinedInformation[].name", OneOf(DATA_NAMES)),
    ("merchantDefinedInformation[].value", Text(100)),
    ("defaultPaymentInstrument.id", Text(32)),
    ("defaultShippingAddress.id", Text(32)),
];

/// A payment instrument.
pub(crate) const PAYMENT_INSTRUMENT: Shape = &[
    ("default", Flag),
    ("card.type", Text(20)),
    ("card.expirationMonth", Month),
    ("card.expirationYear", Year),
    ("card.issueNumber", Text(2)),
    ("card.startMonth", Month),
    ("card.startYear", Year),
    ("card.useAs", Text(20)),
    ("bankAccount.type", Text(18)),
    ("buyerInformation.companyTaxID", Text(9)),
    ("buyerInformation.currency", Text(3)),
    ("buyerInformation.dateOfBirth", Text(10)),
    ("buyerInformation.personalIdentification[].id", Text(26)),
    ("buyerInformation.personalIdentification[].type", Text(LONG)),
    (
        "buyerInformation.personalIdentification[].issuedBy.administrativeArea",
        Text(20),
    ),
    ("billTo.firstName", Text(60)),
    ("billTo.lastName", Text(60)),
    ("billTo.company", Text(60)),
    ("billTo.address1", Text(60)),
    ("billTo.address2", Text(60)),
    ("billTo.locality", Text(50)),
    ("billTo.administrativeArea", Text(20)),
    ("billTo.postalCode", Text(10)),
    ("billTo.country", Text(2)),
    ("billTo.email", Text(255)),
    ("billTo.phoneNumber", Text(15)),
    ("processingInformation.billPaymentProgramEnabled", Flag),
    ("processingInformation.bankTransferOptions.SECCode", Text(3)),
    (
        "merchantInformation.merchantDescriptor.alternateName",
        Text(LONG),
    ),
    ("instrumentIdentifier.id", Text(32)),
];

/// A shipping address.
pub(crate) const SHIPPING_ADDRESS: Shape = &[
    ("default", Flag),
    ("shipTo.firstName", Text(60)),
    ("shipTo.lastName", Text(60)),
    ("shipTo.company", Text(60)),
    ("shipTo.address1", Text(60)),
    ("shipTo.address2", Text(60)),
    ("shipTo.locality", Text(50)),
    ("shipTo.administrativeArea", Text(20)),
    ("shipTo.postalCode", Text(10)),
    ("shipTo.country", Text(2)),
    ("shipTo.email", Text(255)),
    ("shipTo.phoneNumber", Text(15)),
];
