//! Lists of lines whose faults do not hide each other.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// Lines that keep their places in the file. One that cannot be read does not hide the faults of the others.
#[derive(Debug)]
pub struct Lines<T> {
    good: Vec<Spanned<T>>,
    bad: Vec<(usize, String)>,
}

impl<T> Default for Lines<T> {
    fn default() -> Lines<T> {
        Lines {
            good: Vec::new(),
            bad: Vec::new(),
        }
    }
}

impl<T> Lines<T> {
    /// The lines that could not be read: where, and why.
    pub fn bad(&self) -> &[(usize, String)] {
        &self.bad
    }
}

impl<T> std::ops::Deref for Lines<T> {
    type Target = [Spanned<T>];

    fn deref(&self) -> &[Spanned<T>] {
        &self.good
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Lines<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lines<T>, D::Error> {
        deserializer.deserialize_seq(LineByLine(PhantomData))
    }
}

/// Reads a line, and only then the next: as TOML values all of them together would take more memory than whatever is made
/// of them.
struct LineByLine<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for LineByLine<T> {
    type Value = Lines<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Lines<T>, A::Error> {
        let mut lines = Lines::default();
        while let Some(line) = all.next_element::<Spanned<toml::Value>>()? {
            let span = line.span();
            match T::deserialize(line.into_inner()) {
                Ok(good) => lines.good.push(Spanned::new(span, good)),
                Err(error) => lines.bad.push((span.start, error.message().to_owned())),
            }
        }
        lines.good.shrink_to_fit();
        Ok(lines)
    }
}

/// A file's lines that could not be read: where, and why.
pub trait Unreadable {
    /// Offsets and messages.
    fn unreadable(&self) -> Vec<(usize, String)>;
}
