//! Rules.

use super::*;
