//! How what is said to ZooKeeper is written down for the hash.

use super::{assignment, brokers, head, option, option_bytes, topic_partition};
use crate::kernel::hash::RunningHash;
use kafka::messages::zookeeper::{
    Op, OpResult, Stat, ZkError, ZooKeeperAnswer, ZooKeeperRequest, ZooKeeperResponse,
};
use kafka::zookeeper::znode::ZnodeData;

pub(super) fn request(hash: &mut RunningHash, request: &ZooKeeperRequest) {
    const KEY: u8 = 254;
    match request {
        ZooKeeperRequest::Connect { session, timeout } => {
            head(hash, KEY, 1, 0);
            option(hash, session.map(|session| session.0));
            hash.put(timeout.0);
        }
        ZooKeeperRequest::Ping => head(hash, KEY, 2, 0),
        ZooKeeperRequest::Op(op) => {
            head(hash, KEY, 3, 1);
            operation(hash, op);
        }
        ZooKeeperRequest::Multi(ops) => {
            head(hash, KEY, 4, ops.len());
            ops.iter().for_each(|op| operation(hash, op));
        }
        ZooKeeperRequest::Close => head(hash, KEY, 5, 0),
        ZooKeeperRequest::SetWatches { zxid, watches } => {
            head(hash, KEY, 6, 0);
            hash.put(*zxid as u64);
            for paths in [&watches.data, &watches.exists, &watches.children] {
                hash.put(paths.len() as u64);
                paths.iter().for_each(|path| hash.put_bytes(path.as_bytes()));
            }
        }
    }
}

fn operation(hash: &mut RunningHash, op: &Op) {
    let path = match op {
        Op::Create { path, data, ephemeral, sequential } => {
            head(hash, 1, u8::from(*ephemeral) | u8::from(*sequential) << 1, 0);
            znode_data(hash, data);
            path
        }
        Op::Delete { path, version } => {
            head(hash, 2, 0, 0);
            option(hash, version.map(|version| i64::from(version.0)));
            path
        }
        Op::SetData { path, data, version } => {
            head(hash, 3, 0, 0);
            option(hash, version.map(|version| i64::from(version.0)));
            znode_data(hash, data);
            path
        }
        Op::Check { path, version } => {
            head(hash, 4, 0, 0);
            hash.put(version.0 as u64);
            path
        }
        Op::GetData { path, watch } => {
            head(hash, 5, u8::from(*watch), 0);
            path
        }
        Op::Exists { path, watch } => {
            head(hash, 6, u8::from(*watch), 0);
            path
        }
        Op::GetChildren { path, watch } => {
            head(hash, 7, u8::from(*watch), 0);
            path
        }
    };
    hash.put_bytes(path.as_bytes());
}

pub(super) fn response(hash: &mut RunningHash, response: &ZooKeeperResponse) {
    const KEY: u8 = 254;
    hash.put(response.zxid as u64);
    match &response.answer {
        ZooKeeperAnswer::Connected { session, timeout } => {
            head(hash, KEY, 1, 0);
            hash.put(session.0 as u64);
            hash.put(timeout.0);
        }
        ZooKeeperAnswer::SessionExpired => head(hash, KEY, 2, 0),
        ZooKeeperAnswer::Pong => head(hash, KEY, 3, 0),
        ZooKeeperAnswer::Op(Ok(result)) => {
            head(hash, KEY, 4, 0);
            operation_result(hash, result);
        }
        ZooKeeperAnswer::Op(Err(error)) => head(hash, KEY, 5, zookeeper_error(*error)),
        ZooKeeperAnswer::Multi(Ok(results)) => {
            head(hash, KEY, 6, results.len());
            results.iter().for_each(|result| operation_result(hash, result));
        }
        ZooKeeperAnswer::Multi(Err((index, error))) => {
            head(hash, KEY, 7, *index);
            hash.put(zookeeper_error(*error) as u64);
        }
        ZooKeeperAnswer::Closed => head(hash, KEY, 8, 0),
        ZooKeeperAnswer::WatchesSet => head(hash, KEY, 9, 0),
    }
}

fn operation_result(hash: &mut RunningHash, result: &OpResult) {
    match result {
        OpResult::Created { path, zxid } => {
            head(hash, 1, 0, 0);
            hash.put_bytes(path.as_bytes());
            hash.put(*zxid as u64);
        }
        OpResult::Deleted => head(hash, 2, 0, 0),
        OpResult::Set(stat) => {
            head(hash, 3, 0, 0);
            znode_stat(hash, stat);
        }
        OpResult::Checked => head(hash, 4, 0, 0),
        OpResult::Data(data, stat) => {
            head(hash, 5, 0, 0);
            znode_data(hash, data);
            znode_stat(hash, stat);
        }
        OpResult::Exists(stat) => {
            head(hash, 6, u8::from(stat.is_some()), 0);
            stat.iter().for_each(|stat| znode_stat(hash, stat));
        }
        OpResult::Children(names) => {
            head(hash, 7, 0, names.len());
            names.iter().for_each(|name| hash.put_bytes(name.as_bytes()));
        }
    }
}

fn zookeeper_error(error: ZkError) -> usize {
    match error {
        ZkError::NoNode => 1,
        ZkError::NodeExists => 2,
        ZkError::BadVersion => 3,
        ZkError::NotEmpty => 4,
        ZkError::SessionExpired => 5,
        ZkError::RuntimeInconsistency => 6,
    }
}

fn znode_stat(hash: &mut RunningHash, stat: &Stat) {
    hash.put(stat.czxid as u64);
    hash.put(stat.mzxid as u64);
    hash.put_two(stat.version.0, 0);
    option(hash, stat.ephemeral_owner.map(|session| session.0));
}

fn znode_data(hash: &mut RunningHash, data: &ZnodeData) {
    match data {
        ZnodeData::Empty => head(hash, 1, 0, 0),
        ZnodeData::Broker { node, rack, timestamp } => {
            head(hash, 2, 0, usize::from(node.0));
            option_bytes(hash, rack.as_ref().map(|rack| rack.as_bytes()));
            hash.put(timestamp.0 as u64);
        }
        ZnodeData::Controller { broker, timestamp } => {
            head(hash, 3, 0, 0);
            hash.put(broker.0 as u64);
            hash.put(timestamp.0 as u64);
        }
        ZnodeData::ControllerEpoch(epoch) => {
            head(hash, 4, 0, 0);
            hash.put(epoch.0 as u64);
        }
        ZnodeData::Topic(partitions) => {
            head(hash, 5, 0, partitions.len());
            for (number, held) in partitions.iter() {
                hash.put(*number as u64);
                assignment(hash, held);
            }
        }
        ZnodeData::PartitionState(state) => {
            head(hash, 6, 0, 0);
            hash.put_two(state.leader.0, state.leader_epoch.0);
            hash.put_two(state.controller_epoch.0, 0);
            brokers(hash, &state.isr);
        }
        ZnodeData::Config(settings) => {
            head(hash, 7, 0, settings.len());
            for (name, value) in settings.iter() {
                hash.put_bytes(name.as_bytes());
                hash.put_bytes(value.as_bytes());
            }
        }
        ZnodeData::ConfigChange(path) => {
            head(hash, 8, 0, 0);
            hash.put_bytes(path.as_bytes());
        }
        ZnodeData::IsrChange(partitions) => {
            head(hash, 9, 0, partitions.len());
            partitions.iter().for_each(|partition| topic_partition(hash, *partition));
        }
        ZnodeData::LogDirEvent(broker) => {
            head(hash, 10, 0, 0);
            hash.put(broker.0 as u64);
        }
        ZnodeData::PreferredReplicaElection(partitions) => {
            head(hash, 11, 0, partitions.len());
            partitions.iter().for_each(|partition| topic_partition(hash, *partition));
        }
        ZnodeData::ReassignPartitions(targets) => {
            head(hash, 12, 0, targets.len());
            for (partition, replicas) in targets.iter() {
                topic_partition(hash, *partition);
                brokers(hash, replicas);
            }
        }
    }
}
