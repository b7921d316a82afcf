//! The proof of determinism: one 64-bit number over everything that happened.
//!
//! Every event is written down as bytes, little-endian, field by field, and the bytes run through xxh3: two kilobytes
//! or so at a time, each block under the hash of what came before. The encoding is explicit ([`super::encoding`]): no
//! `derive(Hash)`, whose bytes no one promises. The hash can be asked for at any moment and asking changes nothing.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A running hash.
#[derive(Clone)]
pub struct RunningHash {
    state: u64,
    filled: usize,
    buffer: [u8; BLOCK],
}

const BLOCK: usize = 2048;

/// Two numbers of four bytes each in one word.
#[inline]
pub fn two(low: i32, high: i32) -> u64 {
    u64::from(low as u32) | u64::from(high as u32) << 32
}

impl Default for RunningHash {
    fn default() -> Self {
        RunningHash { state: 0, filled: 0, buffer: [0; BLOCK] }
    }
}

impl RunningHash {
    /// Appends eight bytes.
    #[inline]
    pub fn put(&mut self, word: u64) {
        self.put_all([word]);
    }

    /// Appends words that belong together: one look at the buffer for all.
    #[inline]
    pub fn put_all<const N: usize>(&mut self, words: [u64; N]) {
        if self.filled + 8 * N > BLOCK {
            self.turn_over();
        }
        let place = &mut self.buffer[self.filled..self.filled + 8 * N];
        for (bytes, word) in place.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        self.filled += 8 * N;
    }

    /// Appends two numbers of four bytes each: what fits one word.
    #[inline]
    pub fn put_two(&mut self, low: i32, high: i32) {
        self.put(two(low, high));
    }

    /// Appends a text or a byte string, with its length.
    #[inline]
    pub fn put_bytes(&mut self, bytes: &[u8]) {
        self.put_named(bytes, 0);
    }

    /// Appends a byte string with its length and, in the same word, a number.
    #[inline]
    pub fn put_named(&mut self, bytes: &[u8], number: i32) {
        assert!(bytes.len() < 1 << 32, "a byte string has a length of 32 bits");
        self.put(bytes.len() as u64 | u64::from(number as u32) << 32);
        match self.buffer.get_mut(self.filled..self.filled + bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.filled += bytes.len();
            }
            None => self.put_long(bytes),
        }
    }

    #[cold]
    fn put_long(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.filled == BLOCK {
                self.turn_over();
            }
            let fits = bytes.len().min(BLOCK - self.filled);
            self.buffer[self.filled..self.filled + fits].copy_from_slice(&bytes[..fits]);
            self.filled += fits;
            bytes = &bytes[fits..];
        }
    }

    /// The hash of everything so far.
    pub fn value(&self) -> u64 {
        xxh3_64_with_seed(&self.buffer[..self.filled], self.state)
    }

    fn turn_over(&mut self) {
        self.state = self.value();
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_counts_and_asking_changes_nothing() {
        let run = |ask: bool, changed: Option<usize>| {
            let mut hash = RunningHash::default();
            for index in 0..1000 {
                hash.put(index as u64 + u64::from(changed == Some(index)));
                hash.put_bytes(&[index as u8; 3][..index % 4]);
                if ask {
                    hash.value();
                }
            }
            hash.value()
        };
        let plain = run(false, None);
        assert_eq!(plain, run(true, None));
        for changed in [0, 1, 127, 128, 500, 999] {
            assert_ne!(plain, run(false, Some(changed)), "word {changed}");
        }
    }

    #[test]
    fn lengths_keep_neighbours_apart() {
        let of = |texts: [&str; 2]| {
            let mut hash = RunningHash::default();
            texts.iter().for_each(|text| hash.put_bytes(text.as_bytes()));
            hash.value()
        };
        assert_ne!(of(["ab", "c"]), of(["a", "bc"]));
        assert_ne!(of(["", "abc"]), of(["abc", ""]));
    }
}
