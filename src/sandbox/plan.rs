//! Faults that wait for their requests.

use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::sandbox::fault::{Fault, UnknownFault};

/// The most faults that can be planned at once.
const FAULTS_MAX: usize = 1000;

/// A planned fault, as an operator writes it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    /// A value of the header `x-sandbox-fault`.
    fault: String,
    /// For how many requests.
    #[serde(default = "once")]
    times: u32,
    /// The verb; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// The path, `*` for any one segment and `**` at the end for the rest; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

fn once() -> u32 {
    1
}

/// A fault that waits for its requests.
#[derive(Clone, Debug)]
pub struct PlannedFault {
    written: Written,
    fault: Fault,
}

impl TryFrom<Written> for PlannedFault {
    type Error = PlanError;

    fn try_from(written: Written) -> Result<Self, PlanError> {
        let unknown = |UnknownFault| PlanError::Unknown(written.fault.clone());
        let fault = Fault::read(&written.fault).map_err(unknown)?;
        match written.times {
            0 => Err(PlanError::Never),
            _ => Ok(Self { written, fault }),
        }
    }
}

impl FromStr for PlannedFault {
    type Err = PlanError;

    /// Reads the fault and, in whatever order, how often, the verb and the path:
    /// `status=503,30 2 POST /pts/v2/payments`.
    fn from_str(text: &str) -> Result<Self, PlanError> {
        let mut words = text.split_whitespace();
        let mut written = Written {
            fault: words.next().unwrap_or_default().to_owned(),
            times: once(),
            method: None,
            path: None,
        };
        for word in words {
            if word.starts_with('/') {
                written.path = Some(word.to_owned());
            } else if let Ok(times) = word.parse() {
                written.times = times;
            } else if word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
                written.method = Some(word.to_owned());
            } else {
                return Err(PlanError::Word(word.to_owned()));
            }
        }
        written.try_into()
    }
}

impl PlannedFault {
    fn matches(&self, method: &Method, path: &str) -> bool {
        let by_method = self.written.method.as_deref();
        let by_path = self.written.path.as_deref();
        by_method.is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
            && by_path.is_none_or(|wanted| fits(wanted, path))
    }
}

/// Whether a path is one that a pattern stands for; a slash at the end counts for nothing.
fn fits(pattern: &str, path: &str) -> bool {
    let mut wanted = pattern.trim_end_matches('/').split('/');
    let mut found = path.trim_end_matches('/').split('/');
    loop {
        match (wanted.next(), found.next()) {
            (Some("**"), _) => return true,
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == "*" || wanted == found => {}
            _ => return false,
        }
    }
}

/// Why a fault is not planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Its name is unknown.
    #[error("{0:?} is no fault; docs/sandbox.md lists them")]
    Unknown(String),
    /// A word of it says nothing.
    #[error("{0:?} is neither a number of times, nor a verb, nor a path that begins with a slash")]
    Word(String),
    /// It would never happen.
    #[error("times has to be 1 or more")]
    Never,
    /// There are too many.
    #[error("{FAULTS_MAX} faults are planned already")]
    TooMany,
}

/// The planned faults, first planned first.
#[derive(Debug)]
pub(crate) struct Plan(Mutex<Vec<PlannedFault>>);

impl Plan {
    /// The faults to begin with.
    pub(crate) fn of(faults: &[PlannedFault]) -> Self {
        Self(Mutex::new(faults.to_vec()))
    }

    fn faults(&self) -> MutexGuard<'_, Vec<PlannedFault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans a fault.
    pub(crate) fn add(&self, written: Written) -> Result<(), PlanError> {
        let planned = written.try_into()?;
        let mut faults = self.faults();
        if faults.len() >= FAULTS_MAX {
            return Err(PlanError::TooMany);
        }
        faults.push(planned);
        Ok(())
    }

    /// The fault of a request, which has it once less from now on.
    pub(crate) fn take(&self, method: &Method, path: &str) -> Option<Fault> {
        let mut faults = self.faults();
        let at = faults
            .iter()
            .position(|planned| planned.matches(method, path))?;
        let planned = &mut faults[at];
        let fault = planned.fault;
        planned.written.times -= 1;
        if planned.written.times == 0 {
            faults.remove(at);
        }
        Some(fault)
    }

    /// Those that still wait.
    pub(crate) fn list(&self) -> Vec<Written> {
        let faults = self.faults();
        faults
            .iter()
            .map(|planned| planned.written.clone())
            .collect()
    }

    /// Forgets all of them but these.
    pub(crate) fn reset(&self, faults: &[PlannedFault]) {
        *self.faults() = faults.to_vec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan(faults: &[serde_json::Value]) -> Plan {
        let plan = Plan::of(&[]);
        for fault in faults {
            plan.add(serde_json::from_value(fault.clone()).unwrap())
                .unwrap();
        }
        plan
    }

    #[test]
    fn a_fault_comes_as_often_as_planned_and_only_where_it_fits() {
        let plan = plan(&[
            json!({"fault": "cut-before", "times": 2, "method": "post", "path": "/a/*/c"}),
            json!({"fault": "half-body"}),
        ]);
        let take = |method: Method, path: &str| plan.take(&method, path);
        assert_eq!(take(Method::POST, "/a/1/c/"), Some(Fault::CutBefore));
        assert_eq!(take(Method::GET, "/a/1/c"), Some(Fault::HalfBody));
        assert_eq!(take(Method::GET, "/a/1/c"), None);
        assert_eq!(plan.list().len(), 1);
        assert_eq!(take(Method::POST, "/a/2/c"), Some(Fault::CutBefore));
        assert_eq!(take(Method::POST, "/a/2/c"), None);
    }

    #[test]
    fn patterns() {
        assert!(fits("/a/**", "/a/b/c") && fits("/a/**", "/a"));
        assert!(fits("/a/*", "/a/b") && !fits("/a/*", "/a/b/c"));
        assert!(!fits("/a", "/b") && !fits("/a/b", "/a"));
    }

    #[test]
    fn what_cannot_be_planned() {
        let add = |fault: serde_json::Value| {
            let planned = serde_json::from_value(fault).unwrap();
            Plan::of(&[]).add(planned).unwrap_err().to_string()
        };
        assert!(add(json!({"fault": "cut"})).contains("no fault"));
        assert!(add(json!({"fault": "cut-after", "times": 0})).contains("1 or more"));
    }

    #[test]
    fn a_line_says_what_when_and_where() {
        let read = |text: &str| text.parse::<PlannedFault>();
        let planned = read("status=503,30  2 post /a/**").unwrap();
        assert!(planned.matches(&Method::POST, "/a/b") && !planned.matches(&Method::GET, "/a/b"));
        assert_eq!(planned.written.times, 2);
        let anywhere = read("cut-after").unwrap();
        assert!(anywhere.matches(&Method::GET, "/") && anywhere.written.times == 1);
        for (text, said) in [
            ("", "no fault"),
            ("2 cut-after", "neither"),
            ("2", "no fault"),
            ("cut-after 0", "1 or more"),
            ("cut-after 1.5", "neither"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
