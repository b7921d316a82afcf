//! Variable-length integers (KIP-98): seven bits a byte, lowest first, the top bit says that more follow.
//!
//! Signed ones are zigzag coded (0, -1, 1, -2, ... become 0, 1, 2, 3, ...). Kafka's class: `ByteUtils`.

/// The zigzag image of a number.
#[inline]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Writes an unsigned number.
pub fn write_unsigned(out: &mut Vec<u8>, value: u64) {
    let mut bytes = Gathered::default();
    bytes.unsigned(value);
    bytes.flush(out);
}

/// Writes a signed number. A varint and a varlong of one number are the same bytes.
pub fn write(out: &mut Vec<u8>, value: i64) {
    write_unsigned(out, zigzag(value));
}

/// A few numbers on their way into a longer piece of bytes. They are gathered here, where there is room for sure, and
/// copied at once: the longer piece need not look for room byte by byte.
pub struct Gathered {
    bytes: [u8; GATHERED],
    length: usize,
}

/// Room for four numbers and some single bytes.
const GATHERED: usize = 48;

impl Gathered {
    /// One byte.
    #[inline(always)]
    pub fn byte(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    /// A signed number.
    #[inline]
    pub fn number(&mut self, value: i64) {
        self.unsigned(zigzag(value));
    }

    /// An unsigned number.
    #[inline(always)]
    fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    /// Appends all of it to `out`, and begins anew.
    #[inline]
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes[..self.length]);
        self.length = 0;
    }
}

impl Default for Gathered {
    fn default() -> Self {
        Gathered { bytes: [0; GATHERED], length: 0 }
    }
}

/// How many bytes [`write()`] takes.
#[inline]
pub fn size(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Reads an unsigned number of at most `bytes` bytes from the front of `input`, which moves on. `None` if it is cut
/// off, longer than that, or has bits that do not fit 64.
fn read_bytes(input: &mut &[u8], bytes: usize) -> Option<u64> {
    let mut value = 0u64;
    for (index, byte) in input.iter().take(bytes).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if index == 9 && bits > 1 {
            return None;
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            *input = &input[index + 1..];
            return Some(value);
        }
    }
    None
}

/// Reads an unsigned number of 32 bits.
pub fn read_unsigned(input: &mut &[u8]) -> Option<u32> {
    u32::try_from(read_bytes(input, 5)?).ok()
}

/// Reads a signed number of 64 bits (a varlong).
pub fn read_long(input: &mut &[u8]) -> Option<i64> {
    let coded = read_bytes(input, 10)?;
    Some((coded >> 1) as i64 ^ -((coded & 1) as i64))
}

/// Reads a signed number of 32 bits (a varint).
pub fn read(input: &mut &[u8]) -> Option<i32> {
    let coded = read_unsigned(input)?;
    Some((coded >> 1) as i32 ^ -((coded & 1) as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_cut_off_or_too_long_is_refused() {
        assert_eq!(read(&mut &[0x80, 0x80][..]), None);
        assert_eq!(read(&mut &[0xff, 0xff, 0xff, 0xff, 0x1f][..]), None);
        assert_eq!(read_long(&mut &[0xff; 10][..]), None);
        assert_eq!(read_unsigned(&mut &[][..]), None);
    }

    #[test]
    fn sizes_are_what_is_written() {
        for value in [0, -1, 63, 64, -64, -65, 8191, 8192, i64::from(i32::MAX), i64::MIN, i64::MAX] {
            let mut bytes = Vec::new();
            write(&mut bytes, value);
            assert_eq!(bytes.len(), size(value), "{value}");
            let mut input = &bytes[..];
            assert_eq!(read_long(&mut input), Some(value));
            assert!(input.is_empty());
        }
    }
}
