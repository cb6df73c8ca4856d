//! Lines found by the field that they are about, so that a request costs what it holds and not what the tables hold.

use super::field::FieldId;

/// For each field the numbers of the lines that are about it, in order.
#[derive(Debug, Default, PartialEq)]
pub struct ByField {
    /// Where each field's lines begin; one more at the end.
    starts: Vec<u32>,
    lines: Vec<u16>,
}

impl ByField {
    /// An index of lines, given each with its field.
    pub fn new(lines: impl Iterator<Item = (FieldId, u16)>) -> ByField {
        let mut sorted: Vec<(FieldId, u16)> = lines.collect();
        sorted.sort_unstable();
        let fields = sorted.last().map_or(0, |(last, _)| usize::from(last.0) + 1);
        let before = |field: usize| sorted.partition_point(|(id, _)| usize::from(id.0) < field);
        ByField {
            starts: (0..=fields).map(|field| before(field) as u32).collect(),
            lines: sorted.into_iter().map(|(_, line)| line).collect(),
        }
    }

    /// The lines of a field.
    pub fn of(&self, field: FieldId) -> &[u16] {
        let at = usize::from(field.0);
        match self.starts.get(at..at + 2) {
            Some(&[start, end]) => &self.lines[start as usize..end as usize],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_their_field() {
        let index = ByField::new(
            [(3, 0), (1, 1), (3, 2)]
                .map(|(id, at)| (FieldId(id), at))
                .into_iter(),
        );
        let found: Vec<&[u16]> = (0..5).map(|id| index.of(FieldId(id))).collect();
        assert_eq!(found, [&[][..], &[1], &[], &[0, 2], &[]]);
        assert_eq!(ByField::default().of(FieldId(0)), [0; 0]);
    }
}
