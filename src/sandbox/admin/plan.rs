//! Faults that wait for their requests.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::sandbox::fault::{Fault, UnknownFault};

/// The most faults that can be planned at once.
const FAULTS_MAX: usize = 1000;

/// A planned fault, as an operator writes it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Planned {
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

impl Planned {
    fn matches(&self, method: &Method, path: &str) -> bool {
        let by_method = self.method.as_deref();
        by_method.is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
            && self.path.as_deref().is_none_or(|wanted| fits(wanted, path))
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
pub(super) enum PlanError {
    /// Its name is unknown.
    #[error("{0:?} is no fault; docs/sandbox.md lists them")]
    Unknown(String),
    /// It would never happen.
    #[error("times has to be 1 or more")]
    Never,
    /// There are too many.
    #[error("{FAULTS_MAX} faults are planned already")]
    TooMany,
}

/// The planned faults, first planned first.
#[derive(Debug, Default)]
pub(crate) struct Plan(Mutex<Vec<(Planned, Fault)>>);

impl Plan {
    fn faults(&self) -> MutexGuard<'_, Vec<(Planned, Fault)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans a fault.
    pub(super) fn add(&self, planned: Planned) -> Result<(), PlanError> {
        let unknown = |UnknownFault| PlanError::Unknown(planned.fault.clone());
        let fault = Fault::read(&planned.fault).map_err(unknown)?;
        if planned.times == 0 {
            return Err(PlanError::Never);
        }
        let mut faults = self.faults();
        if faults.len() >= FAULTS_MAX {
            return Err(PlanError::TooMany);
        }
        faults.push((planned, fault));
        Ok(())
    }

    /// The fault of a request, which has it once less from now on.
    pub(crate) fn take(&self, method: &Method, path: &str) -> Option<Fault> {
        let mut faults = self.faults();
        let at = faults
            .iter()
            .position(|(planned, _)| planned.matches(method, path))?;
        let (planned, fault) = &mut faults[at];
        let fault = *fault;
        planned.times -= 1;
        if planned.times == 0 {
            faults.remove(at);
        }
        Some(fault)
    }

    /// Those that still wait.
    pub(super) fn list(&self) -> Vec<Planned> {
        let faults = self.faults();
        faults.iter().map(|(planned, _)| planned.clone()).collect()
    }

    /// Forgets all of them.
    pub(crate) fn clear(&self) {
        self.faults().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan(faults: &[serde_json::Value]) -> Plan {
        let plan = Plan::default();
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
            Plan::default().add(planned).unwrap_err().to_string()
        };
        assert!(add(json!({"fault": "cut"})).contains("no fault"));
        assert!(add(json!({"fault": "cut-after", "times": 0})).contains("1 or more"));
    }
}
