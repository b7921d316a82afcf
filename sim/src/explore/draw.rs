//! Draws of a plan: each has an address, (purpose, ordinal, place), and depends on it and the seed alone.
//!
//! Nothing is drawn in sequence, so leaving out one fault or record moves no other draw. Integers only: the same plan
//! on every machine.

use crate::kernel::entropy::up_to;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// What a draw is about.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum Purpose {
    /// Brokers, topics, network.
    Shape = 1,
    /// Settings of brokers.
    BrokerSettings = 2,
    /// Settings of topics.
    TopicSettings = 3,
    /// Where replicas are.
    Assignment = 4,
    /// Clients and their settings.
    Clients = 5,
    /// What is sent.
    Workload = 6,
    /// Which kinds of fault there are.
    Kinds = 7,
    /// Around which moments.
    Moments = 8,
    /// One fault.
    Fault = 9,
    /// Who is there in the end.
    Core = 10,
    /// Which partition a run is about.
    Focus = 11,
    /// Where a burst begins.
    Burst = 12,
    /// One act of a burst.
    Act = 13,
}

/// All draws of a seed.
#[derive(Clone)]
pub struct Draws(ChaCha8Rng);

/// Keeps the streams of plans apart from those of the kernel under the same seed.
const DOMAIN: u64 = 0x70 << 56;

impl Draws {
    /// Those of this seed.
    pub fn new(seed: u64) -> Draws {
        Draws(ChaCha8Rng::seed_from_u64(seed))
    }

    /// The draws about one thing: the `ordinal`-th of its kind.
    pub fn about(&self, purpose: Purpose, ordinal: u32) -> Draw {
        let mut rng = self.0.clone();
        rng.set_stream(DOMAIN | u64::from(purpose as u16) << 32 | u64::from(ordinal));
        rng.set_word_pos(0);
        let mut words = [0; WORDS];
        words.iter_mut().for_each(|word| *word = rng.next_u64());
        Draw(words)
    }
}

/// Draws about one thing: a thing has at most so many.
const WORDS: usize = 24;

/// The draws about one thing, by place: two draws of one place are the same.
#[derive(Copy, Clone, Debug)]
pub struct Draw([u64; WORDS]);

impl Draw {
    /// From 0 up to and including `bound`.
    pub fn up_to(&self, place: usize, bound: u64) -> u64 {
        up_to(self.0[place], bound)
    }

    /// From `least` to `most`, both included.
    pub fn between(&self, place: usize, least: u64, most: u64) -> u64 {
        least + self.up_to(place, most - least)
    }

    /// True in one of `of` cases.
    pub fn one_in(&self, place: usize, of: u64) -> bool {
        self.up_to(place, of - 1) == 0
    }

    /// True in so many of ten cases.
    pub fn in_ten(&self, place: usize, cases: u64) -> bool {
        self.up_to(place, 9) < cases
    }

    /// One of several.
    pub fn of<T: Clone>(&self, place: usize, all: &[T]) -> T {
        all[self.up_to(place, all.len() as u64 - 1) as usize].clone()
    }

    /// One of several, each as often as its weight says.
    pub fn weighed<T: Copy>(&self, place: usize, all: &[(T, u32)]) -> T {
        let total: u64 = all.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = self.up_to(place, total - 1);
        for (one, weight) in all {
            match left.checked_sub(u64::from(*weight)) {
                Some(less) => left = less,
                None => return *one,
            }
        }
        unreachable!("less than the total was drawn")
    }

    /// All of them, in a drawn order: uses as many places as there are, from `place` on.
    pub fn shuffled<T: Clone>(&self, place: usize, all: &[T]) -> Vec<T> {
        let mut left = all.to_vec();
        let mut order = Vec::with_capacity(all.len());
        for step in 0..all.len() {
            order.push(left.remove(self.up_to(place + step, left.len() as u64 - 1) as usize));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_its_address_alone() {
        let draws = Draws::new(5);
        let one = draws.about(Purpose::Fault, 3);
        draws.about(Purpose::Fault, 2);
        let again = Draws::new(5).about(Purpose::Fault, 3);
        for place in 0..WORDS {
            assert_eq!(one.up_to(place, u64::MAX), again.up_to(place, u64::MAX));
        }
        for other in [
            draws.about(Purpose::Fault, 4),
            draws.about(Purpose::Core, 3),
            Draws::new(6).about(Purpose::Fault, 3),
        ] {
            assert_ne!(one.up_to(0, u64::MAX), other.up_to(0, u64::MAX));
        }
    }

    #[test]
    fn draws_reach_what_they_may() {
        let mut seen = [0; 3];
        let mut weighed = [0; 2];
        for ordinal in 0..600 {
            let draw = Draws::new(1).about(Purpose::Shape, ordinal);
            seen[draw.between(0, 5, 7) as usize - 5] += 1;
            weighed[draw.weighed(1, &[(0usize, 3), (1, 1), (7, 0)])] += 1;
            let mut order = draw.shuffled(2, &[1, 2, 3, 4]);
            order.sort_unstable();
            assert_eq!(order, [1, 2, 3, 4]);
        }
        assert!(seen.iter().all(|count| (150..250).contains(count)), "{seen:?}");
        assert!((400..500).contains(&weighed[0]), "{weighed:?}");
    }
}
