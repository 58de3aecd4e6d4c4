//! What several of these tests need.

#![allow(dead_code, reason = "no test needs everything")]

pub mod helper;
pub mod skip;
