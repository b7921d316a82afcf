//! Which offset an entry of the offset index names.
//!
//! An entry is made for the first append after `index.interval.bytes`, at the position where that append begins. Up to 1.1
//! it names the first offset of the append, since 2.0 the last one (KAFKA-6530), which is known without opening a compressed
//! entry of the formats before v2. Only the bytes of `.index` files tell.

use crate::era::Release;
use crate::ids::Offset;

rule! {
    /// Which offset an entry of the offset index names.
    IndexEntry("index-entry") {
        /// The first of what was appended.
        FirstOffset("first-offset", "before KAFKA-6530", [(Release::FIRST, Release::new(2, 0, 0))]),
        /// The last of what was appended.
        LastOffset("last-offset", "KAFKA-6530", [(Release::new(2, 0, 0), Release::NEXT)]),
    }
}

impl IndexEntry {
    /// The offset in the entry for an append.
    pub fn offset(self, first: Offset, last: Offset) -> Offset {
        match self {
            IndexEntry::FirstOffset => first,
            IndexEntry::LastOffset => last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn situations() {
        let named = |release| IndexEntry::of(release).offset(Offset(3), Offset(5));
        assert_eq!(named(Release::new_0(10, 2, 2)), Offset(3));
        assert_eq!(named(Release::new(1, 1, 1)), Offset(3));
        assert_eq!(named(Release::new(2, 0, 0)), Offset(5));
        assert_eq!(named(Release::new(3, 9, 1)), Offset(5));
    }
}
