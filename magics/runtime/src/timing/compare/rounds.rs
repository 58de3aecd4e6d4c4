//! Decides how many loops and rounds a comparison has, and in which order its sides run.
//!
//! This module never compares: it returns the samples of all rounds.

use super::super::BoxError;
use super::super::clock::Clock;
use super::super::measure::{FIRST_CALL_KEPT_NS, MAX_LOOPS, MS, step_after, wall_per_loop_ns};
use super::super::run::{Request, Run, RunBody, Sample};
use super::CompareOptions;

/// How long a run should take. Runs are shorter than those of `%timeit`, and there are more: on a busy machine a short
/// run may be undisturbed, and the ratio of the best runs needs one such run on each side.
const ENOUGH_NS: u64 = 10 * MS;
/// The number of rounds of long runs. Of short runs there are as many rounds as fit into [`GOAL_NS`].
const ROUNDS: usize = 9;
const MAX_ROUNDS: usize = 61;
const GOAL_NS: u64 = 1_500 * MS;
const MIN_ROUNDS: usize = 3;
const BUDGET_NS: u64 = 10_000 * MS;

/// A finished measurement of several sides.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rounds {
    pub loops: u64,
    /// For each side, in the order of the labels, one sample per round.
    pub sides: Vec<Vec<Sample>>,
}

pub(super) fn measure_rounds(
    clock: &dyn Clock,
    options: &CompareOptions,
    sides: usize,
    body: RunBody<'_>,
) -> Result<Rounds, BoxError> {
    let start_ns = clock.wall_ns();
    let mut measurer = Measurer {
        clock,
        body,
        start_ns,
        runs: 0,
        rounds: 0,
        sides,
    };
    let first_calls = measurer.round(options.loops.max(1))?;
    let is_first_kept = first_calls
        .iter()
        .any(|call| call.wall_ns >= FIRST_CALL_KEPT_NS);
    let loops = match options.loops {
        0 if is_first_kept => 1,
        0 => measurer.choose_loops(first_calls.clone())?,
        loops => loops,
    };
    let mut kept = vec![first_calls];
    kept.retain(|_| is_first_kept);
    let rounds = measurer.collect(loops, options.repeat, kept)?;
    let of_side = |side: usize| rounds.iter().map(|round| round[side]).collect();
    Ok(Rounds {
        loops,
        sides: (0..sides).map(of_side).collect(),
    })
}

struct Measurer<'a> {
    clock: &'a dyn Clock,
    body: RunBody<'a>,
    start_ns: u64,
    runs: usize,
    rounds: usize,
    sides: usize,
}

impl Measurer<'_> {
    /// Runs each side once. Every other round has the reverse order (A B, B A, …), so that no side has an advantage
    /// when the machine becomes slower or a cache warms up.
    fn round(&mut self, loops: u64) -> Result<Vec<Sample>, BoxError> {
        let is_reversed = self.rounds % 2 == 1;
        self.rounds += 1;
        let mut samples = vec![None; self.sides];
        for turn in 0..self.sides {
            let side = if is_reversed {
                self.sides - 1 - turn
            } else {
                turn
            };
            let request = Request {
                loops,
                has_cpu: false,
                side,
            };
            self.runs += 1;
            let number = ("%compare", self.runs);
            samples[side] = Some(Run::sample(self.clock, request, self.body, number)?);
        }
        Ok(samples.into_iter().flatten().collect())
    }

    /// Chooses the number of loops, which is the same for all sides: the first of the 1-2-5 series with which a run
    /// of the fastest side takes long enough, confirmed by a second run, or the last one with which all rounds fit
    /// the budget.
    fn choose_loops(&mut self, first_calls: Vec<Sample>) -> Result<u64, BoxError> {
        let mut round = first_calls;
        loop {
            let loops = round[0].loops;
            let is_enough = |round: &[Sample]| fastest(round).wall_ns >= ENOUGH_NS;
            if loops >= MAX_LOOPS {
                return Ok(loops);
            }
            if is_enough(&round) {
                round = self.round(loops)?;
                if is_enough(&round) {
                    return Ok(loops);
                }
            }
            let next = step_after(fastest(&round), ENOUGH_NS);
            let round_ns = round.iter().map(wall_per_loop_ns).sum::<f64>() * next as f64;
            if round_ns * ROUNDS as f64 > BUDGET_NS as f64 {
                return Ok(loops);
            }
            round = self.round(next)?;
        }
    }

    fn collect(
        &mut self,
        loops: u64,
        repeat: u64,
        kept: Vec<Vec<Sample>>,
    ) -> Result<Vec<Vec<Sample>>, BoxError> {
        let asked = usize::try_from(repeat).ok().filter(|repeat| *repeat > 0);
        let mut rounds = kept;
        // Kept rounds count, so that the next round has the reverse order.
        self.rounds = rounds.len();
        let mut wanted = asked.unwrap_or(ROUNDS);
        while rounds.len() < wanted {
            let last_ns = rounds.last().map_or(0, |round| round_ns(round));
            if asked.is_none() && rounds.len() >= MIN_ROUNDS && !self.fits(last_ns) {
                break;
            }
            let round = self.round(loops)?;
            if asked.is_none() && rounds.is_empty() {
                wanted = (GOAL_NS / round_ns(&round).max(1)).clamp(ROUNDS as u64, MAX_ROUNDS as u64)
                    as usize;
            }
            rounds.push(round);
        }
        Ok(rounds)
    }

    /// Returns whether another round of `expected_ns` ends within the budget.
    fn fits(&self, expected_ns: u64) -> bool {
        self.clock.wall_ns() - self.start_ns + expected_ns <= BUDGET_NS
    }
}

fn round_ns(round: &[Sample]) -> u64 {
    round.iter().map(|run| run.wall_ns).sum()
}

fn fastest(round: &[Sample]) -> &Sample {
    round
        .iter()
        .min_by_key(|run| run.wall_ns)
        .expect("a comparison has sides")
}
