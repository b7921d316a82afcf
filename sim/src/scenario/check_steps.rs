//! The steps of a scenario, checked one by one: whoever is named exists and can be asked for that, every partition, value,
//! API and message rule is known, and every number is one that can be.

use super::cluster::MOST_PARTITIONS;
use super::condition::Condition;
use super::eras;
use super::file::Scenario;
use super::names::{ClientKind, Names};
use super::problem::{Problem, list};
use super::source::{Found, Path};
use super::step::{Fault, Messages, Produce, Sentence, Step, Workload};
use super::validate::{check_topic, replica_list, topic_name};
use super::words::{Many, Partition, Role};
use kafka::error::KafkaError;
use kafka::ids::TopicPartition;
use kafka::messages::ApiKey;

/// Most records that one step may send.
const MOST_RECORDS: u64 = 1_000_000;
/// Most bytes that one step may send.
const MOST_BYTES: u64 = 100_000_000;

/// Which nodes a verb can be about.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Whom {
    /// Brokers.
    Brokers,
    /// Brokers and clients: what has a process of its own.
    Processes,
    /// Those, and ZooKeeper.
    Nodes,
}

/// Checks all steps.
pub fn check(scenario: &Scenario, names: &Names) -> Result<(), Found> {
    let path = Path::default().key("steps");
    steps(names, &scenario.steps, &path, false)?;
    questions(&scenario.steps, &path)
}

/// Every question is answered, one after the other.
fn questions(steps: &[Step], path: &Path) -> Result<(), Found> {
    let mut open = None;
    for (index, step) in steps.iter().enumerate() {
        let path = path.index(index);
        match (step, &open) {
            (Step::Ask(_), None) => open = Some(path.key("ask")),
            (Step::Ask(_), Some(_)) => {
                let problem = Problem::new("the question before this one is not answered yet");
                return Err((path.key("ask"), problem.help("every `ask` has its `answer` before the next")));
            }
            (Step::Answer(_), None) => {
                let problem = Problem::new("this answers nothing: no `ask` stands before it");
                return Err((path.key("answer"), problem));
            }
            (Step::Answer(_), Some(_)) => open = None,
            _ => {}
        }
    }
    match open {
        None => Ok(()),
        Some(path) => {
            let problem = Problem::new("nobody answers this question");
            Err((
                path,
                problem.help("an `answer` belongs where the story resolves it: {\"answer\": \"No: ...\"}"),
            ))
        }
    }
}

/// A sentence is not empty, and the eras it speaks of exist.
fn sentence(sentence: &Sentence, path: &Path) -> Result<(), Found> {
    let texts = match sentence {
        Sentence::Always(text) => vec![(text, path.clone())],
        Sentence::InEra(table) => {
            for era in table.names() {
                era_or_else(era, path)?;
            }
            table.0.iter().map(|(era, text)| (text, path.key(era))).collect()
        }
    };
    if texts.is_empty() {
        return Err((path.clone(), Problem::new("nothing is said: expected a text, or eras and texts")));
    }
    match texts.into_iter().find(|(text, _)| text.trim().is_empty()) {
        Some((_, path)) => Err((path, Problem::new("nothing is said: the text is empty"))),
        None => Ok(()),
    }
}

fn steps(names: &Names, steps: &[Step], path: &Path, in_trigger: bool) -> Result<(), Found> {
    for (index, step) in steps.iter().enumerate() {
        let path = path.index(index);
        if in_trigger && matches!(step, Step::RunFor(_) | Step::RunUntil(_)) {
            let problem =
                Problem::new("a trigger's steps happen at one moment: no `run_for`, no `run_until`");
            return Err((path, problem.help("the steps after `when` let time pass")));
        }
        if in_trigger && matches!(step, Step::Ask(_) | Step::Answer(_)) {
            let problem = Problem::new("a question and its answer stand among the steps, not in a trigger");
            return Err((path, problem.help("a trigger may never fire, and then nobody would answer")));
        }
        check_step(names, step, &path)?;
    }
    Ok(())
}

fn check_step(names: &Names, step: &Step, path: &Path) -> Result<(), Found> {
    match step {
        Step::Say(text) => sentence(text, &path.key("say")),
        Step::Ask(text) => sentence(text, &path.key("ask")),
        Step::Answer(text) => sentence(text, &path.key("answer")),
        Step::RunFor(_) => Ok(()),
        Step::Produce(produce) => check_produce(names, produce, &path.key("produce")),
        Step::Consume(consume) => partitions(names, &consume.from, &path.key("consume").key("from")),
        Step::Workload(workload) => check_workload(names, workload, &path.key("workload")),
        Step::Resend(whom) => {
            let path = path.key("resend");
            let mut producers = names
                .clients
                .iter()
                .filter(|client| client.kind == ClientKind::Producer)
                .map(|client| &*client.name);
            match whom {
                Role::Node(name) if producers.clone().any(|known| known == name) => Ok(()),
                _ => {
                    let problem = Problem::new(format!("there is no producer `{whom}`"));
                    Err((path, problem.near_or_list(&whom.to_string(), producers.by_ref())))
                }
            }
        }
        Step::CreateTopic(create) => {
            let path = path.key("create_topic");
            if let Some(error) = &create.refused {
                return known_error(error, &path.key("refused"));
            }
            topic_name(&create.topic).map_err(|problem| (path.key("topic"), problem))?;
            check_topic(names, &create.spec, &path)
        }
        Step::AddPartitions(add) => {
            let path = path.key("add_partitions");
            if let Some(error) = &add.refused {
                return known_error(error, &path.key("refused"));
            }
            topic(names, &add.topic, &path.key("topic"))?;
            if !(1..=MOST_PARTITIONS).contains(&add.partitions) {
                let problem = Problem::new(format!("a topic has 1 to {MOST_PARTITIONS} partitions"));
                return Err((path.key("partitions"), problem));
            }
            let lists = add.assignment.iter().flatten().enumerate();
            lists
                .into_iter()
                .try_for_each(|(index, list)| replica_list(names, list, &path.key("assignment").index(index)))
        }
        Step::Set(set) => {
            let path = path.key("set");
            if set.settings.0.is_empty() {
                return Err((path.key("settings"), Problem::new("no setting is set")));
            }
            topic(names, &set.topic, &path.key("topic"))
        }
        Step::DeleteTopic(delete) => {
            let path = path.key("delete_topic");
            match &delete.refused {
                Some(refused) => known_refusal(refused, &path.key("refused")),
                None => topic(names, &delete.topic, &path.key("topic")),
            }
        }
        Step::DeleteRecords(delete) => {
            let path = path.key("delete_records");
            if delete.before < -1 && delete.refused.is_none() {
                let problem = Problem::new("an offset is 0 or more; -1 is the high watermark");
                return Err((path.key("before"), problem));
            }
            if let Some(refused) = &delete.refused {
                known_refusal(refused, &path.key("refused"))?;
            }
            partition_at(names, delete.of.0, &path.key("of"))
        }
        Step::ElectPreferred(of) => partitions(names, of, &path.key("elect_preferred")),
        Step::Reassign(targets) => {
            let path = path.key("reassign");
            if targets.0.is_empty() {
                return Err((
                    path,
                    Problem::new("no partition is moved").help("as in {\"orders-0\": [1, 2]}"),
                ));
            }
            for (name, replicas) in &targets.0 {
                let partition =
                    Partition::parse(name).map_err(|what| (path.name(name), Problem::new(what)))?;
                partition_at(names, partition.0, &path.name(name))?;
                replica_list(names, replicas, &path.key(name))?;
            }
            Ok(())
        }
        Step::DeleteZnode(znode) => {
            if !znode.starts_with('/') || znode.len() < 2 || znode.ends_with('/') || znode.contains("//") {
                let problem =
                    Problem::new(format!("`{znode}` is no path of a znode; expected one as `/controller`"));
                return Err((path.key("delete_znode"), problem));
            }
            Ok(())
        }
        Step::Kill(whom) => role(names, whom, Whom::Processes, &path.key("kill")),
        Step::Restart(whom) => role(names, whom, Whom::Processes, &path.key("restart")),
        Step::PowerOff(off) => {
            let path = path.key("power_off");
            role(names, &off.node, Whom::Processes, &path.key("node"))
        }
        Step::Pause(whom) => role(names, whom, Whom::Nodes, &path.key("pause")),
        Step::Resume(whom) => role(names, whom, Whom::Nodes, &path.key("resume")),
        Step::SlowCpu(slow) => {
            let path = path.key("slow_cpu");
            factor(slow.factor, &path.key("factor"))?;
            role(names, &slow.node, Whom::Nodes, &path.key("node"))
        }
        Step::Shutdown(whom) => role(names, whom, Whom::Brokers, &path.key("shutdown")),
        Step::ExpireSession(whom) => role(names, whom, Whom::Brokers, &path.key("expire_session")),
        Step::StepClock(jump) => {
            role(names, &jump.node, Whom::Processes, &path.key("step_clock").key("node"))
        }
        Step::SkewClock(skew) => {
            let path = path.key("skew_clock");
            if !(-900_000..=1_000_000).contains(&skew.parts_per_million) {
                let problem = Problem::new(
                    "a clock runs at most 900000 parts per million too slow, or 1000000 too fast",
                );
                return Err((path.key("parts_per_million"), problem));
            }
            role(names, &skew.node, Whom::Processes, &path.key("node"))
        }
        Step::Cut(cut) => {
            ends(names, &cut.from, &cut.to, &path.key("cut"))?;
            apart(&cut.from, &cut.to, &path.key("cut"))
        }
        Step::Heal(link) => ends(names, &link.from, &link.to, &path.key("heal")),
        Step::Reset(reset) => {
            for (index, end) in reset.between.iter().enumerate() {
                role(names, end, Whom::Nodes, &path.key("reset").key("between").index(index))?;
            }
            Ok(())
        }
        Step::SlowLink(link) => {
            let path = path.key("slow_link");
            if link.latency.is_none() && link.jitter.is_none() && link.bandwidth.is_none() {
                return Err((
                    path,
                    Problem::new("nothing changes: expected `latency`, `jitter` or `bandwidth`"),
                ));
            }
            if link.bandwidth == Some(0) {
                return Err((path.key("bandwidth"), Problem::new("a bandwidth is at least 1 byte a second")));
            }
            ends(names, &link.from, &link.to, &path)
        }
        Step::Hold(which) => messages(names, which, &path.key("hold")),
        Step::Drop(which) => messages(names, which, &path.key("drop")),
        Step::Delay(delay) => messages(names, &delay.messages(), &path.key("delay")),
        Step::Release(name) => {
            if name == "all" || names.message_rules.contains(name) {
                return Ok(());
            }
            let known = names.message_rules.iter().map(String::as_str).chain(["all"]);
            let problem = Problem::new(format!("nothing is held as `{name}`"));
            let problem = match names.message_rules.is_empty() {
                true => problem.help("name what is held with `as`, or release \"all\""),
                false => problem.near_or_list(name, known),
            };
            Err((path.key("release"), problem))
        }
        Step::Disk(disk) => {
            let path = path.key("disk");
            if let Fault::Slow(slow) = disk.fault {
                factor(slow, &path.key("fault").key("slow"))?;
            }
            role(names, &disk.at, Whom::Brokers, &path.key("at"))
        }
        Step::RunUntil(until) => condition(names, &until.condition, &path.key("run_until")),
        Step::Expect(all) => {
            for (index, one) in all.0.iter().enumerate() {
                condition(names, one, &path.key("expect").index(index))?;
            }
            Ok(())
        }
        Step::When(when) => {
            let path = path.key("when");
            condition(names, &when.condition, &path)?;
            steps(names, &when.steps, &path.key("do"), true)
        }
    }
}

fn check_produce(names: &Names, produce: &Produce, path: &Path) -> Result<(), Found> {
    partition_at(names, produce.to.0, &path.key("to"))?;
    let forms = [produce.value.is_some(), produce.values.is_some(), produce.count.is_some()];
    if forms.iter().filter(|given| **given).count() != 1 {
        return Err((path.clone(), Problem::new("expected one of `value`, `values` and `count`")));
    }
    if produce.values.as_ref().is_some_and(Vec::is_empty) {
        return Err((path.key("values"), Problem::new("there are no values")));
    }
    if produce.size.is_some() && produce.count.is_none() {
        return Err((
            path.name("size"),
            Problem::new("`size` goes with `count`: a named value has its own size"),
        ));
    }
    if produce.every.is_some() && produce.value.is_some() {
        return Err((path.name("every"), Problem::new("`every` goes with `values` or `count`")));
    }
    if let Some(count) = produce.count {
        size(produce.size.unwrap_or(1), &path.key("size"))?;
        amount(count, u64::from(produce.size.unwrap_or(100)), &path.key("count"))?;
    }
    Ok(())
}

fn check_workload(names: &Names, workload: &Workload, path: &Path) -> Result<(), Found> {
    partitions(names, &workload.to, &path.key("to"))?;
    if workload.every.0.0 == 0 {
        return Err((path.key("every"), Problem::new("`every` is longer than nothing")));
    }
    let sends = match (workload.count, workload.during) {
        (Some(count), None) => count,
        (None, Some(during)) => during.0.0.div_ceil(workload.every.0.0),
        _ => return Err((path.clone(), Problem::new("expected `count` or `for`, one of them"))),
    };
    let records = u64::from(workload.records.unwrap_or(1));
    if !(1..=10_000).contains(&records) {
        return Err((path.key("records"), Problem::new("a send has 1 to 10000 records")));
    }
    let length = workload.size.unwrap_or(100);
    size(length, &path.key("size"))?;
    let key = if workload.count.is_some() { "count" } else { "for" };
    amount(sends.saturating_mul(records), u64::from(length), &path.key(key))
}

fn size(size: u32, path: &Path) -> Result<(), Found> {
    if (1..=1_000_000).contains(&size) {
        return Ok(());
    }
    Err((path.clone(), Problem::new(format!("a value has 1 to 1000000 bytes, not {size}"))))
}

fn amount(records: u64, size: u64, path: &Path) -> Result<(), Found> {
    if !(1..=MOST_RECORDS).contains(&records) {
        let problem = Problem::new(format!("a step sends 1 to {MOST_RECORDS} records, not {records}"));
        return Err((path.clone(), problem));
    }
    if records.saturating_mul(size) > MOST_BYTES {
        return Err((path.clone(), Problem::new(format!("a step sends at most {MOST_BYTES} bytes"))));
    }
    Ok(())
}

fn factor(factor: u32, path: &Path) -> Result<(), Found> {
    if (1..=1_000_000).contains(&factor) {
        return Ok(());
    }
    Err((path.clone(), Problem::new("a factor is 1 (normal) to 1000000")))
}

fn topic(names: &Names, name: &str, path: &Path) -> Result<(), Found> {
    if names.topics.contains_key(name) {
        return Ok(());
    }
    let problem = Problem::new(format!("there is no topic `{name}`"));
    Err((path.clone(), problem.near_or_list(name, names.topics.keys().map(String::as_str))))
}

/// Whether Kafka has an error of this name.
fn known_error(name: &str, path: &Path) -> Result<(), Found> {
    let known = || KafkaError::ALL.iter().map(|error| error.newest_name());
    if known().any(|error| error == name) {
        return Ok(());
    }
    let problem = Problem::new(format!("Kafka has no error `{name}`"));
    Err((path.clone(), problem.near_or_list(name, known())))
}

/// Whether Kafka has the errors of this name, or of these names by era.
fn known_refusal(refused: &Sentence, path: &Path) -> Result<(), Found> {
    sentence(refused, path)?;
    refused.texts().try_for_each(|error| known_error(error, path))
}

/// Whether a partition exists.
pub fn partition_at(names: &Names, of: TopicPartition, path: &Path) -> Result<(), Found> {
    topic(names, of.topic.name(), path)?;
    let count = names.topics[of.topic.name()];
    if of.partition < count {
        return Ok(());
    }
    let last = TopicPartition { partition: count - 1, ..of };
    let problem =
        Problem::new(format!("there is no partition `{of}`")).help(format!("the last one is `{last}`"));
    Err((path.clone(), problem))
}

fn partitions(names: &Names, many: &Many<Partition>, path: &Path) -> Result<(), Found> {
    for (index, partition) in many.0.iter().enumerate() {
        partition_at(names, partition.0, &path.index(index))?;
    }
    Ok(())
}

/// Whether a broker exists.
pub fn broker_at(names: &Names, name: &str, path: &Path) -> Result<(), Found> {
    if names.brokers.iter().any(|broker| broker.name == name) {
        return Ok(());
    }
    let known: Vec<&str> = names.brokers.iter().map(|broker| broker.name.as_str()).collect();
    let problem =
        Problem::new(format!("there is no broker `{name}`")).help(format!("there are {}", list(&known)));
    Err((path.clone(), problem))
}

fn role(names: &Names, role: &Role, whom: Whom, path: &Path) -> Result<(), Found> {
    let name = match role {
        Role::Controller => return Ok(()),
        Role::Leader(of) | Role::Follower(of, _) => return partition_at(names, *of, path),
        Role::Node(name) => name.as_str(),
    };
    if name.starts_with("broker-") {
        return broker_at(names, name, path);
    }
    let what = match whom {
        Whom::Brokers => "a broker",
        Whom::Processes => "a broker or a client",
        Whom::Nodes => "a node",
    };
    let is_client = names.clients.iter().any(|client| client.name == name);
    let fits = match whom {
        Whom::Brokers => false,
        Whom::Processes => is_client,
        Whom::Nodes => is_client || name == "zookeeper",
    };
    if fits {
        return Ok(());
    }
    if is_client || name == "zookeeper" {
        let problem = Problem::new(format!("`{name}` is not {what}, and this is only for {what}"));
        let problem = match name {
            "zookeeper" => problem.help("zookeeper stands for a whole ensemble: it can be paused or cut off"),
            _ => problem,
        };
        return Err((path.clone(), problem));
    }
    let mut known: Vec<&str> = names.brokers.iter().map(|broker| broker.name.as_str()).collect();
    if whom != Whom::Brokers {
        known.extend(names.clients.iter().map(|client| client.name.as_str()));
    }
    if whom == Whom::Nodes {
        known.push("zookeeper");
    }
    let problem = Problem::new(format!("there is no node `{name}`"));
    Err((
        path.clone(),
        problem.near_or_list(name, known).help("or a role: `controller`, `leader of orders-0`"),
    ))
}

fn ends(names: &Names, from: &Many<Role>, to: &Many<Role>, path: &Path) -> Result<(), Found> {
    for (key, many) in [("from", from), ("to", to)] {
        for (index, end) in many.0.iter().enumerate() {
            role(names, end, Whom::Nodes, &path.key(key).index(index))?;
        }
    }
    Ok(())
}

/// A node is always connected with itself.
fn apart(from: &Many<Role>, to: &Many<Role>, path: &Path) -> Result<(), Found> {
    match (&from.0[..], &to.0[..]) {
        ([one], [other]) if one == other => {
            let problem = Problem::new(format!("{one} cannot be cut off from itself"));
            Err((path.key("to"), problem))
        }
        _ => Ok(()),
    }
}

fn messages(names: &Names, which: &Messages, path: &Path) -> Result<(), Found> {
    if let Some(api) = &which.api
        && ApiKey::called(api).is_none()
    {
        let problem = Problem::new(format!("there is no API `{api}`"));
        let known = ApiKey::ALL.iter().map(|api| api.name());
        return Err((path.key("api"), problem.near_or_list(api, known)));
    }
    if which.count == Some(0) {
        return Err((path.key("count"), Problem::new("`count` is at least 1")));
    }
    for (key, end) in [("from", &which.from), ("to", &which.to)] {
        if let Some(end) = end {
            role(names, end, Whom::Nodes, &path.key(key))?;
        }
    }
    Ok(())
}

/// Whether a value is produced.
pub fn value(names: &Names, value: &str, path: &Path) -> Result<(), Found> {
    if names.values.contains(value) {
        return Ok(());
    }
    let problem = Problem::new(format!("no step produces `{value}`"));
    Err((path.clone(), problem.near_or_list(value, names.values.iter().map(String::as_str))))
}

fn values(names: &Names, many: &Many<String>, path: &Path) -> Result<(), Found> {
    many.0.iter().enumerate().try_for_each(|(index, one)| value(names, one, &path.index(index)))
}

fn condition(names: &Names, condition: &Condition, path: &Path) -> Result<(), Found> {
    match condition {
        Condition::Acked(many) => values(names, many, &path.key("acked")),
        Condition::Failed(many) => values(names, many, &path.key("failed")),
        Condition::Read(reading) => {
            let path = path.key("read");
            if let Some(by) = &reading.by {
                let consumers = names.clients.iter().filter(|client| client.kind == ClientKind::Consumer);
                let mut consumers = consumers.map(|client| client.name.as_str());
                if !consumers.clone().any(|name| name == by) {
                    let problem = Problem::new(format!("there is no consumer `{by}`"));
                    let problem = problem.near_or_list(by, consumers.by_ref()).help(
                        "a `consume` step without `by` makes consumer-1; others are declared in `cluster.clients`",
                    );
                    return Err((path.key("by"), problem));
                }
                return values(names, &reading.values, &path.key("value"));
            }
            values(names, &reading.values, &path)
        }
        Condition::Replica(replica) => {
            let path = path.key("replica");
            role(names, &replica.at, Whom::Brokers, &path.key("at"))?;
            partition_at(names, replica.of.0, &path.key("of"))?;
            if let Some(leader) = &replica.follows {
                role(names, leader, Whom::Brokers, &path.key("follows"))?;
            }
            for (name, _) in replica.remembers.iter().flat_map(|known| &known.0) {
                let path = path.key("remembers");
                role(names, &Role::Node(name.clone()), Whom::Brokers, &path.name(name))?;
            }
            for (index, cell) in replica.log.iter().flatten().enumerate() {
                log_cell(names, cell, &path.key("log").index(index))?;
            }
            for (index, line) in replica.epochs.iter().flatten().enumerate() {
                let numbers =
                    line.split_once(' ').map(|(epoch, start)| (epoch.parse::<i32>(), start.parse::<i64>()));
                if !matches!(numbers, Some((Ok(_), Ok(_)))) {
                    let problem = Problem::new(format!("`{line}` is no line of a leader epoch cache"));
                    let problem = problem.help("expected epoch and start offset: \"0 0\"");
                    return Err((path.key("epochs").index(index), problem));
                }
            }
            Ok(())
        }
        Condition::Waited(waited) => {
            let path = path.key("waited");
            if waited.at_least.is_none() && waited.at_most.is_none() {
                let problem = Problem::new("no time is given");
                return Err((path, problem.help("as in {\"of\": \"orders-0\", \"at_most\": \"100ms\"}")));
            }
            partition_at(names, waited.of.0, &path.key("of"))
        }
        Condition::Leader(leader) => {
            let path = path.key("leader");
            partition_at(names, leader.of.0, &path.key("of"))?;
            leader.is.as_ref().map_or(Ok(()), |is| role(names, is, Whom::Brokers, &path.key("is")))
        }
        Condition::Isr(isr) => {
            let path = path.key("isr");
            partition_at(names, isr.of.0, &path.key("of"))?;
            isr.is
                .0
                .iter()
                .enumerate()
                .try_for_each(|(index, one)| role(names, one, Whom::Brokers, &path.key("is").index(index)))
        }
        Condition::Controller(controller) => {
            let path = path.key("controller").key("is");
            controller.is.as_ref().map_or(Ok(()), |is| role(names, is, Whom::Brokers, &path))
        }
        Condition::State(state) => partition_at(names, state.of.0, &path.key("state").key("of")),
        Condition::SessionOf(session) => {
            role(names, &session.node, Whom::Brokers, &path.key("session_of").key("node"))
        }
        Condition::Alive(whom) => role(names, whom, Whom::Nodes, &path.key("alive")),
        Condition::Quiet(_) => Ok(()),
        Condition::All(all) => conditions(names, all, &path.key("all")),
        Condition::Any(any) => conditions(names, any, &path.key("any")),
        Condition::Not(one) => self::condition(names, one, &path.key("not")),
        Condition::InEra(table) => {
            let path = path.key("in_era");
            for (era, all) in &table.0 {
                era_or_else(era, &path)?;
                conditions(names, &all.0, &path.key(era))?;
            }
            Ok(())
        }
    }
}

/// A name in a table of eras.
fn era_or_else(era: &str, path: &Path) -> Result<(), Found> {
    if era != "else" {
        eras::read(era).map_err(|problem| (path.name(era), problem))?;
    }
    Ok(())
}

fn conditions(names: &Names, all: &[Condition], path: &Path) -> Result<(), Found> {
    all.iter().enumerate().try_for_each(|(index, one)| condition(names, one, &path.index(index)))
}

fn log_cell(names: &Names, cell: &str, path: &Path) -> Result<(), Found> {
    let (name, epoch) = cell.rsplit_once('@').map_or((cell, None), |(name, epoch)| (name, Some(epoch)));
    if epoch.is_some_and(|epoch| epoch.parse::<i32>().is_err()) {
        let problem =
            Problem::new(format!("`{cell}` is no record of a log; expected value and epoch: \"m1@0\""));
        return Err((path.clone(), problem));
    }
    value(names, name, path)
}
