//! Whether creating, renaming and deleting files is made durable by flushing their directory.
//!
//! A flushed file whose name was never flushed may be gone after a power failure, and a checkpoint that was renamed
//! into its place may be the old one again.

use crate::era::Release;

rule! {
    /// Whether a directory is flushed after files in it were created or renamed.
    DirectoryFlush("directory-flush") {
        /// Never: what became of a name is left to the file system.
        Never("never", "before KAFKA-3968", [(Release::FIRST, Release::new(3, 0, 0))]),
        /// After a rename, and with the first flush of a new segment.
        WithFiles("with-files", "KAFKA-3968", [(Release::new(3, 0, 0), Release::NEXT)]),
    }
}

impl DirectoryFlush {
    /// Whether a rename is followed by a flush of the directory.
    pub fn after_rename(self) -> bool {
        match self {
            DirectoryFlush::Never => false,
            DirectoryFlush::WithFiles => true,
        }
    }

    /// Whether a flush of segments also flushes their directory. `newest_flushed`: base offset of the newest segment
    /// flushed; `recovery_point`: where the last flush ended. A segment that begins there or later is a new file.
    pub fn with_segments(self, newest_flushed: Option<i64>, recovery_point: i64) -> bool {
        match self {
            DirectoryFlush::Never => false,
            DirectoryFlush::WithFiles => newest_flushed.is_some_and(|base| base >= recovery_point),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DirectoryFlush::{Never, WithFiles};

    #[test]
    fn situations() {
        // newest segment flushed, recovery point: never, with-files
        for (newest, point, never, with_files) in [
            (None, 0, false, false),
            (Some(0), 0, false, true),   // the first flush of a new log
            (Some(0), 5, false, false),  // more of a segment that was flushed before
            (Some(10), 5, false, true),  // rolled since the last flush
            (Some(10), 10, false, true), // rolled exactly at the last flush
        ] {
            assert_eq!(Never.with_segments(newest, point), never, "{newest:?} {point}");
            assert_eq!(WithFiles.with_segments(newest, point), with_files, "{newest:?} {point}");
        }
        assert!(!Never.after_rename() && WithFiles.after_rename());
    }
}
