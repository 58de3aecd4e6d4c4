//! Random numbers that a seed repeats.

use std::time::{SystemTime, UNIX_EPOCH};

/// The number in an environment variable. None if it is not set.
///
/// # Panics
///
/// If it is no number.
pub fn number_in(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a whole number"))
}

/// The seed in an environment variable, or else another one for each run.
pub fn seed_in(variable: &str) -> u64 {
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |since| since.as_secs())
    };
    number_in(variable).unwrap_or_else(now)
}

/// The same numbers for the same seed (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }

    /// Up to 299 bytes.
    pub fn bytes(&mut self) -> Vec<u8> {
        let length = self.below(300);
        (0..length)
            .map(|_| self.number().to_le_bytes()[0])
            .collect()
    }
}
