//! What the simulated cluster shows, as facts.

use super::facts::{self, About, Facts, NOTHING};
use crate::scenario::look::Look;
use crate::world::World;
use crate::world::nodes::Status;
use kafka::disk::Disk;
use kafka::ids::{BrokerId, LeaderEpoch, NodeId, TopicPartition};
use kafka::log::batch::RecordBatch;
use kafka::log::log_manager::LOG_DIRECTORY;
use kafka::log::{checkpoint, inspect};
use kafka::messages::ApiKey;
use kafka::messages::metadata::{MetadataRequest, PartitionMetadata};
use kafka::messages::offsets_for_leader_epoch::{EpochQuestion, OffsetsForLeaderEpochResponse};
use kafka::zookeeper::znode::ZnodeData;

/// A sentence for what live brokers do not agree about.
const DISAGREE: &str = "live brokers disagree: ";

/// All that the cluster shows.
pub(super) fn facts(world: &World) -> Facts {
    let mut found = Facts::new();
    let with_status = |wanted: Status| {
        let of = |(broker, node): (BrokerId, NodeId)| {
            (world.nodes.slot(node).status == wanted).then_some(broker.0)
        };
        let mut ids: Vec<i32> = world.nodes.broker_nodes().filter_map(of).collect();
        ids.sort_unstable();
        facts::list(ids)
    };
    found.insert(About::Alive, with_status(Status::Up));
    found.insert(About::Paused, with_status(Status::Paused));
    let look = Look(world);
    let (controller, epoch) = look.controller();
    let or_nothing = |number: Option<i32>| number.map_or(NOTHING.to_owned(), |number| number.to_string());
    found.insert(About::Controller, or_nothing(controller.map(|broker| broker.0)));
    found.insert(About::ControllerEpoch, or_nothing(epoch.map(|epoch| epoch.0)));
    let mut ids: Vec<i32> = world
        .nodes
        .broker_nodes()
        .map(|(id, _)| id)
        .filter(|id| look.is_registered(*id))
        .map(|id| id.0)
        .collect();
    ids.sort_unstable();
    found.insert(About::BrokerIds, facts::list(ids));
    for of in world.nodes.zookeeper().partitions() {
        if let Some((state, version)) = look.state(of) {
            found.insert(About::State(of), ZnodeData::PartitionState(state.clone()).to_string());
            found.insert(About::StateVersion(of), version.to_string());
        }
    }
    metadata(world, &mut found);
    for (broker, node) in world.nodes.broker_nodes() {
        logs(world, node, broker, &mut found);
    }
    found
}

/// What live brokers answer to Metadata.
fn metadata(world: &World, found: &mut Facts) {
    for (node, broker) in world.nodes.brokers() {
        if world.nodes.slot(node).status != Status::Up {
            continue;
        }
        let version = ApiKey::Metadata.newest_version(world.nodes.slot(node).era.release).unwrap_or(0);
        let answer = broker.metadata(&MetadataRequest { topics: None }, version);
        for topic in answer.topics {
            for partition in topic.partitions.into_iter().flatten() {
                let about =
                    About::Metadata(TopicPartition { topic: topic.topic, partition: partition.partition });
                let told = partition_metadata(&partition);
                let known = found.entry(about).or_insert_with(|| told.clone());
                if *known != told {
                    let head = if known.starts_with(DISAGREE) { "" } else { DISAGREE };
                    *known = format!("{head}{known}; {told}");
                }
            }
        }
    }
}

fn partition_metadata(told: &PartitionMetadata) -> String {
    let ids = |brokers: &[BrokerId]| facts::list(brokers.iter().map(|broker| broker.0));
    let epoch = told.leader_epoch.map(|epoch| epoch.0);
    facts::metadata(told.leader.map_or(-1, |leader| leader.0), epoch, ids(&told.replicas), ids(&told.isr))
}

/// Whether a fact is one of those that a recording of an older release, or of one that disagrees, may show otherwise.
pub(super) fn same(about: &About, recorded: &str, ours: &str) -> bool {
    if recorded == ours {
        return true;
    }
    match about {
        About::Metadata(_) => {
            // A recorder asks one of the brokers.
            let of_one = ours.strip_prefix(DISAGREE);
            of_one.is_some_and(|all| all.split("; ").any(|one| one == recorded))
        }
        _ => false,
    }
}

fn logs(world: &World, node: NodeId, broker: BrokerId, found: &mut Facts) {
    let mut disk = world.disk(node).to_look_at();
    let Ok(partitions) = inspect::log_directory(LOG_DIRECTORY, &mut disk) else { return };
    let path = format!("{LOG_DIRECTORY}/replication-offset-checkpoint");
    let high_watermarks = checkpoint::read_offsets(&path, &mut disk).unwrap_or_default();
    for (of, inspection) in partitions {
        let directory = format!("{LOG_DIRECTORY}/{of}");
        let batches = Look(world).batches_on_disk(node, of);
        let cells: Vec<String> = batches.iter().map(cell).collect();
        let end = batches
            .last()
            .map_or_else(|| base_offset(&directory, &mut disk), |last| last.header.last_offset().0 + 1);
        found.insert(About::Log(of, broker.0), cells.join(" "));
        found.insert(About::LogEndOffset(of, broker.0), end.to_string());
        let lines = disk.read_path(&format!("{directory}/leader-epoch-checkpoint")).map(|_| {
            inspection.epochs.iter().map(|entry| format!("{} {}", entry.epoch, entry.start)).collect()
        });
        found.insert(About::Epochs(of, broker.0), facts::epochs(lines));
        if let Some(offset) = high_watermarks.get(&of) {
            found.insert(About::HighWatermark(of, broker.0), offset.to_string());
        }
    }
}

/// The base offset of the newest segment.
fn base_offset(directory: &str, disk: &mut dyn Disk) -> i64 {
    let names = disk.list(directory).unwrap_or_default();
    let bases = names.iter().filter_map(|name| name.strip_suffix(".log")?.parse().ok());
    bases.max().unwrap_or(0)
}

fn cell(batch: &RecordBatch) -> String {
    let text = |value: Option<bytes::Bytes>| {
        value.map_or("null".to_owned(), |value| String::from_utf8_lossy(&value).into_owned())
    };
    let values: Vec<String> =
        batch.records().map_while(Result::ok).map(|record| text(record.value)).collect();
    let header = &batch.header;
    let epoch = i64::from(header.partition_leader_epoch.0);
    facts::batch(header.base_offset.0, header.last_offset().0, Some(epoch), &values)
}

/// What the leader of a partition answers when asked where an epoch ended; `None` if nobody leads.
pub(super) fn epoch_end(world: &World, of: TopicPartition, epoch: i32) -> Option<String> {
    let node = world.nodes.broker_node(Look(world).leader(of)?)?;
    let question =
        EpochQuestion { partition: of, current_leader_epoch: None, leader_epoch: LeaderEpoch(epoch) };
    let partitions = vec![(of, world.nodes.broker(node)?.epoch_end(&question))];
    let release = world.nodes.slot(node).era.release;
    let version = ApiKey::OffsetsForLeaderEpoch.newest_version(release)?;
    let answer = OffsetsForLeaderEpochResponse { partitions }.for_version(version);
    let (_, end) = answer.partitions.into_iter().next()?;
    Some(match end {
        Ok(end) => {
            let epoch = end.leader_epoch.map(|epoch| i64::from(epoch.0));
            super::file::epoch_end(0, epoch, end.end_offset.0)
        }
        Err(error) => super::file::epoch_end(i64::from(error.code()), None, -1),
    })
}
