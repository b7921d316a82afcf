//! Whether the checkpoint of high watermarks keeps the replicas whose leader is down.
//!
//! A starting broker reads the checkpoint when the controller names a replica to it for the first time, and writes it anew
//! every few seconds. Up to 0.8.1 it made no replica whose leader was down; so the file lost that line, and with it all that
//! was known of the partition's high watermark.

use crate::era::Release;

rule! {
    /// Whether the checkpoint of high watermarks keeps the replicas whose leader is down.
    LeaderlessCheckpoint("leaderless-checkpoint") {
        /// They are left out. No release from 0.8.2 on does this.
        LeftOut("left-out", "before KAFKA-1647", []),
        /// They are made all the same, and so are in it.
        Included("included", "KAFKA-1647", [(Release::FIRST, Release::NEXT)]),
    }
}

impl LeaderlessCheckpoint {
    /// Whether a broker told to follow a leader that is down makes the replica.
    pub fn makes_replica(self) -> bool {
        match self {
            LeaderlessCheckpoint::LeftOut => false,
            LeaderlessCheckpoint::Included => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn situations() {
        assert!(!LeaderlessCheckpoint::LeftOut.makes_replica());
        assert!(LeaderlessCheckpoint::Included.makes_replica());
        for release in [Release::FIRST, Release::new(3, 9, 1)] {
            assert_eq!(LeaderlessCheckpoint::of(release), LeaderlessCheckpoint::Included, "{release}");
        }
    }
}
