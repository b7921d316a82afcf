//! How many partitions a controller handles in one round trip to ZooKeeper.

use crate::era::Release;

rule! {
    /// How many partitions a controller handles in one round trip to ZooKeeper.
    ControllerRoundTrips("controller-round-trips") {
        /// One: each is read and written before the next is looked at.
        OneByOne("one-by-one", "before KAFKA-5642", [(Release::FIRST, Release::new(1, 1, 0))]),
        /// All: their reads are pipelined, then their writes.
        Pipelined("pipelined", "KAFKA-5642", [(Release::new(1, 1, 0), Release::NEXT)]),
    }
}

impl ControllerRoundTrips {
    /// The items in the groups that are handled together, in order.
    pub fn groups<T>(self, items: Vec<T>) -> Vec<Vec<T>> {
        match self {
            ControllerRoundTrips::OneByOne => items.into_iter().map(|item| vec![item]).collect(),
            ControllerRoundTrips::Pipelined if items.is_empty() => Vec::new(),
            ControllerRoundTrips::Pipelined => vec![items],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_the_order() {
        assert_eq!(ControllerRoundTrips::OneByOne.groups(vec![3, 1, 2]), vec![vec![3], vec![1], vec![2]]);
        assert_eq!(ControllerRoundTrips::Pipelined.groups(vec![3, 1, 2]), vec![vec![3, 1, 2]]);
        assert!(ControllerRoundTrips::Pipelined.groups(Vec::<i32>::new()).is_empty());
    }
}
