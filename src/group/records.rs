//! The records of `__consumer_offsets`, in Kafka's own bytes: who is in a group, and what it has committed.
//!
//! Key and value each begin with a version. The key's says what kind of record it is:
//!
//! | key     | fields                  | value                                                                |
//! |---------|-------------------------|----------------------------------------------------------------------|
//! | 0, 1    | group, topic, partition | what is committed; none is a tombstone                               |
//! | 2       | group                   | the group: generation, protocol, leader, members; none is a tombstone |
//!
//! | value          | since         | why                                                                   |
//! |----------------|---------------|-----------------------------------------------------------------------|
//! | offset 1       | 0.9           | expires at a time of its own (KIP-211 ended it)                        |
//! | offset 2       | never by default | no time to expire                                                  |
//! | offset 3       | 2.1 (KIP-320) | leader epoch                                                          |
//! | group 1        | 0.10.1 (KIP-62) | rebalance time-out                                                  |
//! | group 2        | 2.1 (KIP-211) | since when the group is in its state                                  |
//! | group 3        | 2.3 (KIP-345) | `group.instance.id`                                                   |
//!
//! Version 4 of both is flexible; releases of this ladder read it (KIP-915, from 3.5 on) and never write it. Records of
//! kinds that a release does not know are passed over from 3.5 on; before, they break the loading.
//!
//! Left out: `inter.broker.protocol.version`, which would hold back the version. Members stand in the order they came
//! in; Kafka's stand as a Scala map has them.

use crate::era::{Era, Release};
use crate::ids::{LeaderEpoch, Offset, Topic, TopicPartition};
use crate::messages::schema::{Malformed, Reader, Writer};
use crate::time::Timestamp;
use bytes::Bytes;
use std::sync::Arc;

/// First release and version written, ascending.
pub const OFFSET_VERSIONS: &[(Release, i16)] = &[(Release::FIRST, 1), (Release::new(2, 1, 0), 3)];
/// First release and version written, ascending.
pub const GROUP_VERSIONS: &[(Release, i16)] =
    &[(Release::FIRST, 1), (Release::new(2, 1, 0), 2), (Release::new(2, 3, 0), 3)];

const OFFSET_KEY: i16 = 1;
const GROUP_KEY: i16 = 2;
/// The first flexible version of both values.
const FLEXIBLE: i16 = 4;

/// What a record of `__consumer_offsets` is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// What a group has committed in a partition.
    Offset {
        /// The group.
        group: Arc<str>,
        /// The partition.
        partition: TopicPartition,
    },
    /// The group itself.
    Group {
        /// The group.
        group: Arc<str>,
    },
    /// A kind of record that this release does not know.
    Unknown {
        /// Its number.
        version: i16,
    },
}

/// What a group has committed in one partition (`OffsetAndMetadata`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetAndMetadata {
    /// The next offset to read.
    pub offset: Offset,
    /// The leader epoch of the record before it, from 2.1 on.
    pub leader_epoch: Option<LeaderEpoch>,
    /// What the application says of it.
    pub metadata: Arc<str>,
    /// When it was committed.
    pub commit_timestamp: Timestamp,
    /// When it expires, where the commit itself said so; up to 2.0 always.
    pub expire_timestamp: Option<Timestamp>,
}

/// A group as its record has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupMetadataValue {
    /// `consumer`, or nothing for a group that only commits.
    pub protocol_type: Arc<str>,
    /// The generation.
    pub generation: i32,
    /// The assignor that all agreed on; none in an empty group.
    pub protocol: Option<Arc<str>>,
    /// The member that leads; none in an empty group.
    pub leader: Option<Arc<str>>,
    /// Since when the group is in its state (version 2 on).
    pub state_timestamp: Option<Timestamp>,
    /// Its members.
    pub members: Vec<MemberMetadataValue>,
}

/// A member as the group's record has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberMetadataValue {
    /// Its id.
    pub member: Arc<str>,
    /// `group.instance.id` (version 3 on).
    pub instance: Option<Arc<str>>,
    /// `client.id`.
    pub client: Arc<str>,
    /// Where it is.
    pub host: Arc<str>,
    /// Its rebalance time-out in milliseconds.
    pub rebalance_timeout: i32,
    /// Its session time-out in milliseconds.
    pub session_timeout: i32,
    /// What it subscribes to, in bytes of the members' own.
    pub subscription: Bytes,
    /// What it was assigned, likewise.
    pub assignment: Bytes,
}

impl Key {
    /// In bytes.
    ///
    /// # Panics
    /// For an unknown kind: nobody writes that.
    pub fn write(&self) -> Bytes {
        match self {
            Key::Offset { group, partition } => {
                let mut writer = Writer::versioned(OFFSET_KEY);
                writer.string(group);
                writer.string(partition.topic.name());
                writer.int32(partition.partition);
                writer.finish()
            }
            Key::Group { group } => {
                let mut writer = Writer::versioned(GROUP_KEY);
                writer.string(group);
                writer.finish()
            }
            Key::Unknown { version } => unreachable!("a key of kind {version} is only ever read"),
        }
    }

    /// From bytes.
    ///
    /// # Errors
    /// If they are no key.
    pub fn read(bytes: &Bytes) -> Result<Key, Malformed> {
        let mut reader = Reader::new(bytes);
        match reader.int16()? {
            0 | OFFSET_KEY => {
                let group = reader.string()?;
                let topic = Topic::new(&reader.string()?);
                Ok(Key::Offset { group, partition: TopicPartition { topic, partition: reader.int32()? } })
            }
            GROUP_KEY => Ok(Key::Group { group: reader.string()? }),
            version => Ok(Key::Unknown { version }),
        }
    }
}

impl OffsetAndMetadata {
    /// In bytes, as a release writes it: one that expires at a time of its own stays in version 1.
    pub fn write(&self, era: &Era) -> Bytes {
        let newest = *era.release.look_up(OFFSET_VERSIONS).expect("the table begins before every release");
        self.write_version(if self.expire_timestamp.is_some() { 1 } else { newest })
    }

    /// In bytes of a version, 0 to 3.
    pub fn write_version(&self, version: i16) -> Bytes {
        let mut writer = Writer::versioned(version);
        writer.int64(self.offset.0);
        if version >= 3 {
            writer.int32(self.leader_epoch.unwrap_or(LeaderEpoch::NONE).0);
        }
        writer.string(&self.metadata);
        writer.int64(self.commit_timestamp.0);
        if version == 1 {
            writer.int64(self.expire_timestamp.unwrap_or(Timestamp::NONE).0);
        }
        writer.finish()
    }

    /// From bytes of any version.
    ///
    /// # Errors
    /// If they are no such value.
    pub fn read(bytes: &Bytes) -> Result<OffsetAndMetadata, Malformed> {
        let mut reader = Reader::new(bytes);
        let version = version(&mut reader)?;
        let offset = Offset(reader.int64()?);
        let leader_epoch = if version >= 3 { Some(LeaderEpoch(reader.int32()?)) } else { None };
        let metadata = reader.string()?;
        let commit_timestamp = Timestamp(reader.int64()?);
        let expire_timestamp = if version == 1 { Some(Timestamp(reader.int64()?)) } else { None };
        reader.end_of_struct()?;
        Ok(OffsetAndMetadata {
            offset,
            leader_epoch: leader_epoch.filter(|epoch| *epoch != LeaderEpoch::NONE),
            metadata,
            commit_timestamp,
            expire_timestamp: expire_timestamp.filter(|timestamp| *timestamp != Timestamp::NONE),
        })
    }
}

impl GroupMetadataValue {
    /// In bytes, as a release writes it.
    pub fn write(&self, era: &Era) -> Bytes {
        self.write_version(
            *era.release.look_up(GROUP_VERSIONS).expect("the table begins before every release"),
        )
    }

    /// In bytes of a version, 0 to 3.
    pub fn write_version(&self, version: i16) -> Bytes {
        let mut writer = Writer::versioned(version);
        writer.string(&self.protocol_type);
        writer.int32(self.generation);
        writer.nullable_string(self.protocol.as_deref());
        writer.nullable_string(self.leader.as_deref());
        if version >= 2 {
            writer.int64(self.state_timestamp.unwrap_or(Timestamp::NONE).0);
        }
        writer.length(self.members.len());
        for member in &self.members {
            writer.string(&member.member);
            if version >= 3 {
                writer.nullable_string(member.instance.as_deref());
            }
            writer.string(&member.client);
            writer.string(&member.host);
            if version >= 1 {
                writer.int32(member.rebalance_timeout);
            }
            writer.int32(member.session_timeout);
            writer.bytes(&member.subscription);
            writer.bytes(&member.assignment);
        }
        writer.finish()
    }

    /// From bytes of any version.
    ///
    /// # Errors
    /// If they are no such value.
    pub fn read(bytes: &Bytes) -> Result<GroupMetadataValue, Malformed> {
        let mut reader = Reader::new(bytes);
        let version = version(&mut reader)?;
        let protocol_type = reader.string()?;
        let generation = reader.int32()?;
        let protocol = reader.nullable_string()?;
        let leader = reader.nullable_string()?;
        let state_timestamp = if version >= 2 { Some(Timestamp(reader.int64()?)) } else { None };
        let members = reader.list(|reader| read_member(reader, version))?;
        reader.end_of_struct()?;
        let state_timestamp = state_timestamp.filter(|timestamp| *timestamp != Timestamp::NONE);
        Ok(GroupMetadataValue { protocol_type, generation, protocol, leader, state_timestamp, members })
    }
}

fn read_member(reader: &mut Reader, version: i16) -> Result<MemberMetadataValue, Malformed> {
    let member = reader.string()?;
    let instance = if version >= 3 { reader.nullable_string()? } else { None };
    let (client, host) = (reader.string()?, reader.string()?);
    let first = reader.int32()?;
    // Before version 1 the session time-out is both.
    let session_timeout = if version >= 1 { reader.int32()? } else { first };
    let (subscription, assignment) = (reader.bytes()?, reader.bytes()?);
    reader.end_of_struct()?;
    Ok(MemberMetadataValue {
        member,
        instance,
        client,
        host,
        rebalance_timeout: first,
        session_timeout,
        subscription,
        assignment,
    })
}

/// The version that a value begins with; from then on the reader reads as that version writes.
fn version(reader: &mut Reader) -> Result<i16, Malformed> {
    let version = reader.int16()?;
    reader.flexible = version >= FLEXIBLE;
    if (0..=FLEXIBLE).contains(&version) { Ok(version) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed() -> OffsetAndMetadata {
        OffsetAndMetadata {
            offset: Offset(90),
            leader_epoch: Some(LeaderEpoch(4)),
            metadata: "m".into(),
            commit_timestamp: Timestamp(1000),
            expire_timestamp: None,
        }
    }

    fn group() -> GroupMetadataValue {
        let member = MemberMetadataValue {
            member: "c-1".into(),
            instance: Some("i".into()),
            client: "c".into(),
            host: "/127.0.0.1".into(),
            rebalance_timeout: 300_000,
            session_timeout: 10_000,
            subscription: Bytes::from_static(b"s"),
            assignment: Bytes::from_static(b"a"),
        };
        GroupMetadataValue {
            protocol_type: "consumer".into(),
            generation: 3,
            protocol: Some("range".into()),
            leader: Some("c-1".into()),
            state_timestamp: Some(Timestamp(5)),
            members: vec![member],
        }
    }

    #[test]
    fn keys_say_what_a_record_is() {
        let offset = Key::Offset { group: "g".into(), partition: TopicPartition::new("t", 2) };
        assert_eq!(&offset.write()[..], b"\0\x01\0\x01g\0\x01t\0\0\0\x02");
        let group = Key::Group { group: "g".into() };
        assert_eq!(&group.write()[..], b"\0\x02\0\x01g");
        for key in [offset, group] {
            assert_eq!(Key::read(&key.write()), Ok(key));
        }
        assert_eq!(Key::read(&Bytes::from_static(b"\0\x05xx")), Ok(Key::Unknown { version: 5 }));
        assert_eq!(Key::read(&Bytes::from_static(b"\0")), Err(Malformed));
    }

    #[test]
    fn each_version_keeps_what_it_has_a_field_for() {
        for version in 0..=3 {
            let read = OffsetAndMetadata::read(&committed().write_version(version)).expect("a value");
            assert_eq!(read.leader_epoch.is_some(), version >= 3, "offset {version}");
            assert_eq!((read.offset, read.commit_timestamp), (Offset(90), Timestamp(1000)));
            let read = GroupMetadataValue::read(&group().write_version(version)).expect("a value");
            assert_eq!(read.state_timestamp.is_some(), version >= 2, "group {version}");
            let member = &read.members[0];
            assert_eq!(member.instance.is_some(), version >= 3, "group {version}");
            let expected = if version == 0 { 10_000 } else { 300_000 };
            assert_eq!(
                (member.rebalance_timeout, member.session_timeout),
                (expected, 10_000),
                "group {version}"
            );
        }
        assert_eq!(OffsetAndMetadata::read(&Bytes::from_static(b"\0\x09")), Err(Malformed));
    }

    #[test]
    fn releases_write_their_versions() {
        for (release, offset, group_value) in [
            ("0.10.2", 1, 1),
            ("2.0.1", 1, 1),
            ("2.1.0", 3, 2),
            ("2.2.2", 3, 2),
            ("2.3.0", 3, 3),
            ("3.9.0", 3, 3),
        ] {
            let era = Era::parse(release).expect("a release");
            let versions = |bytes: Bytes| bytes[1];
            assert_eq!(versions(committed().write(&era)), offset, "{release}");
            assert_eq!(versions(group().write(&era)), group_value, "{release}");
            let expiring = OffsetAndMetadata { expire_timestamp: Some(Timestamp(7)), ..committed() };
            assert_eq!(versions(expiring.write(&era)), 1, "{release}: it says itself when it expires");
            let read = OffsetAndMetadata::read(&expiring.write(&era)).expect("a value");
            assert_eq!(read.expire_timestamp, Some(Timestamp(7)));
        }
    }
}
