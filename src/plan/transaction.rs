//! The id by which REST knows a call.

use std::io::Write as _;

use smallvec::SmallVec;

use crate::clock::digits;

/// The request's id and the number of the call: 24 digits, unique for the merchant. REST takes no payment twice under the
/// same, and reverses one by it.
pub struct TransactionId(SmallVec<[u8; 32]>);

impl TransactionId {
    /// That of a request's call, counted from 1.
    pub fn new(request_id: &str, call: u32) -> TransactionId {
        let mut text: SmallVec<[u8; 32]> = SmallVec::from_slice(request_id.as_bytes());
        if call < 100 {
            text.extend(digits::<2>(call.into()));
        } else {
            // What grows as needed takes everything.
            let _written = write!(text, "{call}");
        }
        TransactionId(text)
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        // It was put together from texts.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_that_of_the_request_and_the_number_of_the_call() {
        assert_eq!(TransactionId::new("1795", 1).as_str(), "179501");
        assert_eq!(
            TransactionId::new(&"9".repeat(60), 123).as_str(),
            format!("{}123", "9".repeat(60))
        );
    }
}
