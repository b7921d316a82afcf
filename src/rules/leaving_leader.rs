//! Whether a broker that shuts down is told of the leader that takes over from it.

use crate::era::Release;

rule! {
    /// Whether a broker that shuts down is told of the leader that takes over from it.
    LeavingLeader("leaving-leader") {
        /// Yes: it becomes a follower before it goes.
        Told("told", "KAFKA-7482", [
            (Release::FIRST, Release::new(1, 1, 0)),
            (Release::new(2, 1, 0), Release::NEXT),
        ]),
        /// No: it goes on leading, as far as it knows.
        NotTold("not-told", "KAFKA-5642", [(Release::new(1, 1, 0), Release::new(2, 1, 0))]),
    }
}

impl LeavingLeader {
    /// Whether LeaderAndIsr also goes to brokers that shut down.
    pub fn is_told(self) -> bool {
        match self {
            LeavingLeader::Told => true,
            LeavingLeader::NotTold => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn it_is_not_told_from_1_1_to_2_0() {
        for (release, told) in
            [(Release::new(1, 0, 2), true), (Release::new(2, 0, 1), false), (Release::new(2, 1, 0), true)]
        {
            assert_eq!(LeavingLeader::of(release).is_told(), told, "{release}");
        }
    }
}
