//! One file: its bytes as pieces, and which of them a power failure would leave.
//!
//! A piece is what one append wrote. The *live* file, which processes see, is a list of pieces; most of it stands in
//! chunks that are shared between clones of a disk, so that a clone that is written to copies the last few pieces only.
//!
//! The *durable* file is told by two marks on the same pieces: it is the first `common` bytes of the live file, followed
//! by `tail`, which is there only while a truncation or an overwrite has not been flushed. So an append changes neither
//! mark, a flush sets them (`common` to the length, no tail) without looking at any piece, and both cost nothing.
//!
//! The length of a file is not a byte of it: it stands in the journal, with the names. So a truncation can be durable
//! before the bytes that were written after it are: then the tail is gone ([`File::commit_cuts`]).
//!
//! Left out: the order in which a page cache writes back, and write-back by itself.

use bytes::Bytes;
use kafka::disk::Extent;
use kafka::log::batch::KnownCrc;
use std::sync::Arc;

/// How many pieces a shared chunk holds.
const CHUNK: usize = 64;

/// What one append wrote, or what is left of it.
#[derive(Clone, Debug)]
struct Piece {
    start: u64,
    extent: Extent,
    /// Whether it is as long as when it was appended.
    whole: bool,
}

/// A file's bytes.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Full chunks of pieces.
    sealed: Arc<Vec<Arc<Vec<Piece>>>>,
    /// The pieces after them: never empty unless there are none at all, or a chunk was just sealed.
    recent: Vec<Piece>,
    length: u64,
    common: u64,
    tail: Option<Arc<Vec<Piece>>>,
    /// Truncations of what was durable, not flushed: the number of each in the journal, and the length it left.
    cuts: Vec<(u64, u64)>,
}

impl Piece {
    fn end(&self) -> u64 {
        self.start + self.extent.length()
    }

    /// The part of it between two positions of the file, which must touch it.
    fn part(&self, from: u64, to: u64) -> Piece {
        let (from, to) = (from.max(self.start), to.min(self.end()));
        if from == self.start && to == self.end() {
            return self.clone();
        }
        let header = u64::from(self.extent.header_length);
        let (first, last) = (from - self.start, to - self.start);
        let body = if first >= header {
            self.extent.body.slice((first - header) as usize..(last - header) as usize)
        } else {
            let mut bytes = self.extent.header[first as usize..last.min(header) as usize].to_vec();
            bytes.extend_from_slice(&self.extent.body[..last.saturating_sub(header) as usize]);
            bytes.into()
        };
        Piece { start: from, extent: Extent::plain(body), whole: false }
    }

    /// The same bytes elsewhere in the file.
    fn moved(mut self, start: u64) -> Piece {
        self.start = start;
        self
    }
}

impl File {
    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Appends one piece.
    pub fn append(&mut self, extent: Extent) {
        self.push(Piece { start: self.length, extent, whole: true });
    }

    fn push(&mut self, piece: Piece) {
        debug_assert_eq!(piece.start, self.length, "pieces follow each other");
        if piece.extent.length() == 0 {
            return;
        }
        self.length = piece.end();
        self.recent.push(piece);
        if self.recent.len() == CHUNK {
            let chunk = std::mem::replace(&mut self.recent, Vec::with_capacity(CHUNK));
            Arc::make_mut(&mut self.sealed).push(Arc::new(chunk));
        }
    }

    /// The pieces of the chunk that holds `position`, and the number of the piece in it.
    fn find(&self, position: u64) -> Option<(&[Piece], usize)> {
        if position >= self.length {
            return None;
        }
        // Who reads is nearly always at the end.
        if let Some(last) = self.recent.last().filter(|last| last.start <= position) {
            debug_assert!(position < last.end(), "the last piece ends where the file ends");
            return Some((&self.recent, self.recent.len() - 1));
        }
        let chunk = match self.recent.first() {
            Some(first) if first.start <= position => &self.recent[..],
            _ => {
                let after = self.sealed.partition_point(|chunk| chunk[0].start <= position);
                &self.sealed[after.checked_sub(1)?][..]
            }
        };
        let after = chunk.partition_point(|piece| piece.start <= position);
        Some((chunk, after.checked_sub(1)?))
    }

    /// The piece that begins exactly at `position`, if it is as it was appended.
    pub fn extent(&self, position: u64) -> Option<Extent> {
        let (chunk, number) = self.find(position)?;
        let piece = &chunk[number];
        (piece.start == position && piece.whole).then(|| piece.extent.clone())
    }

    /// Up to `length` bytes from `position`.
    pub fn read(&self, position: u64, length: usize) -> Bytes {
        let end = position.saturating_add(length as u64).min(self.length);
        let Some((chunk, number)) = self.find(position).filter(|_| end > position) else {
            return Bytes::new();
        };
        let first = &chunk[number];
        if first.end() >= end {
            return first.part(position, end).into_bytes();
        }
        let mut bytes = Vec::with_capacity((end - position) as usize);
        let mut at = position;
        while at < end {
            let Some((chunk, number)) = self.find(at) else { break };
            for piece in &chunk[number..] {
                if at < end {
                    bytes.extend_from_slice(&piece.part(at, end).into_bytes());
                    at = piece.end().min(end);
                }
            }
        }
        bytes.into()
    }

    /// Takes off everything from `length` on, oldest first.
    fn cut(&mut self, length: u64) -> Vec<Piece> {
        let mut removed = Vec::new();
        while self.length > length {
            if self.recent.is_empty() {
                let chunk = Arc::make_mut(&mut self.sealed).pop();
                let chunk = chunk.expect("a file that is not empty has pieces");
                self.recent = Arc::try_unwrap(chunk).unwrap_or_else(|shared| (*shared).clone());
            }
            let piece = self.recent.pop().expect("a chunk is not empty");
            self.length = piece.start;
            if piece.start < length {
                let (kept, gone) = (piece.part(piece.start, length), piece.part(length, piece.end()));
                removed.push(gone);
                self.push(kept);
            } else {
                removed.push(piece);
            }
        }
        removed.reverse();
        removed
    }

    /// Takes off everything from `length` on; what of it was durable stays so until a flush.
    fn cut_marking(&mut self, length: u64) -> Vec<Piece> {
        let removed = self.cut(length);
        if length < self.common {
            let mut tail: Vec<Piece> = removed
                .iter()
                .filter(|piece| piece.start < self.common)
                .map(|piece| piece.part(piece.start, self.common))
                .collect();
            tail.extend(self.tail.take().into_iter().flat_map(|tail| (*tail).clone()));
            self.tail = Some(Arc::new(tail));
            self.common = length;
        }
        removed
    }

    /// Cuts the file to `length` bytes; a longer length changes nothing. `number` is its place in the journal. True if
    /// the journal has to know: what was durable is gone.
    pub fn truncate(&mut self, length: u64, number: u64) -> bool {
        if length >= self.length {
            return false;
        }
        self.cut_marking(length);
        if self.tail.is_some() {
            self.cuts.push((number, length));
        }
        self.tail.is_some()
    }

    /// The journal has made durable what comes before `number`: what truncations of that time have cut off is gone for
    /// good.
    pub fn commit_cuts(&mut self, number: u64) {
        let committed = self.cuts.iter().filter(|cut| cut.0 < number).map(|cut| cut.1).min();
        let Some(length) = committed else { return };
        self.cuts.retain(|cut| cut.0 >= number);
        let tail = self.tail.take().into_iter().flat_map(|tail| (*tail).clone());
        let left: Vec<Piece> = tail
            .filter(|piece| piece.start < length)
            .map(|piece| piece.part(piece.start, length.min(piece.end())))
            .collect();
        self.tail = (!left.is_empty()).then(|| Arc::new(left));
    }

    /// The numbers of the truncations that the journal has not made durable.
    pub fn cuts(&self) -> impl Iterator<Item = u64> {
        self.cuts.iter().map(|cut| cut.0)
    }

    /// Overwrites from `position` on; a gap before it is filled with zeros.
    pub fn write_at(&mut self, position: u64, bytes: &[u8]) {
        if position > self.length {
            let gap = (position - self.length) as usize;
            self.append(Extent::plain(vec![0; gap].into()));
        }
        let removed = self.cut_marking(position);
        self.push(Piece {
            start: position,
            extent: Extent::plain(Bytes::copy_from_slice(bytes)),
            whole: true,
        });
        let end = position + bytes.len() as u64;
        for piece in removed.iter().filter(|piece| piece.end() > end) {
            let rest = piece.part(end, piece.end());
            self.push(rest);
        }
    }

    /// Makes the live file durable.
    pub fn flush(&mut self) {
        self.common = self.length;
        self.tail = None;
        self.cuts.clear();
    }

    /// Whether the durable file is the live one.
    pub fn is_flushed(&self) -> bool {
        self.common == self.length && self.tail.is_none()
    }

    /// Flips the lowest bit of the byte at `position`; negative counts from the end. False if there is no such byte.
    pub fn rot(&mut self, position: i64) -> bool {
        let from_end = || self.length.checked_sub(position.unsigned_abs());
        let position = if position < 0 { from_end() } else { Some(position as u64) };
        let Some(position) = position.filter(|position| *position < self.length) else { return false };
        let pieces = match self.recent.first() {
            Some(first) if first.start <= position => &mut self.recent,
            _ => {
                let after = self.sealed.partition_point(|chunk| chunk[0].start <= position);
                Arc::make_mut(&mut Arc::make_mut(&mut self.sealed)[after - 1])
            }
        };
        let number = pieces.partition_point(|piece| piece.start <= position) - 1;
        let piece = &mut pieces[number];
        let (at, header) = ((position - piece.start) as usize, usize::from(piece.extent.header_length));
        piece.extent.fits = KnownCrc::default();
        if at < header {
            piece.extent.header[at] ^= 1;
        } else {
            let mut body = piece.extent.body.to_vec();
            body[at - header] ^= 1;
            piece.extent.body = body.into();
        }
        true
    }

    /// The power is gone and nothing unflushed survives.
    pub fn lose_all(&mut self) {
        self.cut(self.common);
        for piece in self.tail.take().into_iter().flat_map(|tail| (*tail).clone()) {
            self.push(piece);
        }
        self.flush();
    }

    /// The power is gone; of the unflushed writes a prefix survives, its last piece perhaps torn.
    pub fn lose_suffix(&mut self, draw: &mut dyn FnMut() -> u64) {
        if self.is_flushed() {
            return;
        }
        let shortened = u64::from(self.tail.is_some());
        let writes = self.unflushed();
        let mut survive = draw() % (writes.len() as u64 + shortened + 1);
        if shortened == 1 && survive == 0 {
            return self.lose_all();
        }
        survive -= shortened;
        self.tail = None;
        self.cut(self.common);
        for (number, piece) in writes.into_iter().enumerate() {
            if (number as u64) < survive {
                self.push(piece);
            } else {
                self.push_torn(&piece, draw() % piece.extent.length());
                break;
            }
        }
        self.flush();
    }

    /// The power is gone; any subset of the unflushed writes survives, the last of them perhaps torn. Where a lost write
    /// lies before one that survived, there are zeros.
    pub fn lose_some(&mut self, draw: &mut dyn FnMut() -> u64) {
        if self.is_flushed() {
            return;
        }
        if self.tail.is_some() && draw() & 1 == 0 {
            return self.lose_all();
        }
        self.tail = None;
        let writes = self.unflushed();
        self.cut(self.common);
        let survives: Vec<bool> = writes.iter().map(|_| draw() & 1 == 1).collect();
        let last = survives.iter().rposition(|survives| *survives);
        let torn = draw() & 1 == 1;
        for (number, piece) in writes.into_iter().enumerate() {
            if last.is_none_or(|last| number > last) {
                break;
            }
            if Some(number) == last && torn {
                self.push_torn(&piece, (draw() % piece.extent.length()).max(1));
            } else if survives[number] {
                self.push(piece);
            } else {
                let zeros = vec![0; piece.extent.length() as usize];
                self.push(Piece { start: piece.start, extent: Extent::plain(zeros.into()), whole: false });
            }
        }
        self.flush();
    }

    /// The power is gone; of the last unflushed write the first half survives, of the others all.
    pub fn tear(&mut self) {
        if self.is_flushed() {
            return;
        }
        if let Some(last) = self.unflushed().pop() {
            self.cut(last.start);
            self.push_torn(&last, last.extent.length() / 2);
        }
        self.flush();
    }

    /// The pieces after the common part.
    fn unflushed(&self) -> Vec<Piece> {
        let sealed = self.sealed.iter().flat_map(|chunk| chunk.iter());
        sealed.chain(&self.recent).filter(|piece| piece.start >= self.common).cloned().collect()
    }

    /// Appends the first bytes of a piece.
    fn push_torn(&mut self, piece: &Piece, kept: u64) {
        if kept > 0 {
            let start = self.length;
            self.push(piece.part(piece.start, piece.start + kept).moved(start));
        }
    }
}

impl Piece {
    fn into_bytes(self) -> Bytes {
        if self.extent.header_length == 0 {
            return self.extent.body;
        }
        let mut bytes = self.extent.header[..usize::from(self.extent.header_length)].to_vec();
        bytes.extend_from_slice(&self.extent.body);
        bytes.into()
    }
}
