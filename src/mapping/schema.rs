//! The tables as they are written. `mappings/README.md` explains them to those who write them.

use indexmap::IndexMap;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

pub use super::lines::{Lines, Unreadable};
pub use super::schema_bundles::{RawBundle, RawBundles, RawPreauthorization, RawPreauthorizations};
pub use super::schema_flags::{RawFlags, RawFound, RawLookUp, RawOutcome, RawSettle, RawText};
pub use super::schema_rest::{RawMember, RawOperation, RawRest};
pub use super::schema_steps::{RawKeep, RawStep, RawUndo, RawWay};

macro_rules! unreadable {
    ($file:ty: $($lines:ident),*) => {
        impl Unreadable for $file {
            fn unreadable(&self) -> Vec<(usize, String)> {
                let all: Vec<&[(usize, String)]> = vec![$(self.$lines.bad()),*];
                all.into_iter().flatten().cloned().collect()
            }
        }
    };
}

unreadable!(RawBody: lines, offers);
unreadable!(RawService: variants, require, exclude, drop, unchanged, reply, steps);
unreadable!(RawFlags: rest, settle, found);
unreadable!(RawBundles: bundles);
unreadable!(RawPreauthorizations: amounts);
unreadable!(RawRest:);
unreadable!(RawFields:);
unreadable!(RawCodes:);

/// One line of `fields/*.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawField {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub max: Option<u16>,
    #[serde(default)]
    pub processor_max: IndexMap<String, u16>,
    #[serde(default)]
    pub values: Vec<String>,
    #[serde(default)]
    pub exact_case: bool,
    pub code: Option<String>,
    #[serde(default)]
    pub aliases: Vec<String>,
    pub sensitivity: Option<String>,
    /// A value that looks like a card number is refused.
    #[serde(default)]
    pub no_card: bool,
    #[serde(default)]
    pub control: bool,
    pub export: Option<String>,
}

/// `fields/*.toml`.
pub type RawFields = IndexMap<Spanned<String>, Spanned<RawField>>;

/// One line of a table in `codes.toml`.
#[derive(Debug)]
pub enum RawCode {
    /// `code = "rest value"`.
    Plain(String),
    /// `code = { rest = "…", also = ["…"] }`.
    Full(RawFullCode),
}

impl<'de> Deserialize<'de> for RawCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawCode, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(RawCode::Plain(text)),
            full => RawFullCode::deserialize(full)
                .map(RawCode::Full)
                .map_err(|error| D::Error::custom(error.message())),
        }
    }
}

/// The long form of a code.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFullCode {
    pub rest: String,
    #[serde(default)]
    pub also: Vec<String>,
    pub number: Option<String>,
}

/// `codes.toml`.
pub type RawCodes = IndexMap<Spanned<String>, IndexMap<Spanned<String>, Spanned<RawCode>>>;

/// `bodies/*.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawBody {
    pub resource: Spanned<String>,
    /// Operations that take less than this object get the lines whose members they have.
    #[serde(default)]
    pub shared: bool,
    #[serde(default)]
    pub lines: Lines<RawLine>,
    /// How the offers are summed up.
    pub total: Option<Spanned<RawTotal>>,
    /// Where the offers go.
    pub offers_at: Option<Spanned<String>>,
    /// One element of that array.
    #[serde(default)]
    pub offers: Lines<RawLine>,
}

/// The fields of an offer that make the total: amount times quantity, plus tax.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTotal {
    pub amount: String,
    pub quantity: String,
    pub tax: String,
}

/// One mapping line of a request body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLine {
    pub path: String,
    pub field: Option<String>,
    pub constant: Option<toml::Value>,
    pub reply: Option<String>,
    pub computed: Option<String>,
    pub transform: Option<String>,
    /// What the value stands in, as `{}`.
    pub within: Option<String>,
    pub trigger: Option<bool>,
    pub when: Option<RawWhen>,
}

/// A condition: all of one table's tests, or any of several tables.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum RawWhen {
    /// `when = { … }`.
    All(Box<RawTests>),
    /// `when = [{ … }, { … }]`.
    Any(Vec<RawTests>),
}

/// The tests of one condition.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTests {
    pub variant: Option<String>,
    pub setting: Option<String>,
    pub setting_off: Option<String>,
    #[serde(default)]
    pub processor: Vec<String>,
    #[serde(default)]
    pub all: Vec<String>,
    #[serde(default)]
    pub any: Vec<String>,
    #[serde(default)]
    pub absent: Vec<String>,
    #[serde(default)]
    pub equals: IndexMap<String, RawWords>,
    #[serde(default)]
    pub differs: IndexMap<String, RawWords>,
    #[serde(default)]
    pub names: IndexMap<String, String>,
    #[serde(default)]
    pub preauthorization: Vec<String>,
    #[serde(default)]
    pub shows: IndexMap<String, RawWords>,
    pub method: Option<String>,
    pub mapped: Option<String>,
    #[serde(default)]
    pub has: Vec<String>,
    #[serde(default)]
    pub lacks: Vec<String>,
    #[serde(default)]
    pub run: Vec<String>,
    #[serde(default)]
    pub not_run: Vec<String>,
    #[serde(default)]
    pub with: Vec<String>,
    #[serde(default)]
    pub without: Vec<String>,
    #[serde(default)]
    pub kind: Vec<String>,
    pub total: Option<bool>,
}

/// `services/*.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawService {
    pub service: Spanned<String>,
    pub prefix: Option<String>,
    #[serde(default)]
    pub variants: Lines<RawVariant>,
    #[serde(default)]
    pub require: Lines<RawRequire>,
    #[serde(default)]
    pub exclude: Lines<RawExclude>,
    #[serde(default)]
    pub drop: Lines<RawDrop>,
    #[serde(default)]
    pub unchanged: Lines<RawUnchanged>,
    #[serde(default)]
    pub reply: Lines<RawReply>,
    /// The service after which this one runs by itself.
    pub after: Option<Spanned<String>>,
    pub follow_on: Option<RawFollowOn>,
    pub fails_as: Option<Spanned<RawFailsAs>>,
    #[serde(default, rename = "step")]
    pub steps: Lines<RawStep>,
}

/// The request that this one follows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFollowOn {
    pub field: Spanned<String>,
    pub token: Spanned<String>,
}

/// What is said of any failure of a service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFailsAs {
    pub refusal: String,
    pub when: Option<RawWhen>,
}

/// What a step makes, in the words by which later requests tell it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawMakes {
    pub kind: String,
    pub id: String,
    pub when: Option<RawWhen>,
}

/// One way in which a service is meant, e.g. by card or by check.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawVariant {
    pub name: String,
    pub when: Option<RawWhen>,
}

/// A field that must be there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRequire {
    pub field: String,
    pub refusal: Option<String>,
    pub when: Option<RawWhen>,
}

/// A known field that is deliberately not sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDrop {
    pub field: String,
    pub reason: String,
    #[serde(default)]
    pub checked: bool,
    pub when: Option<RawWhen>,
}

/// Fields that may not come together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawExclude {
    pub fields: [String; 2],
    pub when: Option<RawWhen>,
}

/// A field whose masked value means "as it is stored".
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawUnchanged {
    pub field: String,
    pub stored: String,
    pub refusal: String,
    #[serde(default)]
    pub plain: bool,
    pub when: Option<RawWhen>,
}

/// One line of the reply.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawReply {
    pub field: String,
    pub from: Option<RawWords>,
    pub constant: Option<String>,
    pub none: Option<String>,
    pub transform: Option<String>,
    pub default: Option<String>,
    pub when: Option<RawWhen>,
}

/// One word or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum RawWords {
    /// `"…"`.
    One(String),
    /// `["…", "…"]`.
    Several(Vec<String>),
}

impl RawWords {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            RawWords::One(word) => std::slice::from_ref(word),
            RawWords::Several(words) => words,
        }
    }
}
