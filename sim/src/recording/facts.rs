//! What a cluster shows, fact by fact, in words that are the same for a recording and for ours.

use kafka::ids::TopicPartition;
use std::collections::BTreeMap;
use std::fmt;

/// What a fact is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum About {
    /// Brokers that run and are not paused.
    Alive,
    /// Brokers that are paused.
    Paused,
    /// The broker that `/controller` names.
    Controller,
    /// `/controller_epoch`.
    ControllerEpoch,
    /// The children of `/brokers/ids`.
    BrokerIds,
    /// The state znode of a partition.
    State(TopicPartition),
    /// Its version.
    StateVersion(TopicPartition),
    /// What live brokers answer to Metadata about a partition.
    Metadata(TopicPartition),
    /// The batches of a replica.
    Log(TopicPartition, i32),
    /// Its log end offset.
    LogEndOffset(TopicPartition, i32),
    /// The lines of its `leader-epoch-checkpoint`.
    Epochs(TopicPartition, i32),
    /// Its line in `replication-offset-checkpoint`.
    HighWatermark(TopicPartition, i32),
    /// What the caller of an operation was told: which operation of the step.
    Told(usize),
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            About::Alive => f.write_str("brokers that run"),
            About::Paused => f.write_str("paused brokers"),
            About::Controller => f.write_str("/controller"),
            About::ControllerEpoch => f.write_str("/controller_epoch"),
            About::BrokerIds => f.write_str("/brokers/ids"),
            About::State(of) => write!(f, "state znode of {of}"),
            About::StateVersion(of) => write!(f, "version of the state znode of {of}"),
            About::Metadata(of) => write!(f, "Metadata of {of}"),
            About::Log(of, at) => write!(f, "log of {of} at broker-{at}"),
            About::LogEndOffset(of, at) => write!(f, "log end offset of {of} at broker-{at}"),
            About::Epochs(of, at) => write!(f, "leader-epoch-checkpoint of {of} at broker-{at}"),
            About::HighWatermark(of, at) => {
                write!(f, "replication-offset-checkpoint of {of} at broker-{at}")
            }
            About::Told(_) => f.write_str("the answer"),
        }
    }
}

/// Facts by what they are about.
pub type Facts = BTreeMap<About, String>;

/// What a fact says when there is nothing.
pub const NOTHING: &str = "nothing";

/// Ids in their order.
pub fn list(ids: impl IntoIterator<Item = i32>) -> String {
    let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    format!("[{}]", ids.join(","))
}

/// A partition as Metadata tells it.
pub fn metadata(leader: i32, epoch: Option<i32>, replicas: String, isr: String) -> String {
    let epoch = epoch.filter(|epoch| *epoch >= 0).map_or("-".to_owned(), |epoch| epoch.to_string());
    format!("leader {leader}, leader epoch {epoch}, replicas {replicas}, ISR {isr}")
}

/// A batch: its offsets, its epoch, its values.
pub fn batch(first: i64, last: i64, epoch: Option<i64>, values: &[String]) -> String {
    let epoch = epoch.filter(|epoch| *epoch >= 0).map_or("-".to_owned(), |epoch| epoch.to_string());
    match first == last {
        true => format!("{first}:{}@{epoch}", values.join(" ")),
        false => format!("{first}..{last}:{}@{epoch}", values.join(" ")),
    }
}

/// The lines of a checkpoint of leader epochs; `None`: there is no such file.
pub fn epochs(lines: Option<Vec<String>>) -> String {
    lines.map_or(NOTHING.to_owned(), |lines| format!("[{}]", lines.join(", ")))
}
