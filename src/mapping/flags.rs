//! Outcomes to reply flags and texts.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;

use super::lookup::LookUp;
use super::rest_error::RestError;
use super::tables::Reading;

/// What the gateway says of an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'t> {
    /// 1 success, 0 declined, -1 error.
    pub rcode: i8,
    /// The reply flag.
    pub flag: &'t str,
    /// The reply text.
    pub message: Cow<'t, str>,
}

/// What the gateway says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalKind {
    /// All went well.
    Success,
    /// A required field is missing.
    Missing,
    /// A field's value does not fit.
    Invalid,
    /// The card number is missing or wrong.
    Card,
    /// A call that may have changed something was not answered.
    Unknown,
    /// A success that cannot be read.
    Unreadable,
    /// The gateway is at its limit.
    Overload,
    /// What came is no SCMP message.
    NotScmp,
    /// The request is larger than the gateway takes.
    TooLarge,
    /// A line of the request cannot be read.
    Malformed,
    /// A payment went well, and the token that was to come with it did not.
    TokenLost,
    /// A payment went well, and the update of its token did not.
    UpdateLost,
    /// What an id names is known, and is nothing that can be followed so.
    WrongKind,
    /// The same, for a void.
    NotVoidable,
    /// The journal cannot be written: nothing is done that is not on record.
    NoRecord,
    /// A value that is kept aside cannot be read.
    SideUnreadable,
}

impl LocalKind {
    /// The kinds by the names that tables use.
    pub const NAMES: [(&'static str, LocalKind); 16] = [
        ("success", LocalKind::Success),
        ("missing", LocalKind::Missing),
        ("invalid", LocalKind::Invalid),
        ("card", LocalKind::Card),
        ("unknown", LocalKind::Unknown),
        ("unreadable", LocalKind::Unreadable),
        ("overload", LocalKind::Overload),
        ("not_scmp", LocalKind::NotScmp),
        ("too_large", LocalKind::TooLarge),
        ("malformed", LocalKind::Malformed),
        ("token_lost", LocalKind::TokenLost),
        ("update_lost", LocalKind::UpdateLost),
        ("wrong_kind", LocalKind::WrongKind),
        ("not_voidable", LocalKind::NotVoidable),
        ("no_record", LocalKind::NoRecord),
        ("side_unreadable", LocalKind::SideUnreadable),
    ];
}

/// A flag, its code and the pattern of its text.
#[derive(Debug, Clone)]
pub struct FlagText {
    /// 1 success, 0 declined, -1 error.
    pub rcode: i8,
    /// The reply flag.
    pub flag: String,
    /// The text, with `{field}`, `{detail}` and `{message}`.
    pub text: String,
    /// What is said where the pattern wants REST's words and there are none.
    pub plain: String,
}

impl FlagText {
    /// The text, for what is blamed and what REST says.
    fn filled(&self, blamed: Option<&str>, said: Option<&str>) -> Cow<'_, str> {
        if !self.text.contains('{') {
            return self.text.as_str().into();
        }
        let wants =
            |hole: &str, filling: Option<&str>| self.text.contains(hole) && filling.is_none();
        if wants("{field}", blamed.or(said)) || wants("{message}", said) {
            return self.plain.as_str().into();
        }
        let said = said.unwrap_or_default();
        let text = self.text.replace("{field}", blamed.unwrap_or(said));
        text.replace("{message}", said).into()
    }
}

/// A REST outcome and what is said of it.
#[derive(Debug)]
pub struct Outcome {
    /// The family of operations; any where it is not said.
    pub group: Option<String>,
    /// `status` of the reply's body.
    pub status: Option<String>,
    /// Whether the error must blame nothing.
    pub unblamed: bool,
    /// Whether it may mean that an id names something of another kind.
    pub wrong_id: bool,
    /// The HTTP status, or its class.
    pub http: HttpPattern,
    /// The error's type.
    pub kind: Option<String>,
    /// The SCMP field that the error's details must name.
    pub field: Option<String>,
    /// What is said.
    pub says: FlagText,
}

/// Which HTTP statuses are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpPattern {
    /// This one.
    Status(u16),
    /// Those that begin with this digit.
    Class(u16),
    /// All.
    Any,
}

impl HttpPattern {
    fn fits(self, status: u16) -> bool {
        match self {
            HttpPattern::Status(only) => only == status,
            HttpPattern::Class(class) => class == status / 100,
            HttpPattern::Any => true,
        }
    }
}

/// The flags table.
#[derive(Debug)]
pub struct Flags {
    local: Vec<FlagText>,
    rest: Vec<Outcome>,
    settle: Vec<SettleOutcome>,
    /// The lines of [`Flags::rest`] by group, with those for any in each; and those for any alone.
    by_group: HashMap<String, ByClass>,
    of_any: ByClass,
    /// How the answer to a call is read that was to settle another.
    errors: Reading,
    /// The code of each flag, and what is said where nothing else is.
    codes: HashMap<String, (i8, String)>,
    /// How a lost call is looked up.
    pub lookup: LookUp,
}

/// Lines by the first digit of the HTTP status that they are for, those for any in each.
type ByClass = [ByStatus; CLASSES];

/// Lines by the `status` of the body that they are for, those for any in each; and those for any alone.
#[derive(Debug)]
struct ByStatus {
    named: HashMap<String, Vec<u16>>,
    of_any: Vec<u16>,
}

/// The first digits of HTTP statuses: 0, for no answer, to 5; and one for whatever else comes.
const CLASSES: usize = 7;

/// An answer to a call that was to settle another, and what it means.
#[derive(Debug)]
pub struct SettleOutcome {
    /// The family of operations.
    pub group: String,
    /// The method of the call.
    pub method: Option<String>,
    /// The HTTP status, or its class.
    pub http: HttpPattern,
    /// `status` of the reply's body.
    pub status: Option<String>,
    /// The error's type.
    pub kind: Option<String>,
    /// Whether the error must blame nothing.
    pub unblamed: bool,
    /// What it means.
    pub means: Means,
}

/// What an answer to a call that was to settle another means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// What the call is for is done.
    Settled,
    /// It is done already, or cannot be done in this way.
    Already,
    /// There is nothing to settle: the lost call was not carried out.
    Absent,
    /// The next way is tried.
    Next,
    /// It cannot be done: an operator has to look.
    Stuck,
}

impl Means {
    /// The meanings by the names that tables use.
    pub const NAMES: [(&'static str, Means); 5] = [
        ("settled", Means::Settled),
        ("already", Means::Already),
        ("absent", Means::Absent),
        ("next", Means::Next),
        ("stuck", Means::Stuck),
    ];
}

impl Flags {
    /// The table of these lines.
    pub(in crate::mapping) fn new(
        local: Vec<FlagText>,
        rest: Vec<Outcome>,
        settle: Vec<SettleOutcome>,
        codes: HashMap<String, (i8, String)>,
        lookup: LookUp,
    ) -> Flags {
        let of = |group: Option<&String>| by_class(&rest, group);
        let groups = rest.iter().filter_map(|line| line.group.as_ref());
        let by_group = groups
            .map(|group| (group.clone(), of(Some(group))))
            .collect();
        Flags {
            of_any: of(None),
            errors: Reading::of_errors(),
            by_group,
            local,
            rest,
            settle,
            codes,
            lookup,
        }
    }

    /// What the gateway says by itself of a field.
    pub fn local(&self, kind: LocalKind, field: &str, detail: &str) -> Verdict<'_> {
        let says = &self.local[kind as usize];
        let message = match says.text.contains('{') {
            false => says.text.as_str().into(),
            true => {
                let text = says.text.replace("{field}", field);
                text.replace("{detail}", detail).into()
            }
        };
        Verdict {
            rcode: says.rcode,
            flag: &says.flag,
            message,
        }
    }

    /// What a flag says by itself; nothing for one that is not known.
    pub fn known(&self, flag: &str) -> Option<Verdict<'_>> {
        let (flag, (rcode, text)) = self.codes.get_key_value(flag)?;
        Some(Verdict {
            rcode: *rcode,
            flag,
            message: text.into(),
        })
    }

    /// What an answer to a call that was to settle another means; nothing where it says nothing, and is asked for again.
    pub fn means(&self, group: &str, method: &str, http: u16, body: Bytes) -> Option<Means> {
        let Reading { reader, errors } = &self.errors;
        let read = reader.read(body).unwrap_or_else(|| reader.nothing());
        let error = RestError::read(errors, &read);
        let fits = |line: &&SettleOutcome| {
            line.group == group
                && is(&line.method, Some(method))
                && line.http.fits(http)
                && is(&line.status, error.status.as_deref())
                && is(&line.kind, error.kind.as_deref())
                && (!line.unblamed || !error.detailed)
        };
        self.settle.iter().find(fits).map(|line| line.means)
    }

    /// What is said of a REST reply, good or bad; `field` is the SCMP name of what it blames, `id` that of the
    /// id in the call's path. The flag beside it: whether the reply may mean that the id names something of another kind.
    pub fn rest(
        &self,
        group: &str,
        http: u16,
        error: &RestError<'_>,
        field: Option<&str>,
        id: Option<&str>,
    ) -> Option<(Verdict<'_>, bool)> {
        let by_class = self.by_group.get(group).unwrap_or(&self.of_any);
        let mut lines = by_class[class(http)]
            .of(error.status.as_deref())
            .map(|at| &self.rest[usize::from(at)]);
        let line = lines.find(|line| {
            line.http.fits(http)
                && is(&line.kind, error.kind.as_deref())
                && is(&line.field, field)
                && (!line.unblamed || !error.detailed)
        })?;
        let says = &line.says;
        let blamed = field
            .or(error.blamed.first().map(String::as_str))
            .or(id.filter(|_| line.wrong_id && !error.detailed));
        let verdict = Verdict {
            rcode: says.rcode,
            flag: &says.flag,
            message: says.filled(blamed, error.message.as_deref()),
        };
        Some((verdict, line.wrong_id))
    }
}

/// Whether what is found is what is wanted, if anything is.
fn is(wanted: &Option<String>, found: Option<&str>) -> bool {
    wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
}

fn class(http: u16) -> usize {
    usize::from(http / 100).min(CLASSES - 1)
}

/// The lines for a group, by class.
fn by_class(lines: &[Outcome], group: Option<&String>) -> ByClass {
    std::array::from_fn(|wanted| {
        let lines = (0..).zip(lines).filter(|(_, line)| {
            let here = match line.http {
                HttpPattern::Status(only) => class(only) == wanted,
                HttpPattern::Class(only) => class(only * 100) == wanted,
                HttpPattern::Any => true,
            };
            here && (line.group.is_none() || line.group.as_ref() == group)
        });
        ByStatus::new(&lines.collect::<Vec<_>>())
    })
}

impl ByStatus {
    fn new(lines: &[(u16, &Outcome)]) -> ByStatus {
        let of = |status: Option<&String>| {
            let here = |line: &Outcome| line.status.is_none() || line.status.as_ref() == status;
            let lines = lines.iter().filter(|(_, line)| here(line));
            lines.map(|(at, _)| *at).collect()
        };
        let statuses = lines.iter().filter_map(|(_, line)| line.status.as_ref());
        ByStatus {
            named: statuses
                .map(|status| (status.clone(), of(Some(status))))
                .collect(),
            of_any: of(None),
        }
    }

    fn of(&self, status: Option<&str>) -> impl Iterator<Item = u16> {
        let named = status.and_then(|status| self.named.get(status));
        named.unwrap_or(&self.of_any).iter().copied()
    }
}
