//! Outcomes to reply flags and texts.

use serde_json::Value;

/// What the gateway says of an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// 1 success, 0 declined, -1 error.
    pub rcode: i8,
    /// The reply flag.
    pub flag: String,
    /// The reply text.
    pub message: String,
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
    fn filled(&self, blamed: Option<&str>, said: Option<&str>) -> String {
        let wants =
            |hole: &str, filling: Option<&str>| self.text.contains(hole) && filling.is_none();
        if wants("{field}", blamed.or(said)) || wants("{message}", said) {
            return self.plain.clone();
        }
        let said = said.unwrap_or_default();
        self.text
            .replace("{field}", blamed.unwrap_or(said))
            .replace("{message}", said)
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
    pub(in crate::mapping) local: Vec<FlagText>,
    pub(in crate::mapping) rest: Vec<Outcome>,
    pub(in crate::mapping) settle: Vec<SettleOutcome>,
}

/// An answer to a call that was to settle another, and what it means.
#[derive(Debug)]
pub struct SettleOutcome {
    /// The family of operations.
    pub group: String,
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
    /// It cannot be done: an operator has to look.
    Stuck,
}

impl Means {
    /// The meanings by the names that tables use.
    pub const NAMES: [(&'static str, Means); 4] = [
        ("settled", Means::Settled),
        ("already", Means::Already),
        ("absent", Means::Absent),
        ("stuck", Means::Stuck),
    ];
}

/// What REST says is wrong.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RestError {
    /// `status`.
    pub status: Option<String>,
    /// `errors[].type`, or the `reason` of other families.
    pub kind: Option<String>,
    /// `errors[].message`, or what other families have in its place.
    pub message: Option<String>,
    /// The paths that the details name, location first.
    pub blamed: Vec<String>,
    /// Whether there are details, be it that they name nothing.
    pub detailed: bool,
}

impl RestError {
    /// Reads the error families of the REST side (rest-api, section 5): `errors[]`, `details[]`, `response.rmsg`, `message`.
    pub fn read(body: &Value) -> RestError {
        let error = body
            .pointer("/errors/0")
            .or_else(|| body.get("errorInformation"))
            .unwrap_or(body);
        let text =
            |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let details = error.get("details").and_then(Value::as_array);
        RestError {
            status: text(body, "status"),
            kind: text(error, "type").or_else(|| text(error, "reason")),
            message: text(error, "message")
                .or_else(|| body.pointer("/response/rmsg")?.as_str().map(str::to_owned)),
            detailed: details.is_some_and(|details| !details.is_empty()),
            blamed: details.into_iter().flatten().filter_map(blamed).collect(),
        }
    }
}

fn blamed(detail: &Value) -> Option<String> {
    let text = |key: &str| {
        detail
            .get(key)
            .and_then(Value::as_str)
            .filter(|t| !t.is_empty())
    };
    match (text("location"), text("name").or_else(|| text("field"))) {
        (Some(location), Some(name)) => Some(format!("{location}.{name}")),
        (None, Some(name)) => Some(name.to_owned()),
        (Some(location), None) => Some(location.to_owned()),
        (None, None) => None,
    }
}

impl Flags {
    /// What the gateway says by itself of a field.
    pub fn local(&self, kind: LocalKind, field: &str, detail: &str) -> Verdict {
        let says = &self.local[kind as usize];
        let message = says
            .text
            .replace("{field}", field)
            .replace("{detail}", detail);
        Verdict {
            rcode: says.rcode,
            flag: says.flag.clone(),
            message,
        }
    }

    /// What an answer to a call that was to settle another means; nothing where it says nothing, and is asked for again.
    pub fn means(&self, group: &str, http: u16, error: &RestError) -> Option<Means> {
        let is =
            |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        let fits = |line: &&SettleOutcome| {
            line.group == group
                && line.http.fits(http)
                && is(&line.status, &error.status)
                && is(&line.kind, &error.kind)
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
        error: &RestError,
        field: Option<&str>,
        id: Option<&str>,
    ) -> Option<(Verdict, bool)> {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
        };
        let fits = |line: &&Outcome| {
            line.http.fits(http)
                && is(&line.group, Some(group))
                && is(&line.status, error.status.as_deref())
                && is(&line.kind, error.kind.as_deref())
                && is(&line.field, field)
                && (!line.unblamed || !error.detailed)
        };
        let line = self.rest.iter().find(fits)?;
        let says = &line.says;
        let blamed = field
            .or(error.blamed.first().map(String::as_str))
            .or(id.filter(|_| line.wrong_id && !error.detailed));
        let message = says.filled(blamed, error.message.as_deref());
        let verdict = Verdict {
            rcode: says.rcode,
            flag: says.flag.clone(),
            message,
        };
        Some((verdict, line.wrong_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_the_error_families() {
        let tms = RestError::read(&json!({"errors": [{"type": "invalidFields", "message": "m",
            "details": [{"name": "number", "location": "card"}]}]}));
        assert_eq!(tms.kind.as_deref(), Some("invalidFields"));
        assert_eq!(tms.blamed, ["card.number"]);
        let auth = RestError::read(&json!({"response": {"rmsg": "Authentication Failed"}}));
        assert_eq!(auth.message.as_deref(), Some("Authentication Failed"));
        let pts = RestError::read(&json!({"reason": "INVALID_DATA", "message": "m",
            "details": [{"field": "a.b", "reason": "INVALID_DATA"}]}));
        assert_eq!(
            (pts.kind.as_deref(), &pts.blamed[..]),
            (Some("INVALID_DATA"), &["a.b".into()][..])
        );
        assert_eq!(RestError::read(&Value::Null), RestError::default());
    }
}
