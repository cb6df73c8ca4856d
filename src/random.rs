//! Random bytes for ids and pauses, which are to differ and need not be secret: many are made at a time, for each call to
//! the system's generator costs as much as hundreds of bytes.

use std::cell::RefCell;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;

/// How many bytes a thread makes at a time.
const STOCK: usize = 512;

struct Stock {
    bytes: [u8; STOCK],
    /// How many were given out.
    given: usize,
}

thread_local! {
    static BYTES: RefCell<Stock> = const {
        RefCell::new(Stock {
            bytes: [0; STOCK],
            given: STOCK,
        })
    };
}

/// Random bytes, no two calls the same ones.
///
/// # Errors
///
/// When the system gives none.
pub fn bytes<const N: usize>() -> Result<[u8; N], Unspecified> {
    const { assert!(N <= STOCK) };
    BYTES.with_borrow_mut(|stock| {
        if stock.given + N > STOCK {
            rand::fill(&mut stock.bytes)?;
            stock.given = 0;
        }
        let mut given = [0; N];
        let from = &mut stock.bytes[stock.given..stock.given + N];
        given.copy_from_slice(from);
        from.fill(0);
        stock.given += N;
        Ok(given)
    })
}

/// The two hexadecimal digits of a byte, in lower case.
pub fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [byte >> 4, byte & 15].map(|half| DIGITS[usize::from(half)])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn bytes_are_told_in_two_digits() {
        for byte in 0..=u8::MAX {
            assert_eq!(hex(byte), *format!("{byte:02x}").as_bytes());
        }
    }

    #[test]
    fn no_bytes_are_given_twice() {
        let made = || (0..1000).map(|_| bytes::<16>().expect("the system gives some"));
        let other = std::thread::spawn(move || made().collect::<Vec<_>>());
        let all: HashSet<[u8; 16]> = made().chain(other.join().expect("no panic")).collect();
        assert_eq!(all.len(), 2000);
    }
}
