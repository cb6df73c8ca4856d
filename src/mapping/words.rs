//! Texts that every request writes again, one behind the other in memory.

/// How many bytes are copied of any shorter text: always as many, so that the processor need not find out how many.
const WIDE: usize = 32;

/// All texts of a body.
#[derive(Debug, PartialEq)]
pub(super) struct Words {
    /// The texts, and after the last one as many bytes as may be copied with it.
    bytes: Vec<u8>,
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Word {
    at: u32,
    length: u16,
}

impl Default for Words {
    fn default() -> Words {
        Words {
            bytes: vec![0; WIDE],
        }
    }
}

impl Words {
    /// Adds a text of at most 65,535 bytes: no member's name comes near.
    pub(super) fn add(&mut self, text: &str) -> Word {
        let at = self.bytes.len() - WIDE;
        self.bytes.truncate(at);
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.extend_from_slice(&[0; WIDE]);
        Word {
            at: at as u32,
            length: text.len() as u16,
        }
    }

    /// Writes a text.
    pub(super) fn write(&self, word: Word, out: &mut Vec<u8>) {
        let (at, length) = (word.at as usize, usize::from(word.length));
        match self.bytes[at..].first_chunk::<WIDE>() {
            Some(wide) if length <= WIDE => {
                out.extend_from_slice(wide);
                out.truncate(out.len() - (WIDE - length));
            }
            _ => out.extend_from_slice(self.bytes(word)),
        }
    }

    /// A text.
    pub(super) fn bytes(&self, word: Word) -> &[u8] {
        let at = word.at as usize;
        &self.bytes[at..at + usize::from(word.length)]
    }
}

impl Word {
    /// Without its first byte.
    pub(super) fn without_first(self) -> Word {
        Word {
            at: self.at + u32::from(self.length > 0),
            length: self.length.saturating_sub(1),
        }
    }

    /// Without its last byte.
    pub(super) fn without_last(self) -> Word {
        Word {
            at: self.at,
            length: self.length.saturating_sub(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_written_whatever_their_length() {
        let mut words = Words::default();
        let texts = ["", "a", &"b".repeat(WIDE), &"c".repeat(WIDE + 1), "last"];
        let known = texts.map(|text| words.add(text));
        let mut out = b"x".to_vec();
        for word in known {
            words.write(word, &mut out);
        }
        assert_eq!(out, format!("x{}", texts.concat()).as_bytes());
        out.clear();
        for word in [
            known[0].without_first(),
            known[4].without_first(),
            known[4].without_last(),
        ] {
            words.write(word, &mut out);
        }
        assert_eq!(out, b"astlas");
    }
}
