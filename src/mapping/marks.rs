//! Numbers that are marked, and then gone through in order.

use smallvec::SmallVec;

/// Marked numbers; room for a few hundred needs no memory of its own.
pub(super) struct Marks(SmallVec<[u64; 8]>);

impl Marks {
    /// None of the numbers below `numbers` is marked.
    pub(super) fn new(numbers: usize) -> Marks {
        Marks(SmallVec::from_elem(0, numbers.div_ceil(64)))
    }

    /// All of the numbers below `numbers`, which are no more than 64, are marked.
    pub(super) fn all(numbers: usize) -> Marks {
        let none = u64::MAX.checked_shl(numbers as u32).unwrap_or(0);
        Marks(SmallVec::from_slice(&[!none]))
    }

    /// For marking many.
    pub(super) fn marking(&mut self) -> Marking<'_> {
        Marking(&mut self.0)
    }

    /// How many are marked.
    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Does something for each marked number, in rising order.
    pub(super) fn for_each(&self, mut what: impl FnMut(usize)) {
        for (at, word) in self.0.iter().enumerate() {
            let mut left = *word;
            while left != 0 {
                what(at * 64 + left.trailing_zeros() as usize);
                left &= left - 1;
            }
        }
    }
}

/// Numbers that are being marked.
pub(super) struct Marking<'m>(&'m mut [u64]);

impl Marking<'_> {
    /// Marks numbers.
    pub(super) fn set(&mut self, numbers: &[u16]) {
        for number in numbers {
            self.0[usize::from(number / 64)] |= 1 << (number % 64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_numbers_come_in_order() {
        let mut marks = Marks::new(130);
        let mut marking = marks.marking();
        marking.set(&[129, 0, 64]);
        marking.set(&[63, 0]);
        let mut marked = Vec::new();
        marks.for_each(|number| marked.push(number));
        assert_eq!(marked, [0, 63, 64, 129]);
        assert_eq!(marks.count(), marked.len());
    }

    #[test]
    fn all_of_a_few_are_marked() {
        for numbers in [0, 1, 16, 64] {
            let mut marked = Vec::new();
            Marks::all(numbers).for_each(|number| marked.push(number));
            assert_eq!(marked, (0..numbers).collect::<Vec<_>>());
        }
    }
}
