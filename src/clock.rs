//! The time as text. A thread works out a second's text once: requests come many in a second.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::tz::Offset;
use jiff::{Timestamp, civil::DateTime};

/// `YYYY-MM-DDThh:mm:ss`, in UTC.
pub type Second = [u8; 19];

/// Seconds since 1970, and their text.
type Known = (u64, Second);

thread_local! {
    static LATEST: Cell<Known> = const { Cell::new((0, *b"1970-01-01T00:00:00")) };
}

/// The second that a time lies in, and the microseconds since it began. What lies before 1970 is 1970.
pub fn second(now: SystemTime) -> (Second, u32) {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (known, mut text) = LATEST.get();
    if known != since.as_secs() {
        text = text_of(now);
        LATEST.set((since.as_secs(), text));
    }
    (text, since.subsec_micros())
}

fn text_of(now: SystemTime) -> Second {
    // Its errors lie beyond the year 9999.
    let now = Timestamp::try_from(now.max(UNIX_EPOCH)).unwrap_or(Timestamp::MAX);
    let time: DateTime = Offset::UTC.to_datetime(now);
    // None of them is less than 0 here.
    let two = |number: i8| digits::<2>(number.unsigned_abs().into());
    let mut text = *b"0000-00-00T00:00:00";
    text[..4].copy_from_slice(&digits::<4>(time.year().unsigned_abs().into()));
    text[5..7].copy_from_slice(&two(time.month()));
    text[8..10].copy_from_slice(&two(time.day()));
    text[11..13].copy_from_slice(&two(time.hour()));
    text[14..16].copy_from_slice(&two(time.minute()));
    text[17..].copy_from_slice(&two(time.second()));
    text
}

/// The last `N` decimal digits of a number, with zeros before it.
pub fn digits<const N: usize>(number: u64) -> [u8; N] {
    let mut digits = [b'0'; N];
    let mut left = number;
    for digit in digits.iter_mut().rev() {
        if left == 0 {
            break;
        }
        // Less than ten.
        *digit += (left % 10) as u8;
        left /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_second_is_told_once_and_then_the_next() {
        let time = UNIX_EPOCH + Duration::from_secs(1_439_333_277);
        for (micros, later, expected) in [
            (0, 0, b"2015-08-11T22:47:57"),
            (999_999, 0, b"2015-08-11T22:47:57"),
            (5, 3, b"2015-08-11T22:48:00"),
        ] {
            let now = time + Duration::from_secs(later) + Duration::from_micros(micros);
            assert_eq!(second(now), (*expected, micros as u32));
        }
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(second(before), (*b"1970-01-01T00:00:00", 0));
    }

    proptest! {
        #[test]
        fn it_is_the_time(seconds in 0..253_402_207_200_u64) {
            let now = UNIX_EPOCH + Duration::from_secs(seconds);
            let library = Timestamp::try_from(now).unwrap().to_string();
            let (text, _) = second(now);
            prop_assert_eq!(format!("{}Z", String::from_utf8_lossy(&text)), library);
        }

        #[test]
        fn digits_are_those_of_the_number(number in 0..10_000_000_000_u64) {
            prop_assert_eq!(digits::<10>(number).to_vec(), format!("{number:010}").into_bytes());
        }
    }
}
