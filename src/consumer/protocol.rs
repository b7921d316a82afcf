//! What members of a group send each other through the coordinator, in bytes that it never reads (`ConsumerProtocol`).
//!
//! | field                       | since         | why                                                    |
//! |-----------------------------|---------------|--------------------------------------------------------|
//! | subscription: topics, user data | 0         |                                                        |
//! | owned partitions            | 1 (KIP-429)   | what a cooperative member keeps                        |
//! | generation                  | 2 (KIP-792)   | how old its claim is                                   |
//! | rack                        | 3 (KIP-881)   |                                                        |
//! | assignment: partitions, user data | 0       | the same in every version                              |
//!
//! Bytes begin with their version. Who knows an older one only reads what it knows, and passes over the rest.
//!
//! Left out: user data of an assignment, which none of Kafka's assignors has.

use super::assignor::Subscription;
use super::assignor::java_map::{Grouping, JavaMap};
use crate::era::{Era, Release};
use crate::ids::{Topic, TopicPartition};
use crate::messages::schema::{Malformed, Reader, Writer};
use bytes::Bytes;

/// First release and newest version, ascending. Versions 2 and 3 both came with 3.4.
pub const VERSIONS: &[(Release, i16)] =
    &[(Release::FIRST, 0), (Release::new(2, 4, 0), 1), (Release::new(3, 4, 0), 3)];

/// How a release orders topics and partitions in these bytes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Order {
    /// As its maps have them.
    OfMaps,
    /// Subscriptions sorted, so that two that say the same are the same bytes (KAFKA-12898); assignments as before.
    Sorted,
    /// Assignments too in the order in which the assignor named each topic first.
    AsNamed,
}

const ORDER: &[(Release, Order)] = &[
    (Release::FIRST, Order::OfMaps),
    (Release::new(2, 8, 1), Order::Sorted),
    (Release::new(3, 0, 0), Order::AsNamed),
];

fn order(era: &Era) -> Order {
    *era.release.look_up(ORDER).expect("the table begins before every release")
}

/// The newest version that a release writes.
pub fn newest_version(era: &Era) -> i16 {
    *era.release.look_up(VERSIONS).expect("the table begins before every release")
}

/// A subscription as the member's release writes it.
pub fn write_subscription(subscription: &Subscription, era: &Era) -> Bytes {
    let version = newest_version(era);
    let mut topics = subscription.topics.clone();
    let mut owned = subscription.owned.clone();
    if order(era) != Order::OfMaps {
        topics.sort_unstable();
        owned.sort_unstable();
    }
    let mut writer = Writer::versioned(version);
    writer.length(topics.len());
    for topic in topics {
        writer.string(topic.name());
    }
    writer.nullable_bytes(subscription.user_data.as_ref());
    if version >= 1 {
        let by_topic = if order(era) == Order::OfMaps { by_map(&owned, era) } else { as_named(&owned) };
        write_partitions(&mut writer, &by_topic);
    }
    if version >= 2 {
        writer.int32(subscription.generation.unwrap_or(super::assignor::NO_GENERATION));
    }
    if version >= 3 {
        writer.nullable_string(subscription.rack.as_deref());
    }
    writer.finish()
}

/// Reads a subscription of any version as far as this release knows it.
///
/// # Errors
/// If these bytes are none.
pub fn read_subscription(bytes: &Bytes, era: &Era) -> Result<Subscription, Malformed> {
    let mut reader = Reader::new(bytes);
    let version = reader.int16()?.min(newest_version(era));
    if version < 0 {
        return Err(Malformed);
    }
    let topics = reader.list(|reader| Ok(Topic::new(&reader.string()?)))?;
    let user_data = reader.nullable_bytes()?;
    let owned = if version >= 1 { read_partitions(&mut reader)? } else { Vec::new() };
    let generation = if version >= 2 { Some(reader.int32()?) } else { None };
    let rack = if version >= 3 { reader.nullable_string()?.filter(|rack| !rack.is_empty()) } else { None };
    // -1 is "no generation" on the wire.
    let generation = generation.filter(|generation| *generation >= 0);
    Ok(Subscription { topics, user_data, owned, generation, instance: None, rack })
}

/// An assignment as the leader's release writes it, in that version of the protocol.
pub fn write_assignment(partitions: &[TopicPartition], version: i16, era: &Era) -> Bytes {
    let mut writer = Writer::versioned(version);
    let by_topic = if order(era) == Order::AsNamed { as_named(partitions) } else { by_map(partitions, era) };
    write_partitions(&mut writer, &by_topic);
    writer.nullable_bytes(None);
    writer.finish()
}

/// Reads an assignment. Empty bytes, as of a member that the leader has forgotten, are none.
///
/// # Errors
/// If these bytes are none.
pub fn read_assignment(bytes: &Bytes) -> Result<Vec<TopicPartition>, Malformed> {
    let mut reader = Reader::new(bytes);
    if reader.int16()? < 0 {
        return Err(Malformed);
    }
    let partitions = read_partitions(&mut reader)?;
    reader.nullable_bytes()?;
    Ok(partitions)
}

type ByTopic = Vec<(Topic, Vec<i32>)>;

fn by_map(partitions: &[TopicPartition], era: &Era) -> ByTopic {
    let mut by_topic: JavaMap<Topic, Vec<i32>> = JavaMap::default();
    for partition in partitions {
        by_topic.group(Grouping::of(era), partition.topic, Vec::new).push(partition.partition);
    }
    by_topic.iter().map(|(topic, partitions)| (*topic, partitions.clone())).collect()
}

fn as_named(partitions: &[TopicPartition]) -> ByTopic {
    let mut by_topic = ByTopic::new();
    for partition in partitions {
        match by_topic.iter_mut().find(|(topic, _)| *topic == partition.topic) {
            Some((_, partitions)) => partitions.push(partition.partition),
            None => by_topic.push((partition.topic, vec![partition.partition])),
        }
    }
    by_topic
}

fn write_partitions(writer: &mut Writer, by_topic: &ByTopic) {
    writer.length(by_topic.len());
    for (topic, partitions) in by_topic {
        writer.string(topic.name());
        writer.length(partitions.len());
        for partition in partitions {
            writer.int32(*partition);
        }
    }
}

fn read_partitions(reader: &mut Reader) -> Result<Vec<TopicPartition>, Malformed> {
    let by_topic = reader.list(|reader| {
        let topic = Topic::new(&reader.string()?);
        Ok((topic, reader.list(Reader::int32)?))
    })?;
    let of = |(topic, partitions): (Topic, Vec<i32>)| {
        partitions.into_iter().map(move |partition| TopicPartition { topic, partition })
    };
    Ok(by_topic.into_iter().flat_map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn era(release: &str) -> Era {
        Era::parse(release).expect("a release")
    }

    #[test]
    fn an_older_member_reads_what_it_knows() {
        let owned = vec![TopicPartition::new("b", 1), TopicPartition::new("a", 0)];
        let subscription = Subscription {
            topics: vec![Topic::new("b"), Topic::new("a")],
            user_data: Some(Bytes::from_static(b"x")),
            owned,
            generation: Some(7),
            instance: None,
            rack: Some("r".into()),
        };
        for (writes, reads, owned, generation, rack) in [
            ("3.9.0", "3.9.0", 2, Some(7), true),
            ("3.9.0", "3.3.0", 2, None, false),
            ("3.9.0", "2.3.0", 0, None, false),
            ("2.3.0", "3.9.0", 0, None, false),
            ("2.4.0", "3.9.0", 2, None, false),
        ] {
            let read = read_subscription(&write_subscription(&subscription, &era(writes)), &era(reads));
            let read = read.expect("a subscription");
            let names = read.topics.iter().map(|topic| topic.name()).collect::<String>();
            assert_eq!(names, if writes == "3.9.0" { "ab" } else { "ba" }, "sorted from 2.8.1 on");
            assert_eq!(
                (read.owned.len(), read.generation, read.rack.is_some()),
                (owned, generation, rack),
                "{writes} {reads}"
            );
        }
    }

    #[test]
    fn an_assignment_keeps_the_order_within_a_topic() {
        let assigned = ["b-1", "a-2", "b-0"].map(|name| TopicPartition::parse(name).expect("a partition"));
        let read = |release| read_assignment(&write_assignment(&assigned, 0, &era(release))).expect("one");
        let told =
            |read: Vec<TopicPartition>| read.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(told(read("3.0.0")), "b-1 b-0 a-2");
        assert_eq!(told(read("2.8.1")), "a-2 b-1 b-0", "a map of two letters is in their order");
        assert_eq!(read_assignment(&Bytes::new()), Err(Malformed));
    }
}
