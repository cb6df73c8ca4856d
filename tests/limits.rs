//! Lengths and forms of values: what is too long or misshapen is refused before any call, by the field's name.

#[path = "common/limits.rs"]
mod limits;

use scmp_gateway::mapping::compile::compile;
use scmp_gateway::mapping::source::embedded;

#[test]
fn the_limits_are_those_on_record() {
    let tables = compile(&embedded()).expect("the tables compile");
    let limits = limits::on_record();
    assert!(limits.len() > 100, "{} limits", limits.len());
    let wrong = |limit: &limits::Limit| limit.faults(&tables);
    let faults: Vec<String> = limits.iter().flat_map(wrong).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
