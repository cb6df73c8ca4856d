//! Numbers that are marked, and then gone through in order.

use smallvec::SmallVec;

/// Marked numbers; room for a few hundred needs no memory of its own.
pub(super) struct Marks(SmallVec<[u64; 8]>);

impl Marks {
    /// None of the numbers below `numbers` is marked.
    pub(super) fn new(numbers: usize) -> Marks {
        Marks(SmallVec::from_elem(0, numbers.div_ceil(64)))
    }

    /// Marks numbers.
    pub(super) fn set(&mut self, numbers: &[u16]) {
        for number in numbers {
            self.0[usize::from(number / 64)] |= 1 << (number % 64);
        }
    }

    /// The marked numbers, in rising order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let next = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(at * 64 + next)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_numbers_come_in_order() {
        let mut marks = Marks::new(130);
        marks.set(&[129, 0, 64]);
        marks.set(&[63, 0]);
        assert_eq!(marks.iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
    }
}
