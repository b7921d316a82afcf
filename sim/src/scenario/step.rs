//! Steps: what a scenario does, one verb each. Externally tagged: `{"kill": "leader of orders-0"}`.
//!
//! How each is carried out stands in `act`.

pub use super::forms::{AcksWord, CreateTopic, PowerOff, RunUntil, Sentence, StartWord, When};

use super::condition::Condition;
use super::strict::{WordOrEntry, objects, words, written};
use super::tagged::{self, Tagged};
use super::words::{Jump, Many, Partition, Role, Setting, Span, Table};
use schemars::JsonSchema;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

/// One step.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub enum Step {
    /// A sentence of the story.
    Say(Sentence),
    /// A question to the reader, before the turn of the story.
    Ask(Sentence),
    /// Its answer, where it is resolved.
    Answer(Sentence),
    /// An application sends records.
    Produce(Produce),
    /// An application reads partitions from now on, and no others.
    Consume(Consume),
    /// Steady traffic, besides what follows.
    Workload(Workload),
    /// An application sends again every record that it has no answer for.
    Resend(Role),
    /// An operator creates a topic.
    CreateTopic(CreateTopic),
    /// An operator adds partitions to a topic.
    AddPartitions(AddPartitions),
    /// An operator changes settings of a topic.
    Set(SetTopic),
    /// An operator deletes a topic.
    DeleteTopic(DeleteTopic),
    /// An operator deletes the records of a partition below an offset.
    DeleteRecords(DeleteRecords),
    /// An operator asks for the election of preferred leaders.
    ElectPreferred(Many<Partition>),
    /// An operator moves partitions: partition to broker ids, preferred leader first.
    Reassign(Table<Vec<i32>>),
    /// Somebody deletes a znode by hand.
    DeleteZnode(String),
    /// SIGKILL: memory goes, the page cache stays.
    Kill(Role),
    /// A node that is down starts.
    Restart(Role),
    /// The machine loses power: memory goes, and with it what was not flushed.
    PowerOff(PowerOff),
    /// SIGSTOP, or a long garbage collection.
    Pause(Role),
    /// SIGCONT.
    Resume(Role),
    /// Everything a node does costs so many times as much CPU time.
    SlowCpu(SlowCpu),
    /// SIGTERM: a controlled shutdown.
    Shutdown(Role),
    /// ZooKeeper ends a node's session, as if it had been silent too long.
    ExpireSession(Role),
    /// A wall clock jumps.
    StepClock(StepClock),
    /// A wall clock runs too fast or too slow.
    SkewClock(SkewClock),
    /// Nothing gets through between nodes.
    Cut(Cut),
    /// It gets through again.
    Heal(Link),
    /// Connections between two nodes break.
    Reset(Between),
    /// A link becomes slow, or fast again.
    SlowLink(SlowLink),
    /// Messages wait until released, and what follows on their connection with them.
    Hold(Messages),
    /// Messages are late.
    Delay(Delay),
    /// Messages are lost.
    Drop(Messages),
    /// A hold, delay or drop ends: by its name (`as`), or `all`.
    Release(String),
    /// A disk fails, or works again.
    Disk(DiskStep),
    /// Time passes.
    RunFor(Span),
    /// Time passes until a condition holds.
    RunUntil(RunUntil),
    /// What must be so now, or the scenario has failed to reach the moment it is about.
    Expect(Many<Condition>),
    /// From now on: at the first event after which the condition holds, or some time later, these steps are done, once.
    When(When),
}

impl Tagged for Step {
    const WHAT: &'static str = "a step is one verb and its argument, as in {\"kill\": \"broker-1\"}";

    fn from_entry<'de, D: Deserializer<'de>>(entry: D) -> Result<Self, D::Error> {
        Step::deserialize(entry)
    }
}

impl<'de> de::Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tagged::deserialize(deserializer)
    }
}

/// Records for a partition: `value`, `values`, or `count` of a `size`.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Produce {
    /// The partition.
    pub to: Partition,
    /// One record. Its value is its name in the story: every value of a scenario is produced once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Several records; in one batch, or one `every` so often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
    /// So many records, with values made up from the producer's name.
    #[schemars(range(min = 1, max = 1_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The size of each value in bytes, with `count`.
    #[schemars(range(min = 1, max = 1_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// `acks` of the producer. Without `by`, each `acks` has a producer of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acks: Option<AcksWord>,
    /// Which producer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The records' key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The time between two records; without it they are one batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
}

/// A consumer's partitions.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Consume {
    /// Which consumer; `consumer-1` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The partitions.
    pub from: Many<Partition>,
    /// Where it starts: `earliest`, `latest`, `reset` (as `auto.offset.reset` says; so if left out), or an offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<StartWord>,
}

/// Steady traffic: one record every so often, to the partitions in turn.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Workload {
    /// Which producer; `producer-1` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The partitions.
    pub to: Many<Partition>,
    /// The time between two sends.
    pub every: Span,
    /// Records in one send; 1 if left out.
    #[schemars(range(min = 1, max = 10_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<u32>,
    /// The size of each value in bytes; 100 if left out.
    #[schemars(range(min = 1, max = 1_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// How many sends.
    #[schemars(range(min = 1, max = 1_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// For how long.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub during: Option<Span>,
}

/// Settings of a topic; `null` removes one.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct SetTopic {
    /// Which topic.
    pub topic: String,
    /// What changes, by Kafka's names.
    pub settings: Table<Option<Setting>>,
}

/// More partitions for a topic.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct AddPartitions {
    /// Which topic.
    pub topic: String,
    /// How many in all.
    pub partitions: i32,
    /// Broker ids of the replicas of the new ones; placed as Kafka places them if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignment: Option<Vec<Vec<i32>>>,
    /// Kafka's error, by its name, with which the tool must refuse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A topic to delete.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct DeleteTopic {
    /// Its name.
    pub topic: String,
    /// Kafka's error, by its name, with which the tool must refuse; or eras and errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Sentence>,
}

/// Records to delete.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct DeleteRecords {
    /// The partition.
    pub of: Partition,
    /// The first offset that stays; -1 is the high watermark.
    pub before: i64,
    /// Kafka's error, by its name, with which the tool must refuse; or eras and errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Sentence>,
}

/// What of the unflushed page cache survives a loss of power.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", remote = "Self")]
pub enum SurvivesWord {
    /// Nothing that was not flushed.
    #[default]
    Nothing,
    /// A prefix of each file's unflushed writes, drawn from the seed.
    SomePrefix,
    /// Any subset of them, drawn from the seed, with a torn last write.
    AnySubset,
    /// All but the last unflushed write of each file, of which only the first half is there.
    TornTail,
}

/// A slow node.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct SlowCpu {
    /// Which node.
    pub node: Role,
    /// How many times slower; 1 is normal.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub factor: u32,
}

/// A jump of a wall clock.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct StepClock {
    /// Whose.
    pub node: Role,
    /// How far.
    pub by: Jump,
}

/// A wall clock that runs at another speed.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct SkewClock {
    /// Whose.
    pub node: Role,
    /// Too fast by this many parts per million; too slow if negative.
    #[schemars(range(min = -900_000, max = 1_000_000))]
    pub parts_per_million: i64,
}

/// A cut between nodes.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Cut {
    /// From which nodes.
    pub from: Many<Role>,
    /// To which nodes.
    pub to: Many<Role>,
    /// Only from `from` to `to`; else both ways.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_way: bool,
}

/// From some nodes to others, and back.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Link {
    /// From which nodes.
    pub from: Many<Role>,
    /// To which nodes.
    pub to: Many<Role>,
}

/// Two nodes.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Between {
    /// The two.
    pub between: [Role; 2],
}

/// The shape of a link. What is left out stays.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct SlowLink {
    /// From which nodes.
    pub from: Many<Role>,
    /// To which nodes.
    pub to: Many<Role>,
    /// One way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Span>,
    /// Added to it, drawn from the seed between nothing and this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Span>,
    /// Bytes a second.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<u64>,
    /// Only from `from` to `to`; else both ways.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_way: bool,
}

/// Which messages.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Messages {
    /// Which API, by Kafka's name (`Fetch`); any if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// Who sends the request; anybody if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Role>,
    /// Whom the request goes to; anybody if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Role>,
    /// The responses instead of the requests.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub response: bool,
    /// Only the first so many.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// A name by which to release them.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Which messages are late, and by how much.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Delay {
    /// Which API, by Kafka's name (`Fetch`); any if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// Who sends the request; anybody if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Role>,
    /// Whom the request goes to; anybody if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Role>,
    /// The responses instead of the requests.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub response: bool,
    /// Only the first so many.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// A name by which to end it.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How late.
    pub by: Span,
}

impl Delay {
    /// Which messages.
    pub fn messages(&self) -> Messages {
        let Delay { api, from, to, response, count, name, by: _ } = self.clone();
        Messages { api, from, to, response, count, name }
    }
}

/// A fault of a disk.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct DiskStep {
    /// Whose.
    pub at: Role,
    /// What happens to it.
    pub fault: Fault,
}

/// What happens to a disk.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub enum Fault {
    /// Every call fails with EIO.
    Broken,
    /// Writes fail with ENOSPC.
    Full,
    /// Neither broken nor full any more.
    Mended,
    /// Every call costs so many times as much; 1 is normal.
    Slow(#[schemars(range(min = 1, max = 1_000_000))] u32),
    /// The operating system has written back everything: what was not flushed is now.
    WrittenBack,
    /// A bit of a file flips.
    Rot(Rot),
    /// Reading a file fails with EIO, as a bad sector does: its path below the log directory.
    Unreadable(String),
    /// Reading it works again.
    Readable(String),
    /// A file vanishes: its path below the log directory.
    Lose(String),
    /// A new, empty disk.
    Wipe,
}

/// A bit that flips.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Rot {
    /// Path below the log directory.
    pub file: String,
    /// Byte position; negative counts from the end.
    pub position: i64,
}

objects!(
    Produce,
    Consume,
    Workload,
    SetTopic,
    AddPartitions,
    DeleteTopic,
    DeleteRecords,
    SlowCpu,
    StepClock,
    SkewClock,
    Cut,
    Link,
    Between,
    SlowLink,
    Messages,
    Delay,
    DiskStep,
    Rot
);
words!(SurvivesWord);
written!(Step, Fault);

impl<'de> de::Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fault::deserialize(WordOrEntry(deserializer))
    }
}
