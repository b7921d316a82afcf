//! A recorder's look at the cluster, as facts: `then` of a step, and `final`.

use super::facts::{self, About, Facts, NOTHING};
use super::reader::At;
use crate::scenario::source::{Found, Path};
use kafka::ids::{Topic, TopicPartition};
use std::collections::BTreeMap;

/// What was recorded, and where each fact stands.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The facts.
    pub facts: Facts,
    /// The place of each.
    pub places: BTreeMap<About, Path>,
    /// Topics whose partitions are all listed in the znodes, the metadata, the logs: what is not listed is not there.
    pub whole: Vec<Whole>,
}

/// A section that lists all there is of a topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whole {
    /// State znodes.
    States(Topic),
    /// Metadata.
    Metadata(Topic),
    /// Logs.
    Logs(Topic),
}

impl Seen {
    fn add(&mut self, about: About, is: String, at: &At<'_>) {
        self.places.insert(about.clone(), at.path.clone());
        self.facts.insert(about, is);
    }

    fn whole(&mut self, section: Whole) {
        if !self.whole.contains(&section) {
            self.whole.push(section);
        }
    }
}

/// Reads `then`. `topic` is what partitions without a topic's name belong to.
pub(super) fn then(at: &At<'_>, topic: Option<Topic>) -> Result<Seen, Found> {
    at.only(&["alive", "paused", "partitions", "zookeeper", "replicas", "note"])?;
    let mut seen = Seen::default();
    for (key, about) in [("alive", About::Alive), ("paused", About::Paused)] {
        if let Some(list) = at.get(key) {
            seen.add(about, sorted(&list)?, &list);
        }
    }
    if let Some(zookeeper) = at.get("zookeeper") {
        self::zookeeper(&zookeeper, topic, &mut seen)?;
    }
    if let Some(partitions) = at.get("partitions") {
        for (name, one) in partitions.entries()? {
            let of = partition(name, &one, topic)?;
            one.only(&["leader", "leaderEpoch", "replicas", "isr", "error"])?;
            let epoch = one.get("leaderEpoch").map(|epoch| epoch.id()).transpose()?;
            let leader = one.get("leader").map_or(Ok(-1), |leader| leader.id())?;
            let replicas = facts::list(one.need("replicas")?.ids()?);
            let isr = facts::list(one.need("isr")?.ids()?);
            seen.whole(Whole::Metadata(of.topic));
            seen.add(About::Metadata(of), facts::metadata(leader, epoch, replicas, isr), &one);
        }
    }
    if let Some(replicas) = at.get("replicas") {
        for (name, one) in replicas.entries()? {
            let of = partition(name, &one, topic)?;
            logs(&one, of, &mut seen)?;
        }
    }
    Ok(seen)
}

/// Reads `final`: topic, partition, broker.
pub(super) fn last(at: &At<'_>) -> Result<Seen, Found> {
    let mut seen = Seen::default();
    for (topic, partitions) in at.entries()? {
        for (number, one) in partitions.entries()? {
            let of = partition(number, &one, Some(Topic::new(topic)))?;
            logs(&one, of, &mut seen)?;
        }
    }
    Ok(seen)
}

fn zookeeper(at: &At<'_>, topic: Option<Topic>, seen: &mut Seen) -> Result<(), Found> {
    at.only(&["controller", "controllerEpoch", "brokerIds", "state"])?;
    for (key, about) in [("controller", About::Controller), ("controllerEpoch", About::ControllerEpoch)] {
        if at.value.get(key).is_some() {
            let is = at.get(key).map(|id| id.id()).transpose()?;
            let is = is.filter(|id| *id >= 0).map_or(NOTHING.to_owned(), |id| id.to_string());
            seen.add(about, is, at.get(key).as_ref().unwrap_or(at));
        }
    }
    if let Some(ids) = at.get("brokerIds") {
        seen.add(About::BrokerIds, sorted(&ids)?, &ids);
    }
    let Some(states) = at.get("state") else { return Ok(()) };
    for (name, one) in states.entries()? {
        let of = partition(name, &one, topic)?;
        seen.whole(Whole::States(of.topic));
        if one.value.is_null() {
            seen.add(About::State(of), NOTHING.to_owned(), &one);
            continue;
        }
        one.only(&["value", "version"])?;
        let value = one.need("value")?;
        value.only(&["controller_epoch", "leader", "version", "leader_epoch", "isr"])?;
        let number = |key: &str| value.need(key)?.id();
        // As Kafka writes it, key by key in its order.
        let is = format!(
            "{{\"controller_epoch\":{},\"leader\":{},\"version\":{},\"leader_epoch\":{},\"isr\":{}}}",
            number("controller_epoch")?,
            number("leader")?,
            number("version")?,
            number("leader_epoch")?,
            facts::list(value.need("isr")?.ids()?)
        );
        seen.add(About::State(of), is, &value);
        if let Some(version) = one.get("version") {
            seen.add(About::StateVersion(of), version.id()?.to_string(), &version);
        }
    }
    Ok(())
}

fn logs(at: &At<'_>, of: TopicPartition, seen: &mut Seen) -> Result<(), Found> {
    seen.whole(Whole::Logs(of.topic));
    for (broker, one) in at.entries()? {
        let id = broker.strip_prefix("broker-").unwrap_or(broker).parse();
        let id = id.map_err(|_| one.bad(format!("`{broker}` is no broker")))?;
        if one.value.is_null() {
            continue;
        }
        one.only(&["batches", "logEndOffset", "leaderEpochCheckpoint", "highWatermarkCheckpoint"])?;
        if let Some(batches) = one.get("batches") {
            let cells = batches.list()?.iter().map(batch).collect::<Result<Vec<String>, Found>>()?;
            seen.add(About::Log(of, id), cells.join(" "), &batches);
        }
        if let Some(end) = one.get("logEndOffset") {
            seen.add(About::LogEndOffset(of, id), end.integer()?.to_string(), &end);
        }
        if one.value.get("leaderEpochCheckpoint").is_some() {
            let lines = one.get("leaderEpochCheckpoint");
            let place = lines.clone().unwrap_or_else(|| one.clone());
            let lines = lines.map(|lines| {
                lines.list()?.iter().map(|line| Ok(line.text()?.to_owned())).collect::<Result<_, Found>>()
            });
            seen.add(About::Epochs(of, id), facts::epochs(lines.transpose()?), &place);
        }
        if let Some(offset) = one.get("highWatermarkCheckpoint") {
            seen.add(About::HighWatermark(of, id), offset.integer()?.to_string(), &offset);
        }
    }
    Ok(())
}

fn batch(at: &At<'_>) -> Result<String, Found> {
    at.only(&["offsets", "epoch", "values"])?;
    let offsets = at.need("offsets")?;
    let ends = offsets.list()?.iter().map(At::integer).collect::<Result<Vec<i64>, Found>>()?;
    let [first, last] = ends[..] else {
        return Err(offsets.bad("expected the first and the last offset of a batch"));
    };
    let epoch = at.get("epoch").map(|epoch| epoch.integer()).transpose()?;
    let text = |value: &At<'_>| match value.value.is_null() {
        true => Ok("null".to_owned()),
        false => value.text().map(str::to_owned),
    };
    let values = at.need("values")?.list()?.iter().map(text).collect::<Result<Vec<String>, Found>>()?;
    Ok(facts::batch(first, last, epoch, &values))
}

/// A partition by its number, or by topic and number.
fn partition(name: &str, at: &At<'_>, topic: Option<Topic>) -> Result<TopicPartition, Found> {
    if let Ok(partition) = name.parse() {
        let topic =
            topic.ok_or_else(|| at.bad(format!("no topic has been created that has a partition {name}")))?;
        return Ok(TopicPartition { topic, partition });
    }
    TopicPartition::parse(name).ok_or_else(|| at.bad(format!("`{name}` is no partition")))
}

fn sorted(at: &At<'_>) -> Result<String, Found> {
    let mut ids = at.ids()?;
    ids.sort_unstable();
    Ok(facts::list(ids))
}
