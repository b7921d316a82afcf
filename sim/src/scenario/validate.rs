//! Whether a scenario can be: everything that can be known before it runs, so that a run never stumbles over its own
//! file.
//!
//! 1. Eras and rules: known, able to run, none twice.
//! 2. Names: brokers, topics, clients, values, properties, facts; each mention must have its owner.
//! 3. The cluster: assignments that Kafka would accept.
//! 4. Steps (`check_steps`): who is asked to do what, to what.
//! 5. Settings, in every era of the verdicts and in the one asked for ([`super::settings`]).
//!
//! Left to the run: roles that nobody holds when they are asked for, and conditions that are never met.

use super::check_steps::{self, broker_at, partition_at};
use super::cluster::{LARGEST_BROKER_ID, MOST_PARTITIONS, TopicSpec};
use super::eras::{self, Override};
use super::file::{Batches, Scenario, Verdict};
use super::given::{self, Given};
use super::names::{ClientKind, Names};
use super::parse::Parsed;
use super::problem::Problem;
use super::settings;
use super::source::{Found, Path, Positions, Source};
use super::step::Step;
use crate::checkers::PROPERTIES;
use kafka::era::Era;
use kafka::log::batch::MessageFormat;
use kafka::note::{BrokerNote, ClientNote, ControllerNote, GroupNote, ReplicaNote, ZooKeeperNote};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A scenario that can run.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The scenario, its text and its places.
    pub parsed: Parsed,
    /// Its names.
    pub names: Names,
    /// The eras of its verdicts, in order, with the rules it overrides.
    pub eras: Vec<Era>,
    /// The era asked for, with the rules that the scenario and the asker override.
    pub asked: Option<Era>,
    /// Settings that took the place of those of the file: its verdicts are not about such a run.
    pub set: Vec<String>,
    /// Settings that Kafka knows and nothing here depends on.
    pub unused: Vec<String>,
}

impl Ready {
    /// A scenario that stands in no file, checked. `name` is what its problems are said of.
    ///
    /// # Errors
    /// The first problem there is.
    pub fn of(scenario: Scenario, name: &str) -> Result<Ready, Problem> {
        let (source, positions) = (Source::of(name, ""), Arc::new(Positions::of("")));
        validate(Parsed { scenario: Arc::new(scenario), source, positions }, None, &[])
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.parsed.scenario
    }

    /// The verdict demanded for an era, if one is.
    pub fn verdict(&self, era: &Era) -> Option<&Verdict> {
        let index = self.eras.iter().position(|known| known.release == era.release)?;
        Some(&self.scenario().verdicts.0[index].1)
    }

    /// A problem of the run, with its place in the file.
    pub fn place(&self, (path, problem): Found) -> Problem {
        place(&self.parsed, (path, problem))
    }
}

fn place(parsed: &Parsed, (path, problem): Found) -> Problem {
    problem.at(&parsed.source, parsed.positions.find(&path))
}

/// Checks a scenario, for its own eras and the one `asked` for. Overrides of the asker hold for all of them.
///
/// # Errors
/// The first problem there is.
pub fn validate(parsed: Parsed, asked: Option<&Era>, overrides: &[Override]) -> Result<Ready, Problem> {
    validate_with(parsed, asked, overrides, &[])
}

/// The same, with settings that take the place of those of the file.
///
/// # Errors
/// The first problem there is.
pub fn validate_with(
    mut parsed: Parsed,
    asked: Option<&Era>,
    overrides: &[Override],
    given: &[Given],
) -> Result<Ready, Problem> {
    let scenario = parsed.scenario.clone();
    let fail = |found| place(&parsed, found);
    let mut known = eras::of(&scenario).map_err(fail)?;
    let mut asked = asked.cloned();
    for era in known.iter_mut().chain(&mut asked) {
        eras::apply(era, &scenario.rules).map_err(fail)?;
        eras::override_rules(era, overrides).map_err(|(_, problem)| problem)?;
    }
    let names = Names::of(&scenario).map_err(fail)?;
    words(&scenario, &names, &known).map_err(fail)?;
    cluster(&scenario, &names).map_err(fail)?;
    check_steps::check(&scenario, &names).map_err(fail)?;
    let mut unused = BTreeSet::new();
    for era in known.iter().chain(&asked) {
        one_message_format(&scenario, &names, era).map_err(fail)?;
        settings::check(&scenario, &names, era, &mut unused).map_err(fail)?;
    }
    let mut names = names;
    if !given.is_empty() {
        let mut changed = (*scenario).clone();
        let run: Vec<&Era> = asked.as_ref().map_or(known.iter().collect(), |era| vec![era]);
        given::apply(&mut changed, &mut names, given, &run)?;
        for era in run {
            // What is wrong now stands nowhere in the file.
            let checked = settings::check(&changed, &names, era, &mut unused);
            checked.map_err(|(_, problem)| problem.help("with the settings given by `--set`"))?;
        }
        parsed.scenario = Arc::new(changed);
    }
    let set = given.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Ok(Ready { parsed, names, eras: known, asked, set, unused: unused.into_iter().collect() })
}

/// Whether all brokers write one message format in a run of `era`: logs are compared byte by byte. What clients send and
/// read is converted.
fn one_message_format(scenario: &Scenario, names: &Names, era: &Era) -> Result<(), Found> {
    let format = |name: &str| MessageFormat::of(&eras::of_node(scenario, era, name));
    let nodes: Vec<&str> = names.brokers.iter().map(|broker| broker.name.as_str()).collect();
    let other = nodes.iter().find(|name| format(name) != format(nodes[0]));
    let Some(other) = other else { return Ok(()) };
    let release = |name: &str| eras::of_node(scenario, era, name).release;
    let what = format!(
        "{} runs {} and {other} {}: releases before 0.11 write message format v1, later ones v2",
        nodes[0],
        release(nodes[0]),
        release(other)
    );
    let help = "replicas of a partition are the same bytes here: let all brokers run releases of one side";
    Err((Path::default().key("cluster").key("eras"), Problem::new(what).help(help)))
}

/// Names of all facts that `sees` may ask for.
pub fn note_names() -> impl Iterator<Item = &'static str> {
    let all = [
        ReplicaNote::NAMES,
        BrokerNote::NAMES,
        ControllerNote::NAMES,
        ZooKeeperNote::NAMES,
        GroupNote::NAMES,
        ClientNote::NAMES,
    ];
    all.into_iter().flatten().copied()
}

fn words(scenario: &Scenario, names: &Names, known: &[Era]) -> Result<(), Found> {
    let root = Path::default();
    for (index, name) in scenario.in_force.iter().enumerate() {
        property(name, root.key("in_force").index(index))?;
    }
    for (index, name) in scenario.sees.iter().enumerate() {
        if !note_names().any(|note| note == name) {
            let problem = Problem::new(format!("there is no fact `{name}`"));
            let problem = problem.near_or_list(name, note_names());
            return Err((root.key("sees").index(index), problem));
        }
    }
    for (index, name) in scenario.trace.iter().flatten().enumerate() {
        let path = root.key("trace").index(index);
        let era = eras::read(name).map_err(|problem| (path.clone(), problem))?;
        if !known.iter().any(|known| known.release == era.release) {
            let problem = Problem::new(format!("`trace` asks for {era}, which has no verdict"));
            return Err((path, problem.near_or_list(name, scenario.verdicts.names())));
        }
    }
    for (era, verdict) in &scenario.verdicts.0 {
        let path = root.key("verdicts").key(era);
        let mut seen = BTreeSet::new();
        for (index, name) in verdict.violates.iter().enumerate() {
            property(name, path.key("violates").index(index))?;
            if !seen.insert(name) {
                let problem = Problem::new(format!("`{name}` stands here twice"));
                return Err((path.key("violates").index(index), problem));
            }
        }
        for (index, value) in verdict.loses.iter().enumerate() {
            let path = path.key("loses").index(index);
            let batches = Batches::parse(value);
            match batches {
                None => check_steps::value(names, value, &path)?,
                Some(_) if !sends_nameless(&scenario.steps) => {
                    let problem =
                        Problem::new(format!("no step sends anything of which `{value}` could be lost"));
                    return Err((
                        path,
                        problem.help("batches without a name come from `workload` and `count`"),
                    ));
                }
                Some(_) => {}
            }
            let before = &verdict.loses[..index];
            let counted = |other: &String| batches.is_some() && Batches::parse(other).is_some();
            if before.contains(value) || before.iter().any(counted) {
                return Err((path, Problem::new(format!("`{value}` stands here twice"))));
            }
        }
    }
    Ok(())
}

/// Whether any step sends batches that have no name.
fn sends_nameless(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Workload(_) => true,
        Step::Produce(produce) => produce.count.is_some(),
        Step::When(when) => sends_nameless(&when.steps),
        _ => false,
    })
}

fn property(name: &str, path: Path) -> Result<(), Found> {
    if PROPERTIES.iter().any(|property| property.name == name) {
        return Ok(());
    }
    let problem = Problem::new(format!("there is no property `{name}`"));
    Err((path, problem.near_or_list(name, PROPERTIES.iter().map(|property| property.name))))
}

fn cluster(scenario: &Scenario, names: &Names) -> Result<(), Found> {
    let path = Path::default().key("cluster");
    if let Some(at) = &scenario.cluster.controller_at {
        broker_at(names, at, &path.key("controller_at"))?;
    }
    for (topic, spec) in &scenario.cluster.topics.0 {
        topic_name(topic).map_err(|problem| (path.key("topics").name(topic), problem))?;
        check_topic(names, spec, &path.key("topics").key(topic))?;
    }
    for client in &names.clients {
        let path = path.key("clients").key(&client.name);
        if client.kind == ClientKind::Producer {
            for (key, given) in
                [("assign", client.spec.assign.is_some()), ("from", client.spec.from.is_some())]
            {
                if given {
                    let problem =
                        Problem::new(format!("`{key}` belongs to consumers, and {} is none", client.name));
                    return Err((path.name(key), problem));
                }
            }
        }
        if client.spec.from.is_some() && client.spec.assign.is_none() {
            let problem = Problem::new("`from` says where a consumer starts, and it has no partitions");
            return Err((path.name("from"), problem.help("give it some with `assign`")));
        }
        let assigned = client.spec.assign.iter().flat_map(|many| &many.0);
        for (index, partition) in assigned.enumerate() {
            partition_at(names, partition.0, &path.key("assign").index(index))?;
        }
    }
    for (name, release) in &scenario.cluster.eras.0 {
        let path = path.key("eras");
        let nodes = names.brokers.iter().map(|broker| broker.name.as_str());
        let nodes: Vec<&str> = nodes.chain(names.clients.iter().map(|client| client.name.as_str())).collect();
        if !matches!(name.as_str(), "brokers" | "clients") && !nodes.contains(&name.as_str()) {
            let problem = Problem::new(format!("there is no node `{name}`"));
            let known = ["brokers", "clients"].into_iter().chain(nodes);
            return Err((path.name(name), problem.near_or_list(name, known)));
        }
        eras::read(release).map_err(|problem| (path.key(name), problem))?;
    }
    Ok(())
}

/// Whether Kafka takes a topic of this name (`Topic.validate`).
pub fn topic_name(name: &str) -> Result<(), Problem> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > 249 || name == "." || name == ".." || !name.chars().all(legal) {
        return Err(Problem::new(format!("`{name}` is no name of a topic"))
            .help("1 to 249 of: letters, digits, `.`, `_`, `-`; not `.` or `..`"));
    }
    Ok(())
}

/// Whether Kafka takes these replicas (`AdminUtils`).
pub fn check_topic(names: &Names, spec: &TopicSpec, path: &Path) -> Result<(), Found> {
    if let Some(assignment) = &spec.assignment {
        for (key, given) in [
            ("partitions", spec.partitions.is_some()),
            ("replication-factor", spec.replication_factor.is_some()),
        ] {
            if given {
                let problem = Problem::new(format!("`assignment` says it all, and `{key}` says it again"));
                return Err((path.name(key), problem));
            }
        }
        let path = path.key("assignment");
        if assignment.is_empty() || assignment.len() as i32 > MOST_PARTITIONS {
            let problem = Problem::new(format!("a topic has 1 to {MOST_PARTITIONS} partitions"));
            return Err((path, problem.help("each is a list of broker ids: [[0, 1, 2]]")));
        }
        for (index, replicas) in assignment.iter().enumerate() {
            replica_list(names, replicas, &path.index(index))?;
            if replicas.len() != assignment[0].len() {
                let problem = Problem::new("all partitions of a new topic have the same number of replicas")
                    .help(format!("partition 0 has {}, this one {}", assignment[0].len(), replicas.len()));
                return Err((path.index(index), problem));
            }
        }
        return Ok(());
    }
    let partitions = spec.partitions.unwrap_or(1);
    if !(1..=MOST_PARTITIONS).contains(&partitions) {
        let problem =
            Problem::new(format!("a topic has 1 to {MOST_PARTITIONS} partitions, not {partitions}"));
        return Err((path.key("partitions"), problem));
    }
    let factor = spec.replication_factor.unwrap_or(1);
    let brokers = names.brokers.len();
    if factor < 1 || factor as usize > brokers {
        let problem =
            Problem::new(format!("there are {brokers} brokers for a replication factor of {factor}"));
        return Err((path.key("replication-factor"), problem));
    }
    Ok(())
}

/// Whether these broker ids can hold a partition.
pub fn replica_list(names: &Names, replicas: &[i32], path: &Path) -> Result<(), Found> {
    if replicas.is_empty() {
        return Err((path.clone(), Problem::new("a partition has at least one replica")));
    }
    for (index, id) in replicas.iter().enumerate() {
        if !names.brokers.iter().any(|broker| broker.id == *id) {
            let ids: Vec<String> = names.brokers.iter().map(|broker| broker.id.to_string()).collect();
            let problem = Problem::new(format!("there is no broker {id}")).help(format!(
                "expected an id of a broker (0 to {LARGEST_BROKER_ID}): here {}",
                ids.join(", ")
            ));
            return Err((path.index(index), problem));
        }
        if replicas[..index].contains(id) {
            let problem = Problem::new(format!("broker {id} cannot hold two replicas of one partition"));
            return Err((path.index(index), problem));
        }
    }
    Ok(())
}
