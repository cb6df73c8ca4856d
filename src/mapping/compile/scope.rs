//! Names as one service's lines use them, resolved to indices.

use std::cell::RefCell;

use http::Method;

use crate::mapping::TokenKind;
use crate::mapping::code::CodeTable;
use crate::mapping::condition::{Condition, Setting, Test};
use crate::mapping::diagnostic::hint;
use crate::mapping::field::{Dictionary, FieldId, Kind};
use crate::mapping::path::JsonPath;
use crate::mapping::reader::Slot;
use crate::mapping::schema::{RawTests, RawWhen};
use crate::mapping::tables::{Computed, Reading, ReplyPath, Source};
use crate::mapping::transform::{Transform, is_true};
use crate::mapping::validate::misfit;

use super::dictionary::{code_table, named};
use super::vocabulary::Vocabulary;

const COMPUTED: [(&str, Computed); 9] = [
    ("@rcode", Computed::Rcode),
    ("@rflag", Computed::Rflag),
    ("@rmsg", Computed::Rmsg),
    ("@request_id", Computed::RequestId),
    ("@request_token", Computed::RequestToken),
    ("@time", Computed::Time),
    ("@total", Computed::Total),
    ("@preauthorization", Computed::Preauthorization),
    ("@transaction_id", Computed::TransactionId),
];

const METHODS: [(&str, &Method); 4] = [
    ("GET", &Method::GET),
    ("POST", &Method::POST),
    ("PATCH", &Method::PATCH),
    ("DELETE", &Method::DELETE),
];

/// What the lines of one program may name.
pub struct Scope<'s> {
    /// The services of the program.
    pub services: Vec<String>,
    /// All services.
    pub all_services: &'s [String],
    /// The steps of all services, and the REST object that each answers with.
    pub elsewhere: &'s [(String, Option<String>)],
    /// The bodies of all services.
    pub all_bodies: &'s [String],
    pub dictionary: &'s Dictionary,
    pub codes: &'s [CodeTable],
    pub vocabulary: &'s Vocabulary,
    /// The reply prefixes of all services.
    pub prefixes: &'s [String],
    /// The ways in which services are meant: a name has one number everywhere.
    pub variants: &'s [String],
    /// The steps' names and the REST object that each answers with.
    pub steps: Vec<(String, Option<String>)>,
    /// The bodies' names and the REST objects that they are sent as.
    pub bodies: Vec<(String, String)>,
    /// How each step's reply is read: what lines name is added here.
    pub readings: RefCell<Vec<Reading>>,
}

impl Scope<'_> {
    pub fn field(&self, name: &str) -> Result<FieldId, String> {
        self.dictionary.find(name).ok_or_else(|| {
            let known = self.dictionary.iter().map(|(_, field)| field.name.as_str());
            format!(
                "unknown field \"{name}\"{} Fields are listed under fields/.",
                hint(name, known)
            )
        })
    }

    /// The prefix of the service that a reply field belongs to: the longest that fits.
    pub fn owner(&self, reply_field: &str) -> Option<&str> {
        let fitting = self
            .prefixes
            .iter()
            .filter(|prefix| reply_field.starts_with(prefix.as_str()));
        fitting
            .max_by_key(|prefix| prefix.len())
            .map(String::as_str)
    }

    fn fields(&self, names: &[String]) -> Result<Vec<FieldId>, String> {
        names.iter().map(|name| self.field(name)).collect()
    }

    /// The number of a step; nothing for one that other services have.
    pub fn step(&self, name: &str) -> Result<Option<usize>, String> {
        let here = self.steps.iter().position(|(step, _)| step == name);
        if here.is_some() || self.elsewhere.iter().any(|(step, _)| step == name) {
            return Ok(here);
        }
        let hint = hint(name, self.elsewhere.iter().map(|(step, _)| step.as_str()));
        Err(format!("unknown step \"{name}\"{hint}"))
    }

    /// The number of a body; nothing for one that other services send.
    pub fn body(&self, name: &str, resource: Option<&str>) -> Result<Option<usize>, String> {
        let here = self.bodies.iter().position(|(body, sent_as)| {
            body == name && resource.is_none_or(|resource| sent_as == resource)
        });
        if here.is_some() || self.all_bodies.iter().any(|body| body == name) {
            return Ok(here);
        }
        let hint = hint(name, self.all_bodies.iter().map(String::as_str));
        Err(format!("\"{name}\" has no file under bodies/{hint}"))
    }

    pub fn variant(&self, name: &str) -> Result<u8, String> {
        let at = self.variants.iter().position(|variant| variant == name);
        at.and_then(|at| u8::try_from(at).ok()).ok_or_else(|| {
            let hint = hint(name, self.variants.iter().map(String::as_str));
            format!("unknown variant \"{name}\"{hint}")
        })
    }

    /// `step.json.path`; a leaf unless `container` is allowed. Nothing for a step that other services have.
    pub fn reply_path(&self, text: &str, container: bool) -> Result<Option<ReplyPath>, String> {
        let (name, path) = text.split_once('.').ok_or_else(|| {
            format!("\"{text}\" names no place in a reply; write step.json.path.")
        })?;
        let step = self.step(name)?;
        let path = JsonPath::parse(path)?;
        let steps = step.map_or(self.elsewhere, |_| &self.steps);
        let known = steps
            .iter()
            .filter(|(step, _)| step == name)
            .map(|(_, resource)| resource);
        let mut wrong = format!("step \"{name}\" has a reply without a body.");
        for resource in known.flatten() {
            let found = match container {
                true => self.vocabulary.place(resource, &path),
                false => self.vocabulary.member(resource, &path).map(|_| ()),
            };
            match found {
                Ok(()) => {
                    return Ok(step.map(|step| ReplyPath {
                        step,
                        slot: self.slot(step, &path),
                        path,
                    }));
                }
                Err(message) => wrong = message,
            }
        }
        Err(wrong)
    }

    /// Where a place is found once a step's reply is read.
    pub fn slot(&self, step: usize, path: &JsonPath) -> Slot {
        self.readings.borrow_mut()[step].reader.slot(path)
    }

    /// `field`, `step.json.path`, `step@status` or `@computed`.
    pub fn source(&self, text: &str) -> Result<Source, String> {
        if text.starts_with('@') {
            return named("computed value", text, &COMPUTED).map(Source::Computed);
        }
        if let Some((step, what)) = text.split_once('@') {
            return match what {
                "status" => Ok(self.step(step)?.map_or(Source::Absent, Source::Status)),
                _ => Err(format!("\"{text}\" is not known; write step@status.")),
            };
        }
        match text.contains('.') {
            true => Ok(self
                .reply_path(text, false)?
                .map_or(Source::Absent, Source::Reply)),
            false => self.field(text).map(Source::Field),
        }
    }

    pub fn transform(&self, name: Option<&str>) -> Result<Transform, String> {
        match name {
            None => Ok(Transform::Copy),
            Some(name) => match name.strip_prefix("code:") {
                Some(table) => code_table(self.codes, table).map(Transform::Code),
                None => named("transform", name, &Transform::NAMES),
            },
        }
    }

    pub fn condition(&self, when: Option<&RawWhen>) -> Result<Condition, String> {
        let alternatives = match when {
            None => Box::default(),
            Some(RawWhen::All(tests)) => [self.tests(tests)?].into(),
            Some(RawWhen::Any(several)) => several
                .iter()
                .map(|tests| self.tests(tests))
                .collect::<Result<_, _>>()?,
        };
        Ok(Condition { alternatives })
    }

    fn tests(&self, raw: &RawTests) -> Result<Box<[Test]>, String> {
        let mut tests = Vec::new();
        if let Some(name) = &raw.variant {
            tests.push(Test::Variant(self.variant(name)?));
        }
        for (name, wanted) in [(&raw.setting, true), (&raw.setting_off, false)] {
            if let Some(name) = name {
                tests.push(Test::Setting(
                    named("setting", name, &Setting::NAMES)?,
                    wanted,
                ));
            }
        }
        if !raw.processor.is_empty() {
            tests.push(Test::Processor(self.processors(&raw.processor)?));
        }
        for (names, test) in [
            (&raw.all, Test::All as fn(Vec<FieldId>) -> Test),
            (&raw.any, Test::Any),
            (&raw.absent, Test::Absent),
        ] {
            if !names.is_empty() {
                tests.push(test(self.fields(names)?));
            }
        }
        for (field, value) in raw.equals.iter().chain(&raw.differs) {
            self.values(field, value.all())?;
        }
        for (field, value) in &raw.equals {
            let id = self.field(field)?;
            tests.push(match self.dictionary.get(id).kind {
                Kind::Flag => Test::Says(id, value.all().iter().any(|word| is_true(word))),
                _ => Test::Equals(id, value.all().to_vec()),
            });
        }
        for (field, values) in &raw.differs {
            tests.push(Test::Differs(self.field(field)?, values.all().to_vec()));
        }
        for (field, kind) in &raw.names {
            let kind = named("kind of token", kind, &TokenKind::NAMES)?;
            tests.push(Test::Names(self.field(field)?, kind));
        }
        for (place, values) in &raw.shows {
            let place = self.reply_path(place, false)?;
            tests.push(place.map_or(Test::Never, |place| {
                Test::Shows(place, values.all().to_vec())
            }));
        }
        if !raw.preauthorization.is_empty() {
            tests.push(Test::Preauthorization(raw.preauthorization.clone()));
        }
        if let Some(name) = &raw.method {
            tests.push(Test::Method(named("method", name, &METHODS)?.clone()));
        }
        if let Some(body) = &raw.mapped {
            tests.push(self.body(body, None)?.map_or(Test::Never, Test::Mapped));
        }
        // What another service's step would answer is not there: `has` never holds, `lacks` always does.
        let mut absent = |test: Option<Test>, wanted: bool| match (test, wanted) {
            (Some(test), _) => tests.push(test),
            (None, true) => tests.push(Test::Never),
            (None, false) => tests.push(Test::All(Vec::new())),
        };
        for (places, wanted) in [(&raw.has, true), (&raw.lacks, false)] {
            for place in places {
                let place = self.reply_path(place, true)?;
                absent(place.map(|place| Test::Has(place, wanted)), wanted);
            }
        }
        for (steps, wanted) in [(&raw.run, true), (&raw.not_run, false)] {
            for step in steps {
                absent(self.step(step)?.map(|step| Test::Run(step, wanted)), wanted);
            }
        }
        tests.extend(raw.total.map(Test::Total));
        for kind in &raw.kind {
            self.vocabulary.kind(kind)?;
        }
        if !raw.kind.is_empty() {
            tests.push(Test::Kind(raw.kind.clone()));
        }
        if !raw.with.is_empty() || !raw.without.is_empty() {
            match self.belongs(raw)? {
                true => tests.push(Test::All(Vec::new())),
                false => tests.push(Test::Never),
            }
        }
        match tests.is_empty() {
            true => {
                Err("this `when` holds no test; leave it out or say what must hold.".to_owned())
            }
            false => Ok(tests.into()),
        }
    }

    /// Whether a field can have these values at all.
    fn values(&self, field: &str, values: &[String]) -> Result<(), String> {
        let known = self.dictionary.get(self.field(field)?);
        for value in values {
            if let Some(why) = misfit(known, value, self.codes) {
                return Err(format!("\"{field}\" is never \"{value}\"{why}."));
            }
        }
        Ok(())
    }

    /// Whether there is a service of this name.
    pub fn service(&self, name: &str) -> Result<(), String> {
        let known: Vec<(&str, ())> = self
            .all_services
            .iter()
            .map(|name| (name.as_str(), ()))
            .collect();
        named("service", name, &known)
    }

    /// Whether these tests allow the services of this program.
    pub fn belongs(&self, raw: &RawTests) -> Result<bool, String> {
        for name in raw.with.iter().chain(&raw.without) {
            self.service(name)?;
        }
        let here = |name: &String| self.services.contains(name);
        Ok((raw.with.is_empty() || raw.with.iter().any(here)) && !raw.without.iter().any(here))
    }

    fn processors(&self, names: &[String]) -> Result<Vec<String>, String> {
        let table = code_table(self.codes, "processor")?;
        let codes = &self.codes[usize::from(table.0)].codes;
        let known: Vec<(&str, ())> = codes.iter().map(|code| (code.scmp.as_str(), ())).collect();
        for name in names {
            named("processor", name, &known)?;
        }
        Ok(names.to_vec())
    }
}

/// The method and path of an operation's name.
pub fn split_operation(operation: &str) -> Result<(Method, &str), String> {
    let (method, path) = operation.split_once(' ').unwrap_or((operation, ""));
    Ok((named("method", method, &METHODS)?.clone(), path))
}
