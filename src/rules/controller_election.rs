//! How a broker that takes `/controller` raises the controller epoch.

use crate::era::Release;

rule! {
    /// How a broker that takes `/controller` raises the controller epoch.
    ControllerElection("controller-election") {
        /// Creates `/controller`, then reads and sets `/controller_epoch`.
        TwoWrites("two-writes", "before KAFKA-6082", [(Release::FIRST, Release::new(2, 1, 0))]),
        /// Reads `/controller_epoch`, then creates the one and sets the other in one multi.
        OneMulti("one-multi", "KAFKA-6082", [(Release::new(2, 1, 0), Release::NEXT)]),
    }
}

/// What a broker that runs for controller does first.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum FirstMove {
    /// Creates `/controller`.
    Register,
    /// Reads `/controller_epoch`.
    ReadEpoch,
}

impl ControllerElection {
    /// The first move.
    pub fn first_move(self) -> FirstMove {
        match self {
            ControllerElection::TwoWrites => FirstMove::Register,
            ControllerElection::OneMulti => FirstMove::ReadEpoch,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn one_multi_from_2_1_on() {
        assert_eq!(ControllerElection::of(Release::new(2, 0, 1)).first_move(), FirstMove::Register);
        assert_eq!(ControllerElection::of(Release::new(2, 1, 0)).first_move(), FirstMove::ReadEpoch);
    }
}
