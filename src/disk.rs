//! The disk a node is lent for one step: files of real bytes, with a page cache that a power failure can lose.
//!
//! What survives what:
//!
//! | done                                   | survives `kill` | survives `power_off`                          |
//! |----------------------------------------|-----------------|-----------------------------------------------|
//! | `append`, `write_at`, `truncate`       | yes             | only after `flush` of the file                |
//! | creating, renaming, deleting an entry  | yes             | only after `flush_directory` of its directory |
//!
//! Calls are synchronous and reach the page cache. What they cost in time is the driver's to charge.
//! The Kafka classes behind it: `FileRecords`, `java.nio.channels.FileChannel`, `Utils.atomicMoveWithFallback`.

use crate::log::batch::KnownCrc;
use bytes::Bytes;

/// An open file. Valid for one life of the node: a restart closes every file.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId(pub u32);

/// Why a disk call failed. These are data for the node, never bugs of ours.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum DiskError {
    /// No such file or directory.
    NotFound,
    /// EIO: the device failed.
    Io,
    /// ENOSPC: the device is full.
    Full,
}

/// The length of a record batch's header (message format v2): what a broker reads and patches without decoding records.
pub const HEADER_LENGTH: usize = 61;

/// One contiguous piece of a file, appended in one write: a small owned header and a shared body.
///
/// For a record batch the header is its 61 bytes, in which an append patches base offset and leader epoch, and the body
/// is the records, shared by every replica that holds them; an entry of an older message format has fewer header bytes.
/// Other files use `body` alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extent {
    /// Header bytes, of which the first `header_length` count.
    pub header: [u8; HEADER_LENGTH],
    /// How many: [`HEADER_LENGTH`], fewer before message format v2, or none.
    pub header_length: u8,
    /// The rest.
    pub body: Bytes,
    /// Of a record batch, what is known of its CRC. Whoever changes a byte forgets it.
    pub fits: KnownCrc,
}

impl Extent {
    /// A piece without a header.
    pub fn plain(body: Bytes) -> Extent {
        Extent { header: [0; HEADER_LENGTH], header_length: 0, body, fits: KnownCrc::default() }
    }

    /// A record batch: header and records.
    pub fn batch(header: [u8; HEADER_LENGTH], body: Bytes) -> Extent {
        Extent { header, header_length: HEADER_LENGTH as u8, body, fits: KnownCrc::default() }
    }

    /// Length in bytes.
    pub fn length(&self) -> u64 {
        u64::from(self.header_length) + self.body.len() as u64
    }
}

/// One machine's disk, as its process sees it. Paths are absolute, `/`-separated; a file's directory must exist.
pub trait Disk {
    /// Creates a directory; one that exists already is left alone. Its parent must exist.
    fn create_directory(&mut self, path: &str) -> Result<(), DiskError>;
    /// The names in a directory, sorted.
    fn list(&mut self, directory: &str) -> Result<Vec<String>, DiskError>;
    /// Removes a directory and all it contains.
    fn remove_directory(&mut self, path: &str) -> Result<(), DiskError>;
    /// Whether a file or directory of this name exists.
    fn exists(&self, path: &str) -> bool;

    /// Opens a file, creating an empty one if `create` is set and there is none.
    fn open(&mut self, path: &str, create: bool) -> Result<FileId, DiskError>;
    /// Says that the file will not be used again in this life, by this or any other [`FileId`] of it. A file need not be
    /// closed; one that was may be forgotten once its last name is gone.
    fn close(&mut self, file: FileId) {
        let _ = file;
    }
    /// The length of an open file, in bytes.
    fn length(&self, file: FileId) -> u64;
    /// Appends one piece at the end. On `Full` or `Io` nothing was written.
    fn append(&mut self, file: FileId, extent: Extent) -> Result<(), DiskError>;
    /// Overwrites bytes in place; may also extend the file at its end.
    fn write_at(&mut self, file: FileId, position: u64, bytes: &[u8]) -> Result<(), DiskError>;
    /// Reads up to `length` bytes from `position`; fewer at the end of the file.
    fn read(&mut self, file: FileId, position: u64, length: usize) -> Result<Bytes, DiskError>;
    /// The piece that begins exactly at `position`, if one does and it is still as it was appended: a read without
    /// a copy. `None` says only that the caller must use [`Disk::read`].
    fn extent(&mut self, file: FileId, position: u64) -> Result<Option<Extent>, DiskError>;
    /// Cuts a file to `length` bytes.
    fn truncate(&mut self, file: FileId, length: u64) -> Result<(), DiskError>;
    /// Makes the file's contents and length durable (fsync).
    fn flush(&mut self, file: FileId) -> Result<(), DiskError>;

    /// Renames a file or directory, replacing a file of the new name. Open files stay open.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError>;
    /// Deletes a file.
    fn delete(&mut self, path: &str) -> Result<(), DiskError>;
    /// Makes a directory's entries durable (fsync of the directory).
    fn flush_directory(&mut self, path: &str) -> Result<(), DiskError>;
}
