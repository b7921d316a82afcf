//! Groups that come and go with the leadership of their partition (`onElection`, `onResignation`,
//! `loadGroupsAndOffsets`).
//!
//! 1. This broker leads a partition of `__consumer_offsets`: its groups are loading, and who asks is told so (rule
//!    `loading-group`).
//! 2. The log is read from its start to its end (rule `loaded-offsets`), in order: the last word about a group and about
//!    an offset counts, a tombstone takes it away. A group is stable, or empty, as it was written; its members have a
//!    session time-out from now on to say that they are alive. Members that were joining are not in the log: they are
//!    told nothing, and ask again.
//! 3. This broker leads no more: the groups are forgotten. Who waits for a join or an assignment is told NOT_COORDINATOR.
//!
//! In Kafka a thread of its own loads; here one turn does, after the one that heard of the leadership.
//!
//! Left out: transactional offsets; G16 (KAFKA-5600, 0.11.0.0), which loads a part of the log only.

use super::coordinator::{GroupCoordinator, Ownership, Turn};
use super::metadata::{CommittedRecord, Group};
use super::records::{GroupMetadataValue, Key, OffsetAndMetadata};
use super::{Name, join, partition_for};
use crate::error::KafkaError;
use crate::ids::{Offset, TopicPartition};
use crate::log::batch::RecordBatch;
use crate::messages::join_group::JoinGroupResponse;
use crate::messages::sync_group::SyncGroupResponse;
use crate::node::Env;
use crate::note::{GroupNote, Note};
use crate::time::Time;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What the log says of groups.
#[derive(Default, Debug)]
struct Loaded {
    groups: BTreeMap<Name, GroupMetadataValue>,
    offsets: BTreeMap<(Name, TopicPartition), CommittedRecord>,
}

impl Loaded {
    fn take(&mut self, batch: &RecordBatch) -> Result<(), KafkaError> {
        for record in batch.records() {
            let record = record.map_err(|_| KafkaError::CorruptMessage)?;
            let corrupt = |_| KafkaError::CorruptMessage;
            let key = record.key.ok_or(KafkaError::CorruptMessage)?;
            match (Key::read(&key).map_err(corrupt)?, record.value) {
                (Key::Offset { group, partition }, None) => {
                    self.offsets.remove(&(group, partition));
                }
                (Key::Offset { group, partition }, Some(value)) => {
                    let committed = OffsetAndMetadata::read(&value).map_err(corrupt)?;
                    let appended_at = batch.header.base_offset;
                    self.offsets.insert((group, partition), CommittedRecord { appended_at, committed });
                }
                (Key::Group { group }, None) => {
                    self.groups.remove(&group);
                }
                (Key::Group { group }, Some(value)) => {
                    self.groups.insert(group, GroupMetadataValue::read(&value).map_err(corrupt)?);
                }
                (Key::Unknown { .. }, _) => {}
            }
        }
        Ok(())
    }
}

impl GroupCoordinator {
    /// How many partitions the topic has, now that it is known.
    pub fn set_partitions(&mut self, partitions: i32) {
        self.partitions = partitions;
    }

    /// This broker leads a partition from now on, or leads on in a newer epoch.
    pub fn on_election(&mut self, partition: i32, now: Time) {
        if let Entry::Vacant(vacant) = self.owned.entry(partition) {
            vacant.insert(Ownership::Loading);
            self.load_at = Some(now);
        }
    }

    /// The partitions to be read, all of them.
    pub fn to_load(&self) -> Vec<TopicPartition> {
        let loading = self.owned.iter().filter(|(_, ownership)| **ownership == Ownership::Loading);
        loading.map(|(partition, _)| TopicPartition { topic: self.topic(), partition: *partition }).collect()
    }

    /// A partition was read, up to its end or to the first batch that could not be.
    pub fn on_loaded(&mut self, partition: i32, batches: &[RecordBatch], env: &mut Env<'_>) {
        self.load_at = None;
        self.owned.insert(partition, Ownership::Owned);
        let mut loaded = Loaded::default();
        for batch in batches {
            // Kafka logs it and goes on with what it has.
            if loaded.take(batch).is_err() {
                break;
            }
        }
        let mut names: Vec<Name> = Vec::new();
        for (name, value) in loaded.groups {
            let group = Group::from_record(name.clone(), value, env.wall);
            self.groups.insert(name.clone(), group);
            names.push(name);
        }
        for ((name, partition), committed) in loaded.offsets {
            let empty = || Group::new(name.clone(), env.wall);
            let group = self.groups.entry(name.clone()).or_insert_with(empty);
            group.offsets.insert(partition, committed);
            if names.last() != Some(&name) && !names.contains(&name) {
                names.push(name);
            }
        }
        for name in names {
            let Some((group, mut turn)) = self.turn(&name, env) else { continue };
            let members: Vec<Name> = group.members.iter().map(|member| member.id.clone()).collect();
            members.iter().for_each(|member| group.heard_of(member, &turn));
            let (generation, members, offsets) = (group.generation, members.len(), group.offsets.len());
            turn.note(group, || GroupNote::Loaded { generation, members, offsets });
        }
    }

    /// This broker does not lead a partition any more.
    pub fn on_resignation(&mut self, partition: i32, env: &mut Env<'_>) {
        if self.owned.remove(&partition).is_none() {
            return;
        }
        let partitions = self.partitions;
        let of_partition = |name: &&Name| partition_for(name, partitions) == partition;
        let names: Vec<Name> = self.groups.keys().filter(of_partition).cloned().collect();
        for name in names {
            if let Some((group, mut turn)) = self.turn(&name, env) {
                group.unload(&mut turn);
            }
            self.groups.remove(&name);
            env.note(|| Note::Group(name, GroupNote::Unloaded));
        }
    }

    /// Up to where a partition is to be read (rule `loaded-offsets`).
    pub fn end_of_loading(&self, high_watermark: Offset, log_end: Offset) -> Offset {
        self.era.rules.loaded_offsets.end(high_watermark, log_end)
    }
}

impl Group {
    fn unload(&mut self, turn: &mut Turn<'_, '_>) {
        for member in &mut self.members {
            if let Some(asker) = member.joins.take() {
                let id = if member.is_new { join::no_member() } else { member.id.clone() };
                let refused = JoinGroupResponse::refused(id, KafkaError::NotCoordinator);
                Group::answer(turn, asker, refused.for_version(asker.version));
            }
            if let Some(asker) = member.syncs.take() {
                Group::answer(turn, asker, SyncGroupResponse::refused(KafkaError::NotCoordinator));
            }
        }
    }
}
