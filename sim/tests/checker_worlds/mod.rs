//! Worlds for checkers: random ones, and those with a planted fault.

pub mod planted;
pub mod random;
