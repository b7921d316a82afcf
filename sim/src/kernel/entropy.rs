//! Randomness that is keyed by what it is about, never drawn in sequence.
//!
//! ChaCha8 under the trial's seed is a table with an address for every draw there could be: 2^64 streams of 2^64
//! blocks. A stream stands for a link, or for a node, its life and a purpose; the place in the stream is the send
//! time, or the ordinal of the draw. So one message more or less moves no other draw, and a world that was forked draws
//! what the original draws.
//!
//! A latency is asked for with every message. Its word is addressed by (link, stretch of 8 ms) and then mixed with
//! the microsecond: 64 neighbouring words come out of one computation and are kept in a small cache, so that a link
//! computes twice in a second however many messages it carries. The cache is no state: a clone begins with an empty
//! one.

use kafka::ids::NodeId;
use kafka::node::Purpose;
use kafka::time::Time;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// What a draw is about, beside a node's own purposes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Domain {
    /// A message's latency above the minimum.
    Latency = 1,
    /// The order of simultaneous events.
    Tie = 2,
    /// A node's own draws.
    Node = 3,
    /// What a power failure leaves of unflushed writes.
    PowerLoss = 4,
}

/// The trial's table of random words.
pub struct Entropy {
    table: ChaCha8Rng,
    cache: Vec<Option<Box<Line>>>,
}

/// 64 words of a stream.
struct Line {
    stream: u64,
    window: u64,
    words: [u32; WORDS],
}

impl Default for Line {
    fn default() -> Self {
        Line { stream: 0, window: 0, words: [0; WORDS] }
    }
}

/// Words that ChaCha computes at once.
const WORDS: usize = 64;
/// Places for lines: some hundreds of links share them without much quarrel.
const LINE_INDEX_BITS: u32 = 8;
/// A word covers 8192 µs of send time.
const WORD_BITS: u32 = 13;
/// A line covers 64 words.
const LINE_BITS: u32 = WORD_BITS + 6;

impl Clone for Entropy {
    fn clone(&self) -> Self {
        Entropy { table: self.table.clone(), cache: Vec::new() }
    }
}

impl Entropy {
    /// The table of this seed.
    pub fn new(seed: u64) -> Entropy {
        Entropy { table: ChaCha8Rng::seed_from_u64(seed), cache: Vec::new() }
    }

    /// The draw about a link (or a node: `from` equal to `to`) at a moment.
    pub fn at(&mut self, domain: Domain, from: NodeId, to: NodeId, at: Time) -> u64 {
        let stream = (domain as u64) << 56 | u64::from(from.0) << 16 | u64::from(to.0);
        let window = at.0 >> LINE_BITS;
        let place = (stream.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - LINE_INDEX_BITS)) as usize;
        if self.cache.is_empty() {
            self.cache.resize_with(1 << LINE_INDEX_BITS, || None);
        }
        let line = self.cache[place].get_or_insert_default();
        if (line.stream, line.window) != (stream, window) {
            let mut rng = self.table.clone();
            rng.set_stream(stream);
            rng.set_word_pos(u128::from(window) * WORDS as u128);
            // All at once: the words are little-endian, so the bytes are theirs.
            let mut bytes = [0; 4 * WORDS];
            rng.fill_bytes(&mut bytes);
            for (word, bytes) in line.words.iter_mut().zip(bytes.as_chunks().0) {
                *word = u32::from_le_bytes(*bytes);
            }
            (line.stream, line.window) = (stream, window);
        }
        let word = line.words[(at.0 >> WORD_BITS) as usize % WORDS];
        mix(u64::from(word) << 32 | (at.0 & ((1 << WORD_BITS) - 1)))
    }

    /// The `ordinal`-th draw of a node in one of its lives for a purpose.
    pub fn of_node(&self, node: NodeId, life: u32, purpose: Purpose, ordinal: u32) -> u64 {
        self.ordinal(Domain::Node, purpose as u8, node, life, ordinal)
    }

    /// The `ordinal`-th draw about one power failure: the one that ended `life`.
    pub fn of_power_loss(&self, node: NodeId, life: u32, ordinal: u32) -> u64 {
        self.ordinal(Domain::PowerLoss, 0, node, life, ordinal)
    }

    fn ordinal(&self, domain: Domain, purpose: u8, node: NodeId, life: u32, ordinal: u32) -> u64 {
        let mut rng = self.table.clone();
        rng.set_stream(
            (domain as u64) << 56 | u64::from(purpose) << 48 | u64::from(node.0) << 32 | u64::from(life),
        );
        rng.set_word_pos(2 * u128::from(ordinal));
        rng.next_u64()
    }
}

/// A draw as a number from 0 up to and including `bound`, without division.
pub fn up_to(draw: u64, bound: u64) -> u64 {
    ((u128::from(draw) * (u128::from(bound) + 1)) >> 64) as u64
}

/// Spreads the bits of a word: every bit of the input moves half of the output (MurmurHash3's finalizer).
pub fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 33).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    let word = (word ^ word >> 33).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    word ^ word >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: NodeId = NodeId(1);
    const B: NodeId = NodeId(2);

    #[test]
    fn a_draw_depends_on_its_address_alone() {
        let mut one = Entropy::new(7);
        let mut other = Entropy::new(7);
        let addresses: Vec<(NodeId, NodeId, Time)> =
            (0..2000).map(|n| (NodeId(n % 9), NodeId(n % 7), Time(u64::from(n) * 37_123))).collect();
        let forward: Vec<u64> =
            addresses.iter().map(|(from, to, at)| one.at(Domain::Latency, *from, *to, *at)).collect();
        // In another order, with others between, and from a fork.
        let mut fork = one.clone();
        for ((from, to, at), expected) in addresses.iter().zip(&forward).rev() {
            other.at(Domain::Latency, *to, A, Time(at.0 + 1));
            assert_eq!(other.at(Domain::Latency, *from, *to, *at), *expected);
            assert_eq!(fork.at(Domain::Latency, *from, *to, *at), *expected);
        }
    }

    #[test]
    fn different_addresses_and_seeds_draw_differently() {
        let mut entropy = Entropy::new(7);
        let draws = [
            entropy.at(Domain::Latency, A, B, Time(5)),
            entropy.at(Domain::Latency, B, A, Time(5)),
            entropy.at(Domain::Latency, A, B, Time(6)),
            entropy.at(Domain::Latency, A, B, Time(5 + (1 << WORD_BITS))),
            entropy.at(Domain::Latency, A, B, Time(5 + (1 << LINE_BITS))),
            entropy.at(Domain::Tie, A, B, Time(5)),
            entropy.of_node(A, 1, Purpose::BackOff, 0),
            entropy.of_node(A, 1, Purpose::BackOff, 1),
            entropy.of_node(A, 1, Purpose::Delay, 0),
            entropy.of_node(A, 2, Purpose::BackOff, 0),
            entropy.of_node(B, 1, Purpose::BackOff, 0),
            entropy.of_power_loss(A, 1, 0),
            Entropy::new(8).at(Domain::Latency, A, B, Time(5)),
            Entropy::new(8).of_node(A, 1, Purpose::BackOff, 0),
        ];
        for (index, draw) in draws.iter().enumerate() {
            assert!(!draws[..index].contains(draw), "draw {index}");
        }
    }

    #[test]
    fn the_words_are_those_of_chacha8() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        rng.set_stream((Domain::Latency as u64) << 56 | 1 << 16 | 2);
        let words: Vec<u32> = (0..130).map(|_| rng.next_u32()).collect();
        let mut entropy = Entropy::new(3);
        for index in [0, 1, 63, 64, 129] {
            let at = Time((index as u64) << WORD_BITS | 9);
            assert_eq!(entropy.at(Domain::Latency, A, B, at), mix(u64::from(words[index]) << 32 | 9));
        }
    }

    #[test]
    fn a_bounded_draw_reaches_both_ends() {
        assert_eq!((up_to(0, 9), up_to(u64::MAX, 9)), (0, 9));
        assert_eq!((up_to(u64::MAX, 0), up_to(u64::MAX, u64::MAX)), (0, u64::MAX));
        let counts = (0..10_000u64).map(|n| up_to(mix(n), 9)).fold([0u32; 10], |mut counts, draw| {
            counts[draw as usize] += 1;
            counts
        });
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
    }
}
