//! What a follower does when it cannot append what its leader sent.
//!
//! Its own copy is not to blame, so trying again would not help: the batch does not follow its log, or is larger than the
//! topic allows. (A batch that fails its CRC is fetched again in every release.) Up to 2.2 the exception ends the fetcher
//! thread, and with it the replication of every partition that it fetches.

use crate::era::Release;

rule! {
    /// What a follower does when it cannot append what its leader sent.
    FailedAppend("failed-append") {
        /// Its fetcher thread ends: nothing that it fetches is replicated any more.
        EndsFetcher("ends-fetcher", "before KIP-461", [(Release::FIRST, Release::new(2, 3, 0))]),
        /// It gives up the partition until the controller speaks again.
        FailsPartition("fails-partition", "KIP-461", [(Release::new(2, 3, 0), Release::NEXT)]),
    }
}

impl FailedAppend {
    /// Whether the whole fetcher ends.
    pub fn ends_fetcher(self) -> bool {
        match self {
            FailedAppend::EndsFetcher => true,
            FailedAppend::FailsPartition => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn a_partition_fails_alone_from_2_3_on() {
        for (release, ends) in [(Release::new(2, 2, 2), true), (Release::new(2, 3, 0), false)] {
            assert_eq!(FailedAppend::of(release).ends_fetcher(), ends, "{release}");
        }
    }
}
