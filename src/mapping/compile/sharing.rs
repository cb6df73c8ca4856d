//! What programs have alike is kept once: a service comes alone and together with others, and mostly does the same.

use std::collections::HashMap;
use std::sync::Arc;

use crate::mapping::body::{Body, Leaf};
use crate::mapping::path::JsonPath;
use crate::mapping::tables::{Program, Reading};

/// What the programs so far are made of.
#[derive(Default)]
pub struct Shared {
    bodies: Vec<Arc<Body>>,
    /// By their paths.
    leaves: HashMap<JsonPath, Vec<Arc<Leaf>>>,
    readings: Vec<Arc<Reading>>,
}

impl Shared {
    /// Gives a program what is known already in place of what is equal to it.
    pub fn share(&mut self, program: &mut Program) {
        for body in &mut program.bodies {
            // Nobody else has it yet.
            for leaf in Arc::get_mut(body).map_or(&mut [][..], Body::leaves_mut) {
                share(leaf, self.leaves.entry(leaf.path.clone()).or_default());
            }
            share(body, &mut self.bodies);
        }
        for reading in &mut program.readings {
            share(reading, &mut self.readings);
        }
    }
}

fn share<T: PartialEq>(own: &mut Arc<T>, known: &mut Vec<Arc<T>>) {
    match known.iter().find(|known| *known == own) {
        Some(known) => *own = Arc::clone(known),
        None => known.push(Arc::clone(own)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::mapping::compile::compile;
    use crate::mapping::source::embedded;
    use crate::mapping::tables::Tables;

    fn body<'t>(tables: &'t Tables, services: &[&str], name: &str) -> &'t Arc<Body> {
        let program = tables.program(services).expect("a program");
        let body = program.bodies.iter().find(|body| body.name == name);
        body.expect("a body")
    }

    #[test]
    fn what_is_equal_is_shared_and_nothing_else() {
        let tables = compile(&embedded()).expect("the tables are right");
        let (alone, together) = (&["ics_auth"][..], &["ics_auth", "ics_bill"][..]);
        let searches = [alone, together].map(|services| body(&tables, services, "search"));
        assert!(Arc::ptr_eq(searches[0], searches[1]));
        let payments = [alone, together].map(|services| body(&tables, services, "payment"));
        assert_ne!(payments[0], payments[1]);
        let theirs = payments[1].leaves();
        let both = |leaf: &&Arc<Leaf>| theirs.iter().any(|other| Arc::ptr_eq(leaf, other));
        let shared = payments[0].leaves().iter().filter(both).count();
        assert!(shared > theirs.len() / 2, "{shared} of {}", theirs.len());
        for leaf in payments[0].leaves() {
            let equal = theirs.iter().filter(|other| *other == leaf);
            assert!(equal.into_iter().all(|other| Arc::ptr_eq(leaf, other)));
        }
        let readings = tables
            .programs
            .values()
            .flat_map(|program| &program.readings);
        let all: Vec<*const Reading> = readings.map(Arc::as_ptr).collect();
        let different: HashSet<_> = all.iter().collect();
        assert!(different.len() < all.len(), "{} readings", all.len());
    }
}
