//! Where the replicas of new partitions are placed (`AdminUtils.assignReplicasToBrokers`).
//!
//! 1. The brokers stand in a ring: as given, or, if they have racks, a rack's next broker after another rack's.
//! 2. The first replica of partition `p` is the broker `start + p` steps round the ring.
//! 3. The others follow at a distance that grows by one each time the partitions have gone round the ring.
//! 4. With racks, a broker is passed over while its rack has a replica and some rack has none.

use crate::command::OperatorError;
use crate::era::{Era, Release};
use crate::error::KafkaError;
use crate::ids::BrokerId;
use crate::node::{Entropy, Purpose};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A broker on which replicas can be placed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerMetadata {
    /// Its id.
    pub id: BrokerId,
    /// `broker.rack`.
    pub rack: Option<Arc<str>>,
}

/// Where the ring is entered.
pub enum Start<'a> {
    /// Here, and with this distance to the second replica.
    Fixed(usize),
    /// Drawn: first the place, then the distance.
    Drawn(&'a mut dyn Entropy),
}

impl Start<'_> {
    fn next(&mut self, brokers: usize) -> usize {
        match self {
            Start::Fixed(index) => *index,
            Start::Drawn(entropy) => (entropy.draw(Purpose::Placement) % brokers as u64) as usize,
        }
    }
}

/// From 1.0 on the messages begin with a capital and end with a full stop.
const SENTENCES: &[(Release, bool)] = &[(Release::FIRST, false), (Release::new(1, 0, 0), true)];

fn refusal(era: &Era, error: KafkaError, first: char, rest: String) -> OperatorError {
    let sentence = era.release.look_up(SENTENCES) == Some(&true);
    let message =
        if sentence { format!("{first}{rest}.") } else { format!("{}{rest}", first.to_ascii_lowercase()) };
    OperatorError { error, message }
}

/// Places `replication_factor` replicas of `partitions` new partitions, the first of which has number
/// `first_partition`.
///
/// # Errors
/// Those of Kafka, in its words of the era: no partition, no replica, more replicas than brokers, racks on some brokers
/// only.
pub fn assign_replicas(
    brokers: &[BrokerMetadata],
    partitions: i32,
    replication_factor: i32,
    first_partition: i32,
    mut start: Start<'_>,
    era: &Era,
) -> Result<BTreeMap<i32, Vec<BrokerId>>, OperatorError> {
    if partitions <= 0 {
        let rest = "umber of partitions must be larger than 0".to_owned();
        return Err(refusal(era, KafkaError::InvalidPartitions, 'N', rest));
    }
    if replication_factor <= 0 {
        let rest = "eplication factor must be larger than 0".to_owned();
        return Err(refusal(era, KafkaError::InvalidReplicationFactor, 'R', rest));
    }
    let replicas = replication_factor as usize;
    if replicas > brokers.len() {
        let available = brokers.len();
        let rest = format!("eplication factor: {replicas} larger than available brokers: {available}");
        return Err(refusal(era, KafkaError::InvalidReplicationFactor, 'R', rest));
    }
    let with_rack = brokers.iter().filter(|broker| broker.rack.is_some()).count();
    if with_rack > 0 && with_rack < brokers.len() {
        let rest = "ot all brokers have rack information for replica rack aware assignment".to_owned();
        return Err(refusal(era, KafkaError::UnknownServerError, 'N', rest));
    }

    let ring = if with_rack == 0 { brokers.to_vec() } else { alternating_racks(brokers) };
    let racks: BTreeSet<&Arc<str>> = ring.iter().filter_map(|broker| broker.rack.as_ref()).collect();
    // Without racks, nothing but the distance decides: as if all stood in one.
    let rack_count = racks.len().max(1);
    let entered = start.next(ring.len());
    let mut distance = start.next(ring.len());

    let mut placed = BTreeMap::new();
    let lowest = first_partition.max(0);
    for partition in lowest..lowest.saturating_add(partitions) {
        if partition > 0 && (partition as usize).is_multiple_of(ring.len()) {
            distance += 1;
        }
        let first = (partition as usize + entered) % ring.len();
        placed.insert(partition, chain(&ring, first, distance * rack_count, rack_count, replicas));
    }
    Ok(placed)
}

/// The replicas of one partition, the first of which is the broker at `first`.
fn chain(
    ring: &[BrokerMetadata],
    first: usize,
    distance: usize,
    rack_count: usize,
    replicas: usize,
) -> Vec<BrokerId> {
    let mut chosen = vec![ring[first].id];
    let mut racks = BTreeSet::from([&ring[first].rack]);
    let mut step = 0;
    while chosen.len() < replicas {
        // Never the first broker itself: the distance round the rest of the ring is at least 1.
        let broker = &ring[(first + 1 + (distance + step) % (ring.len() - 1)) % ring.len()];
        step += 1;
        let rack_is_due = !racks.contains(&broker.rack) || racks.len() == rack_count;
        if rack_is_due && !chosen.contains(&broker.id) {
            chosen.push(broker.id);
            racks.insert(&broker.rack);
        }
    }
    chosen
}

/// One broker of each rack in turn, racks by name, the brokers of a rack by id.
fn alternating_racks(brokers: &[BrokerMetadata]) -> Vec<BrokerMetadata> {
    let mut by_rack: BTreeMap<&Option<Arc<str>>, Vec<&BrokerMetadata>> = BTreeMap::new();
    for broker in brokers {
        by_rack.entry(&broker.rack).or_default().push(broker);
    }
    by_rack.values_mut().for_each(|members| members.sort_by_key(|broker| broker.id));
    let longest = by_rack.values().map(Vec::len).max().unwrap_or(0);
    let rounds =
        (0..longest).flat_map(|round| by_rack.values().filter_map(move |members| members.get(round)));
    rounds.map(|broker| (*broker).clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counting;

    fn brokers(racks: &[(i32, Option<&str>)]) -> Vec<BrokerMetadata> {
        racks
            .iter()
            .map(|(id, rack)| BrokerMetadata { id: BrokerId(*id), rack: rack.map(Arc::from) })
            .collect()
    }

    fn era(release: &str) -> Era {
        Era::parse(release).expect("a release")
    }

    #[test]
    fn start_and_distance_are_drawn_in_this_order() {
        let four = brokers(&[(0, None), (1, None), (2, None), (3, None)]);
        // Entropy counts: start 2, distance 3.
        let placed = assign_replicas(&four, 5, 2, -1, Start::Drawn(&mut Counting(2)), &era("2.8"))
            .expect("enough brokers");
        let lists: Vec<Vec<i32>> = placed.values().map(|list| list.iter().map(|id| id.0).collect()).collect();
        assert_eq!(lists, [[2, 3], [3, 0], [0, 1], [1, 2], [2, 0]]);
    }

    #[test]
    fn racks_alternate_and_each_gets_a_replica() {
        let six = brokers(&[
            (0, Some("rack1")),
            (1, Some("rack3")),
            (2, Some("rack3")),
            (3, Some("rack2")),
            (4, Some("rack2")),
            (5, Some("rack1")),
        ]);
        let placed = assign_replicas(&six, 7, 3, 0, Start::Fixed(0), &era("0.10.2")).expect("enough brokers");
        let ids = |partition: i32| placed[&partition].iter().map(|id| id.0).collect::<Vec<i32>>();
        assert_eq!((ids(0), ids(1), ids(6)), (vec![0, 3, 1], vec![3, 1, 5], vec![0, 4, 2]));
    }

    #[test]
    fn words_are_those_of_the_release() {
        let one = brokers(&[(0, None)]);
        let refused = |partitions, factor, release| {
            assign_replicas(&one, partitions, factor, 0, Start::Fixed(0), &era(release))
                .expect_err("too many")
                .message
        };
        assert_eq!(refused(0, 1, "0.11.0"), "number of partitions must be larger than 0");
        assert_eq!(refused(0, 1, "1.0"), "Number of partitions must be larger than 0.");
        assert_eq!(refused(1, 2, "0.10.2"), "replication factor: 2 larger than available brokers: 1");
        assert_eq!(refused(1, 2, "2.8"), "Replication factor: 2 larger than available brokers: 1.");
        assert_eq!(refused(1, -1, "2.8"), "Replication factor must be larger than 0.");
    }
}
