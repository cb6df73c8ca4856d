//! scmp
