//! How many replicas `__consumer_offsets` gets when it is made with fewer brokers alive than it should have replicas.

use crate::era::Release;

rule! {
    /// How many replicas `__consumer_offsets` gets when fewer brokers are alive than it should have replicas.
    OffsetsTopic("offsets-topic") {
        /// As many as are alive, for ever: who begins with one broker keeps one replica.
        AsManyAsAlive("as-many-as-alive", "before KAFKA-3959", [(Release::FIRST, Release::new_0(11, 0, 0))]),
        /// It is not made: there is no coordinator until enough are alive.
        Enforced("enforced", "KAFKA-3959", [(Release::new_0(11, 0, 0), Release::NEXT)]),
    }
}

impl OffsetsTopic {
    /// The replication factor to make it with, or nothing. `alive` brokers; `wanted` is
    /// `offsets.topic.replication.factor`.
    pub fn replication_factor(self, alive: usize, wanted: i16) -> Option<i16> {
        let alive = i16::try_from(alive).unwrap_or(i16::MAX);
        match self {
            OffsetsTopic::AsManyAsAlive if alive == 0 => Some(wanted),
            OffsetsTopic::AsManyAsAlive => Some(wanted.min(alive)),
            OffsetsTopic::Enforced => (alive >= wanted).then_some(wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        for (alive, before, since) in
            [(0, Some(3), None), (1, Some(1), None), (3, Some(3), Some(3)), (4, Some(3), Some(3))]
        {
            assert_eq!(OffsetsTopic::AsManyAsAlive.replication_factor(alive, 3), before, "{alive}");
            assert_eq!(OffsetsTopic::Enforced.replication_factor(alive, 3), since, "{alive}");
        }
    }
}
