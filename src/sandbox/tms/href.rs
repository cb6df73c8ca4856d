//! The path of each token: its links, its `Location`, and the key under which a deletion is
//! remembered.

/// An instrument identifier.
pub(crate) fn identifier(id: &str) -> String {
    format!("/tms/v1/instrumentidentifiers/{id}")
}

/// The payment instruments that use an identifier.
pub(crate) fn identifier_instruments(id: &str) -> String {
    format!("/tms/v1/instrumentidentifiers/{id}/paymentinstruments")
}

/// A customer.
pub(crate) fn customer(id: &str) -> String {
    format!("/tms/v2/customers/{id}")
}

/// A payment instrument that no customer owns.
pub(crate) fn lone_instrument(id: &str) -> String {
    format!("/tms/v1/paymentinstruments/{id}")
}

/// A network token.
pub(crate) fn tokenized_card(id: &str) -> String {
    format!("/tms/v2/tokenized-cards/{id}")
}

/// A customer's payment instruments.
pub(crate) fn instruments(owner: &str) -> String {
    format!("/tms/v2/customers/{owner}/payment-instruments")
}

/// A customer's shipping addresses.
pub(crate) fn addresses(owner: &str) -> String {
    format!("/tms/v2/customers/{owner}/shipping-addresses")
}
