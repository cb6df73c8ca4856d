//! The REST side's own words: operations and the members of their objects. Used to check the other tables only.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::mapping::diagnostic::{Diagnostic, hint};
use crate::mapping::path::{JsonPath, Segment};
use crate::mapping::schema::RawRest;
use crate::mapping::side;
use crate::mapping::transform::JsonKind;

use super::Read;
use super::dictionary::named;

/// The operations and objects of the REST side.
#[derive(Default)]
pub struct Vocabulary {
    operations: HashMap<String, Operation>,
    resources: HashMap<String, IndexMap<String, Member>>,
    words: Vec<Words>,
}

/// The words of one group of operations.
struct Words {
    group: String,
    statuses: Vec<String>,
    reasons: Vec<String>,
    kinds: Vec<String>,
}

/// An operation and the objects that it carries.
#[derive(Clone, Default)]
pub struct Operation {
    /// The family by which outcomes are judged: the name of the file.
    pub group: String,
    pub request: Option<String>,
    pub reply: Option<String>,
    /// The member without which a reply is not what was asked for.
    pub proof: Option<JsonPath>,
    /// Whether the API takes the body sealed.
    pub sealable: bool,
}

/// A member of an object.
#[derive(Clone, Default)]
pub struct Member {
    pub max: Option<u16>,
    /// Whether a longer value goes to the side store.
    pub overflow: bool,
    pub kind: JsonKind,
    resource: Option<String>,
}

impl Vocabulary {
    pub fn build(files: &[Read<'_, RawRest>], faults: &mut Vec<Diagnostic>) -> Vocabulary {
        let mut vocabulary = Vocabulary::default();
        for (file, raw) in files {
            vocabulary.words.push(Words {
                group: super::body::name(file).to_owned(),
                statuses: raw.statuses.clone(),
                reasons: raw.reasons.clone(),
                kinds: raw.kinds.clone(),
            });
            for (name, members) in &raw.resources {
                let list = vocabulary.resources.entry(name.clone()).or_default();
                for (path, member) in members {
                    let kind = match member.kind.as_ref().map(|kind| kind.get_ref().as_str()) {
                        None | Some("string") => JsonKind::Text,
                        Some("boolean") => JsonKind::Boolean,
                        Some("number") => JsonKind::Number,
                        Some(other) => {
                            let text = format!(
                                "unknown type \"{other}\"; write string, boolean or number."
                            );
                            faults.push(file.at(path.span().start, text));
                            JsonKind::Text
                        }
                    };
                    if let Some(overflow) = &member.overflow
                        && (overflow.get_ref() != "side"
                            || member.max.is_none_or(|max| max < side::MARK_MAX))
                    {
                        let text = format!(
                            "`overflow` is \"side\", of a member with a `max` of {} or more.",
                            side::MARK_MAX
                        );
                        faults.push(file.at(overflow.span().start, text));
                    }
                    let resource = member.resource.as_ref().map(|name| name.get_ref().clone());
                    list.insert(
                        path.get_ref().clone(),
                        Member {
                            max: member.max,
                            overflow: member.overflow.is_some(),
                            kind,
                            resource,
                        },
                    );
                }
            }
        }
        for (file, raw) in files {
            let mut check = |name: &toml::Spanned<String>| {
                if !vocabulary.resources.contains_key(name.get_ref()) {
                    let hint = hint(
                        name.get_ref(),
                        vocabulary.resources.keys().map(String::as_str),
                    );
                    let text = format!("unknown resource \"{}\"{hint}", name.get_ref());
                    faults.push(file.at(name.span().start, text));
                }
            };
            raw.operations
                .values()
                .flat_map(|o| [&o.request, &o.reply])
                .flatten()
                .for_each(&mut check);
            let members = raw.resources.values().flat_map(|members| members.values());
            members
                .filter_map(|member| member.resource.as_ref())
                .for_each(&mut check);
        }
        for (file, raw) in files {
            let group = super::body::name(file).to_owned();
            for (name, operation) in &raw.operations {
                let text = |name: &Option<toml::Spanned<String>>| {
                    name.as_ref().map(|name| name.get_ref().clone())
                };
                let proof = operation
                    .proof
                    .as_ref()
                    .map(|path| (path, JsonPath::parse(path.get_ref())));
                let proof = match proof {
                    Some((_, Ok(path))) => Some(path),
                    Some((at, Err(message))) => {
                        faults.push(file.at(at.span().start, message));
                        None
                    }
                    None => None,
                };
                let (request, reply) = (text(&operation.request), text(&operation.reply));
                let operation = Operation {
                    group: group.clone(),
                    request,
                    reply,
                    proof,
                    sealable: operation.mle.unwrap_or(true),
                };
                vocabulary
                    .operations
                    .insert(name.get_ref().clone(), operation);
            }
        }
        vocabulary
    }

    pub fn operation(&self, name: &str) -> Result<&Operation, String> {
        self.operations.get(name).ok_or_else(|| {
            let hint = hint(name, self.operations.keys().map(String::as_str));
            format!("unknown REST operation \"{name}\"{hint}")
        })
    }

    /// Whether replies of a group, or of any, have this status.
    pub fn status(&self, group: Option<&str>, name: &str) -> Result<(), String> {
        self.word("status", group, name, |words| &words.statuses)
    }

    /// Whether errors of a group, or of any, have this reason or type.
    pub fn reason(&self, group: Option<&str>, name: &str) -> Result<(), String> {
        self.word("reason", group, name, |words| &words.reasons)
    }

    /// Whether a request can make this.
    pub fn kind(&self, name: &str) -> Result<(), String> {
        self.word("kind", None, name, |words| &words.kinds)
    }

    fn word(
        &self,
        what: &str,
        group: Option<&str>,
        name: &str,
        list: fn(&Words) -> &Vec<String>,
    ) -> Result<(), String> {
        let groups = self.words.iter();
        let groups = groups.filter(|words| group.is_none_or(|group| words.group == group));
        let known: Vec<(&str, ())> = groups
            .flat_map(list)
            .map(|word| (word.as_str(), ()))
            .collect();
        named(what, name, &known).map_err(|wrong| format!("{wrong} They are listed in rest/."))
    }

    /// Whether there is a group of operations of this name.
    pub fn group(&self, name: &str) -> Result<(), String> {
        let groups = self.words.iter().map(|words| (words.group.as_str(), ()));
        named("group", name, &groups.collect::<Vec<_>>())
    }

    pub fn resource(&self, name: &str) -> Result<(), String> {
        match self.resources.contains_key(name) {
            true => Ok(()),
            false => {
                let hint = hint(name, self.resources.keys().map(String::as_str));
                Err(format!("unknown resource \"{name}\"{hint}"))
            }
        }
    }

    /// Whether an object has this member, without the trouble of saying what is near it.
    pub fn has(&self, resource: &str, below: &str, path: &JsonPath) -> bool {
        self.look_up(resource, &format!("{below}{}", path.plain()))
            .is_some()
    }

    /// A leaf member of an object.
    pub fn member(&self, resource: &str, path: &JsonPath) -> Result<Member, String> {
        self.member_below(resource, "", path)
    }

    /// A leaf member of what stands at `below` in an object; that ends with a dot, or is empty.
    pub fn member_below(
        &self,
        resource: &str,
        below: &str,
        path: &JsonPath,
    ) -> Result<Member, String> {
        self.element_keys(resource, below, path)?;
        let plain = format!("{below}{}", path.plain());
        match self.look_up(resource, &plain) {
            Some(member) if member.resource.is_none() => Ok(member.clone()),
            _ => Err(self.unknown(resource, &plain)),
        }
    }

    /// A member of an object, be it a leaf, an object or an array.
    pub fn place(&self, resource: &str, path: &JsonPath) -> Result<(), String> {
        self.element_keys(resource, "", path)?;
        let plain = path.plain();
        match self.look_up(resource, &plain).is_some() || self.is_container(resource, &plain) {
            true => Ok(()),
            false => Err(self.unknown(resource, &plain)),
        }
    }

    /// The member that tells an array's elements apart must be known too.
    fn element_keys(&self, resource: &str, below: &str, path: &JsonPath) -> Result<(), String> {
        let mut plain = below.trim_end_matches('.').to_owned();
        for segment in path.segments() {
            match segment {
                Segment::Key(key) if plain.is_empty() => plain.push_str(key),
                Segment::Key(key) => plain.extend([".", key]),
                Segment::Numbered(_) | Segment::Append => plain.push_str("[]"),
                Segment::Element { key, .. } => {
                    plain.push_str("[]");
                    let key = format!("{plain}.{key}");
                    if self.look_up(resource, &key).is_none() {
                        return Err(self.unknown(resource, &key));
                    }
                }
            }
        }
        Ok(())
    }

    fn look_up(&self, resource: &str, plain: &str) -> Option<&Member> {
        let members = self.resources.get(resource)?;
        members.get(plain).or_else(|| {
            let embedded = members
                .iter()
                .filter(|(_, member)| member.resource.is_some());
            embedded.into_iter().find_map(|(path, member)| {
                let inner = plain.strip_prefix(path.as_str())?.strip_prefix('.')?;
                self.look_up(member.resource.as_deref()?, inner)
            })
        })
    }

    fn is_container(&self, resource: &str, plain: &str) -> bool {
        self.resources.get(resource).is_some_and(|members| {
            members.iter().any(|(path, member)| {
                let below = path.strip_prefix(plain);
                below.is_some_and(|rest| rest.starts_with('.') || rest.starts_with("[]"))
                    || plain
                        .strip_prefix(path.as_str())
                        .and_then(|rest| rest.strip_prefix('.'))
                        .is_some_and(|inner| {
                            member
                                .resource
                                .as_deref()
                                .is_some_and(|r| self.is_container(r, inner))
                        })
            })
        })
    }

    fn unknown(&self, resource: &str, plain: &str) -> String {
        let mut known = Vec::new();
        self.list(resource, "", &mut known);
        let hint = hint(plain, known.iter().map(String::as_str));
        format!("\"{plain}\" is not a member of the REST object \"{resource}\"{hint}")
    }

    fn list(&self, resource: &str, prefix: &str, known: &mut Vec<String>) {
        for (path, member) in self.resources.get(resource).into_iter().flatten() {
            let whole = format!("{prefix}{path}");
            match &member.resource {
                // Objects embed each other no deeper than this; a cycle must not hang the check.
                Some(inner) if prefix.len() < 200 => self.list(inner, &format!("{whole}."), known),
                _ => known.push(whole),
            }
        }
    }
}
