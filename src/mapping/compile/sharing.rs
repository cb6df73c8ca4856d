//! What programs have alike is kept once: a service comes alone and together with others, and mostly does the same.

use std::sync::Arc;

use crate::mapping::body::Body;
use crate::mapping::tables::{Program, Reading};

/// What the programs so far are made of.
#[derive(Default)]
pub struct Shared {
    bodies: Vec<Arc<Body>>,
    readings: Vec<Arc<Reading>>,
}

impl Shared {
    /// Gives a program what is known already in place of what is equal to it.
    pub fn share(&mut self, program: &mut Program) {
        for body in &mut program.bodies {
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
