//! How likely the failure was, at each moment of the run.
//!
//! The world is copied at every so many events of the steps that wait. From each copy a number of futures is run: what is
//! still to come is drawn from other seeds, latencies and ties alike, and the steps that are left are carried out as planned.
//! The share that fails is the chance of the failure, given what had happened by then. Where it jumps it was decided.

use super::case::{Case, era_of};
use super::failure::Failure;
use crate::scenario::problem::Problem;
use crate::scenario::run::{Budget, Fork, Going, Keep, go};
use crate::shrink::Crew;
use kafka::time::Time;

/// The chance at one moment.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Chance {
    /// When.
    pub at: Time,
    /// After so many events.
    pub events: u64,
    /// The step that waits.
    pub step: usize,
    /// Futures that failed.
    pub failed: u32,
    /// Futures that were run.
    pub futures: u32,
}

impl Chance {
    /// In hundredths.
    pub fn percent(&self) -> u32 {
        self.failed * 100 / self.futures.max(1)
    }
}

/// The chances at `moments` moments or so, from `futures` futures each.
///
/// # Errors
/// If the case cannot be.
pub fn chances<C: Crew>(
    case: &Case,
    failure: &Failure,
    budget: Budget,
    (moments, futures): (u64, u32),
    crew: &C,
) -> Result<Vec<Chance>, Problem> {
    let ready = case.ready()?;
    let first = go(
        &ready,
        era_of(&ready),
        case.seed,
        Going { forgiving: true, budget, keep: Keep::Steps, ..Going::default() },
    );
    // What the making of the cluster took is no moment of the story.
    let from = first.forks.first().map_or(0, |fork| fork.world.events());
    let told = first.result.events - from;
    let every = (told / moments.max(1)).max(1);
    let going = Going { forgiving: true, budget, keep: Keep::Events(every), ..Going::default() };
    let forks = go(&ready, era_of(&ready), case.seed, going).forks;
    let forks: Vec<Fork> = forks.into_iter().filter(|fork| fork.world.events() >= from).collect();
    let fails = |index: usize| {
        let (fork, future) = (&forks[index / futures as usize], index as u64 % u64::from(futures));
        let going = Going {
            forgiving: true,
            budget,
            from: Some(fork),
            // Seed 0 is calm: a future is not.
            reseed: Some(1 + future),
            ..Going::default()
        };
        failure.is_in(&go(&ready, era_of(&ready), case.seed, going).result)
    };
    let failed = crew.all(forks.len() * futures as usize, &fails);
    let count = |of: &[bool]| of.iter().filter(|failed| **failed).count() as u32;
    let chance = |(fork, of): (&Fork, &[bool])| Chance {
        at: fork.world.now(),
        events: fork.world.events(),
        step: fork.step,
        failed: count(of),
        futures,
    };
    Ok(forks.iter().zip(failed.chunks(futures.max(1) as usize)).map(chance).collect())
}

/// Where the chance rises most, if it rises by a quarter or more: its place, and from what to what.
pub fn jump(chances: &[Chance]) -> Option<(usize, u32, u32)> {
    let rises =
        chances.windows(2).enumerate().map(|(index, pair)| (index + 1, pair[0].percent(), pair[1].percent()));
    let most = rises.filter(|(_, from, to)| to >= &(from + 25));
    // Of equals the first.
    most.min_by_key(|(index, from, to)| (100 - (to - from), *index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jump_is_where_it_rises_most() {
        let chance = |failed| Chance { at: Time(0), events: 0, step: 0, failed, futures: 10 };
        let all = [1, 1, 3, 9, 9, 10].map(chance);
        assert_eq!(jump(&all), Some((3, 30, 90)));
        assert_eq!(jump(&[1, 2, 3].map(chance)), None);
        assert_eq!(jump(&[]), None);
    }
}
