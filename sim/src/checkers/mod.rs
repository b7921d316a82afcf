//! The properties: what Kafka promises, and what its mechanisms should keep. One claim a file.
//!
//! Three kinds. A *promise* is what users were told (acknowledged records, reads, order): in force in every era, excused
//! only by what the operator declared. A *mechanism* is a protocol rule: in force from the release that introduced it
//! ([`PropertyInfo::since`]), or earlier if a scenario names it. A *liveness* property says that something good happens
//! at last; it is judged at the end of a run, and only where a scenario names it, having given the cluster its time.
//!
//! How a run is watched:
//!
//! 1. After every event the kernel says which replicas changed ([`Observed::marks`]). Nothing changed: nothing is done.
//! 2. [`history`] compares each marked replica with what it last saw and makes one [`history::Change`] of it: what was
//!    appended, what was cut, how the high watermark and the role moved. It also keeps the [`ghost`] of each partition: the
//!    records that a leader's high watermark has passed.
//! 3. Every checker looks at the change, through the node's read-only view, and pushes [`Finding`]s.
//! 4. A finding becomes a [`Violation`] once per (property, partition, what); the run goes on.
//!
//! Checkers read state, never notes. In tests each is compared with its own recomputation from scratch ([`full`]). The [`audit`] accounts for every record at the end.

mod acked_durable;
mod appended_once;
pub mod audit;
mod bounds;
mod candidate_completeness;
mod consistent_read;
mod consumers_arrive;
mod definite_error;
mod eligible_isr;
mod end_offset_monotone;
mod epoch_monotone;
mod exactly_once_append;
pub mod excuse;
pub mod full;
mod full_clients;
mod full_mechanisms;
mod full_states;
pub mod ghost;
mod high_watermark_arrives;
mod high_watermark_monotone;
pub mod history;
mod isr_entry;
mod isr_refills;
pub mod isr_shrinks;
mod isr_subset;
mod leader_arrives;
mod leader_completeness;
pub mod ledger;
mod log_matching;
mod log_start_arrives;
mod min_isr_high_watermark;
mod no_silent_gap;
mod offset_unique;
mod one_active_controller;
mod one_leader_per_epoch;
mod own_orders;
mod prefix_per_epoch;
mod producer_order;
mod quorum_superset;
mod read_below_high_watermark;
mod reset_for_cause;
mod restart_keeps;
mod ripe_produce;
mod seen;
mod sends_are_answered;
pub mod shared_list;
mod start_as_ordered;
mod start_is_told;
pub mod stopped_in_turn;
#[cfg(test)]
mod tests;
mod weak_isr;

use crate::world::EventId;
use crate::world::nodes::Nodes;
use crate::world::spec::{NodeKind, WorldSpec};
use history::{Change, Ghost, History};
use kafka::broker::view::ReplicaView;
use kafka::command::{Command, Delivery, SendId};
use kafka::era::{Era, Release};
use kafka::ids::{NodeId, Offset, Topic, TopicPartition};
use kafka::time::Time;
use ledger::{FirstValue, Ledger};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Whether a property was promised to users, is a rule of the protocol, or says that something happens at last.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum PropertyKind {
    /// In force in every era.
    Promise,
    /// In force from the release that introduced it.
    Mechanism,
    /// In force where a scenario names it, and judged at the end of the run.
    Liveness,
}

/// What is known of a property.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct PropertyInfo {
    /// Its place in [`PROPERTIES`].
    pub number: usize,
    /// Its name in scenario files and stories.
    pub name: &'static str,
    /// The claim, in a sentence.
    pub claim: &'static str,
    /// What is so when it does not hold, as a headline.
    pub broken: &'static str,
    /// Its name in the TLA+ specifications or the Jepsen reports.
    pub also_called: &'static str,
    /// Promise or mechanism.
    pub kind: PropertyKind,
    /// The first release it is in force in.
    pub since: Release,
    /// The KIP or KAFKA number behind `since`.
    pub source: &'static str,
    /// When it may be broken without being violated.
    pub excused: &'static str,
}

/// Every property, in the catalogue's order.
pub const PROPERTIES: &[PropertyInfo] = &[
    leader_completeness::INFO,
    candidate_completeness::INFO,
    weak_isr::INFO,
    log_matching::INFO,
    prefix_per_epoch::INFO,
    epoch_monotone::INFO,
    one_leader_per_epoch::INFO,
    one_active_controller::INFO,
    bounds::INFO,
    high_watermark_monotone::INFO,
    end_offset_monotone::INFO,
    quorum_superset::INFO,
    isr_subset::INFO,
    eligible_isr::INFO,
    min_isr_high_watermark::INFO,
    acked_durable::INFO,
    definite_error::INFO,
    consistent_read::INFO,
    read_below_high_watermark::INFO,
    no_silent_gap::INFO,
    offset_unique::INFO,
    producer_order::INFO,
    isr_refills::INFO,
    high_watermark_arrives::INFO,
    exactly_once_append::INFO,
    leader_arrives::INFO,
    sends_are_answered::INFO,
    consumers_arrive::INFO,
    restart_keeps::INFO,
    isr_entry::INFO,
    isr_shrinks::INFO,
    own_orders::INFO,
    stopped_in_turn::INFO,
    appended_once::INFO,
    reset_for_cause::INFO,
    ripe_produce::INFO,
    start_as_ordered::INFO,
    start_is_told::INFO,
    log_start_arrives::INFO,
];

/// What the kernel tells the checkers after an event, beside the state they read.
#[derive(Clone, Copy)]
pub struct Observed<'a> {
    /// The event.
    pub event: EventId,
    /// When.
    pub at: Time,
    /// Replicas that changed: on which node, of which partition.
    pub marks: &'a [(NodeId, TopicPartition)],
    /// What applications handed to their clients.
    pub handed: &'a [(NodeId, Handed)],
    /// What applications were told.
    pub deliveries: &'a [(NodeId, Delivery)],
    /// Processes that started or ended, disks that lost something: (node, what).
    pub lives: &'a [(NodeId, LifeEvent)],
}

/// What an application handed to its client, as far as checkers care.
#[derive(Clone, Debug)]
pub enum Handed {
    /// Records, to a producer.
    Records {
        /// The application's handle.
        send: SendId,
        /// Where to.
        partition: TopicPartition,
        /// What is kept of the first record's value.
        value: FirstValue,
        /// How many they are.
        count: usize,
    },
    /// An assignment, to a consumer.
    Assignment,
    /// A new position in this partition, to a consumer.
    Position(TopicPartition),
    /// The records of a partition below this offset may be deleted: by an operator's order, to his tool.
    Deletion(TopicPartition, Offset),
    /// A topic may be deleted: by an operator's order, to his tool.
    TopicDeletion(Topic),
}

impl Handed {
    /// What a command hands over.
    pub fn by(command: &Command) -> Option<Handed> {
        match command {
            Command::Produce { send, partition, records } => {
                let value = FirstValue::of(records.first().and_then(|record| record.value.as_ref()));
                Some(Handed::Records { send: *send, partition: *partition, value, count: records.len() })
            }
            Command::Assign(_) => Some(Handed::Assignment),
            Command::Seek(partition, _) => Some(Handed::Position(*partition)),
            Command::DeleteTopic(topic) => Some(Handed::TopicDeletion(*topic)),
            // The high watermark, wherever it is by then.
            Command::DeleteRecords { partition, before: Offset(-1) } => {
                Some(Handed::Deletion(*partition, Offset(i64::MAX)))
            }
            Command::DeleteRecords { partition, before } => Some(Handed::Deletion(*partition, *before)),
            _ => None,
        }
    }
}

/// What became of a process or its machine.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum LifeEvent {
    /// It started.
    Started,
    /// Its memory is gone, its page cache is not.
    Ended,
    /// Its memory is gone and so may be what it had not flushed.
    LostPower,
    /// Its disk was damaged, emptied, or lost a file.
    DiskDamaged,
}

/// What a checker found: the same finding again says nothing new.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Which property.
    pub property: &'static str,
    /// Which partition.
    pub partition: TopicPartition,
    /// The offset it is about.
    pub offset: Offset,
    /// What was promised to whom and when, what happened, and which rule allowed it: a line each.
    pub report: Vec<String>,
}

/// A finding, with its moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which property.
    pub property: &'static str,
    /// Which partition.
    pub partition: TopicPartition,
    /// The offset it is about.
    pub offset: Offset,
    /// When.
    pub at: Time,
    /// The event after which it was seen.
    pub event: EventId,
    /// The report, a line each.
    pub report: Vec<String>,
}

/// What every checker is lent.
pub struct Context<'a> {
    /// When.
    pub at: Time,
    /// The event.
    pub event: EventId,
    /// The processes.
    pub nodes: &'a Nodes,
    /// Who sent what and what they were told.
    pub ledger: &'a Ledger,
    /// What is in force.
    force: &'a [bool],
    /// What was found.
    findings: &'a mut Vec<Finding>,
}

impl Context<'_> {
    /// Whether a property is in force.
    fn in_force(&self, info: &PropertyInfo) -> bool {
        self.force[info.number]
    }

    /// Reports a finding, if the property is in force. The report is only built if so, and not in line with what looks
    /// at every change.
    #[cold]
    #[inline(never)]
    fn find(
        &mut self,
        info: &PropertyInfo,
        ghost: &Ghost,
        offset: Offset,
        report: impl FnOnce() -> Vec<String>,
    ) {
        if self.force[info.number] {
            let finding =
                Finding { property: info.name, partition: ghost.partition, offset, report: report() };
            self.findings.push(finding);
        }
    }
}

/// All checkers of a run, and the auditor's ledger.
#[derive(Clone)]
pub struct Checks {
    force: Arc<[bool]>,
    on: bool,
    /// What was seen of every replica, and the ghost of every partition.
    pub history: History,
    /// Who sent what and what they were told.
    pub ledger: Ledger,
    end_offset_monotone: end_offset_monotone::EndOffsetMonotone,
    definite_error: definite_error::DefiniteError,
    no_silent_gap: no_silent_gap::NoSilentGap,
    reset_for_cause: reset_for_cause::ResetForCause,
    moved_clocks: Arc<isr_shrinks::Moved>,
    obeyed: one_active_controller::Obeyed,
    found: Arc<BTreeSet<(&'static str, TopicPartition, Offset)>>,
    violations: Arc<Vec<Violation>>,
    full: Option<Box<full::Full>>,
}

impl Default for Checks {
    fn default() -> Self {
        Checks {
            force: vec![true; PROPERTIES.len()].into(),
            on: false,
            history: History::default(),
            ledger: Ledger::default(),
            end_offset_monotone: Default::default(),
            definite_error: Default::default(),
            no_silent_gap: Default::default(),
            reset_for_cause: Default::default(),
            moved_clocks: Arc::default(),
            obeyed: Default::default(),
            found: Arc::default(),
            violations: Arc::default(),
            full: None,
        }
    }
}

impl Checks {
    /// The checkers that watch such a world. `in_force`: mechanisms to be checked earlier than their release, and
    /// promises that the contract would excuse. A mechanism is in force if every broker's release has it.
    pub fn new(spec: &WorldSpec, in_force: &[String]) -> Checks {
        let eras: Vec<&Era> = spec
            .nodes
            .iter()
            .filter(|node| matches!(node.kind, NodeKind::Broker(_)))
            .map(|node| &node.era)
            .collect();
        let force = PROPERTIES.iter().map(|info| {
            in_force.iter().any(|name| name == info.name)
                || eras.iter().all(|era| era.release.is_in(&[(info.since, Release::NEXT)]))
        });
        Checks { force: force.collect(), on: true, ledger: Ledger::new(spec, in_force), ..Checks::default() }
    }

    /// Compares every checker with its recomputation from scratch from now on, and panics if they differ: for tests.
    pub fn compare_with_full(&mut self) {
        self.full = Some(Box::default());
    }

    /// Whether a property is in force in this run.
    pub fn in_force(&self, property: &str) -> bool {
        PROPERTIES.iter().any(|info| info.name == property && self.force[info.number])
    }

    /// What was violated so far, in order.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// A node's wall clock was moved, or runs at another speed.
    pub fn clock_is_moved(&mut self, node: NodeId) {
        Arc::make_mut(&mut self.moved_clocks).insert(node);
    }

    /// After an event: looks at what changed. Costs next to nothing when nothing did.
    pub fn observe(&mut self, observed: Observed<'_>, nodes: &Nodes) {
        let quiet = observed.marks.is_empty()
            && observed.handed.is_empty()
            && observed.deliveries.is_empty()
            && observed.lives.is_empty()
            && nodes.zookeeper().partition_states_version() == self.history.states_version;
        if quiet || !self.on {
            return;
        }
        let mut findings = Vec::new();
        self.watch(observed, nodes, &mut findings);
        if let Some(mut full) = self.full.take() {
            let fresh = findings.clone();
            self.keep(findings, observed.at, observed.event);
            full.compare(self, nodes, &observed, &fresh);
            self.full = Some(full);
        } else if !findings.is_empty() {
            self.keep(findings, observed.at, observed.event);
        }
    }

    fn watch(&mut self, observed: Observed<'_>, nodes: &Nodes, findings: &mut Vec<Finding>) {
        for (client, handed) in observed.handed {
            self.ledger.on_handed(*client, handed, observed.at);
            self.no_silent_gap.on_handed(*client, handed);
            self.reset_for_cause.on_handed(*client, handed);
            if let Handed::Deletion(partition, before) = handed {
                let ghost = self.history.ghost_mut(*partition);
                ghost.ordered = ghost.ordered.max(*before);
            }
            if let Handed::TopicDeletion(topic) = handed {
                self.history.order_deletion(*topic);
            }
        }
        for (node, life) in observed.lives {
            self.history.on_life(*node, *life, nodes);
            if *life != LifeEvent::DiskDamaged {
                self.no_silent_gap.on_life(*node);
                self.reset_for_cause.on_life(*node);
            }
        }
        let (at, event) = (observed.at, observed.event);
        let Checks {
            force,
            history,
            ledger,
            end_offset_monotone,
            definite_error,
            no_silent_gap,
            reset_for_cause,
            moved_clocks,
            obeyed,
            ..
        } = self;
        obeyed.look(history, &mut Context { at, event, nodes, ledger, force, findings });

        if history.states_version != nodes.zookeeper().partition_states_version() {
            for partition in history.end_deleted(nodes) {
                ledger.topic_is_deleted(partition);
            }
            for change in history.read_states(nodes) {
                let mut context = Context { at, event, nodes, ledger, force, findings };
                let ghost = history.ghost_mut(change.partition);
                one_active_controller::on_state(&change, ghost, &mut context);
                isr_subset::on_state(ghost, &mut context);
                eligible_isr::on_state(&change, ghost, &mut context);
                log_matching::on_state(ghost, &mut context);
                candidate_completeness::on_state(ghost, &mut context);
                quorum_superset::on_state(ghost, &mut context);
                let lost_before = ghost.lost.len();
                let missing = leader_completeness::on_state(ghost, &mut context);
                consistent_read::on_leader_without(&missing, ghost, &mut context);
                look_again(lost_before, ghost, &mut context);
            }
        }
        for (node, partition) in observed.marks {
            let mut context = Context { at, event, nodes, ledger, force, findings };
            let Some((change, view, ghost)) = history.on_mark(*node, *partition, nodes, at) else {
                stopped_in_turn::on_deletion(history.ghost_mut(*partition), &mut context);
                continue;
            };
            isr_shrinks::on_change(&change, &view, moved_clocks, ghost, &mut context);
            check_change(&change, &view, ghost, &mut context);
            reset_for_cause.on_change(&change, ghost);
        }
        for (node, delivery) in observed.deliveries {
            let mut context = Context { at, event, nodes, ledger, force, findings };
            read_below_high_watermark::on_delivery(*node, delivery, history, &mut context);
            offset_unique::on_delivery(*node, delivery, history, &mut context);
            consistent_read::on_delivery(delivery, history, &mut context);
            no_silent_gap.on_delivery(*node, delivery, history, &mut context);
            reset_for_cause.on_delivery(*node, delivery, history, &mut context);
            end_offset_monotone.on_delivery(*node, delivery, history, &mut context);
            start_is_told::on_delivery(*node, delivery, end_offset_monotone, history, &mut context);
            definite_error.on_delivery(*node, delivery, history, &mut context);
            ledger.on_delivery(delivery, at, history);
            let mut context = Context { at, event, nodes, ledger, force, findings };
            acked_durable::on_delivery(delivery, history, &mut context);
            producer_order::on_delivery(*node, delivery, history, &mut context);
        }
    }

    /// The end of the run: claims that only the end can decide.
    pub fn finish(&mut self, at: Time, event: EventId, nodes: &Nodes, audit: &audit::Audit) {
        let mut findings = Vec::new();
        let Checks { force, history, ledger, .. } = self;
        let mut context = Context { at, event, nodes, ledger, force, findings: &mut findings };
        acked_durable::finish(audit, history, &mut context);
        definite_error::finish(audit, history, &mut context);
        isr_refills::finish(history, &mut context);
        high_watermark_arrives::finish(history, &mut context);
        log_start_arrives::finish(history, &mut context);
        leader_arrives::finish(history, &mut context);
        sends_are_answered::finish(history, &mut context);
        consumers_arrive::finish(history, &mut context);
        self.keep(findings, at, event);
        if let Some(full) = &self.full {
            full.finish(self);
        }
    }

    fn keep(&mut self, findings: Vec<Finding>, at: Time, event: EventId) {
        for finding in findings {
            let Finding { property, partition, offset, report } = finding;
            if Arc::make_mut(&mut self.found).insert((property, partition, offset)) {
                let violation = Violation { property, partition, offset, at, event, report };
                Arc::make_mut(&mut self.violations).push(violation);
            }
        }
    }
}

fn check_change(change: &Change, view: &ReplicaView<'_>, ghost: &mut Ghost, context: &mut Context<'_>) {
    bounds::on_change(change, view, ghost, context);
    restart_keeps::on_change(change, ghost, context);
    isr_entry::on_change(change, view, ghost, context);
    appended_once::on_change(change, ghost, context);
    ripe_produce::on_change(change, ghost, context);
    start_as_ordered::on_change(change, ghost, context);
    high_watermark_monotone::on_change(change, ghost, context);
    min_isr_high_watermark::on_change(change, ghost, context);
    one_leader_per_epoch::on_change(change, ghost, context);
    epoch_monotone::on_change(change, view, ghost, context);
    prefix_per_epoch::on_change(change, ghost, context);
    log_matching::on_change(change, ghost, context);
    weak_isr::on_change(change, ghost, context);
    candidate_completeness::on_change(change, ghost, context);
    quorum_superset::on_change(change, view, ghost, context);
    let lost_before = ghost.lost.len();
    let missing = leader_completeness::on_change(change, ghost, context);
    consistent_read::on_leader_without(&missing, ghost, context);
    acked_durable::on_change(change, ghost, context);
    exactly_once_append::on_change(change, ghost, context);
    look_again(lost_before, ghost, context);
}

/// Candidates are looked at once more if the ghost now follows another leader, or if a machine that lost something is
/// whole again, and what its loss excused of others is excused no more.
fn look_again(lost_before: usize, ghost: &mut Ghost, context: &mut Context<'_>) {
    let mut healed = false;
    if !ghost.lossy.is_empty() {
        for index in 0..ghost.replicas.len() {
            healed |= ghost.heal_lossy(index);
        }
    }
    if healed {
        weak_isr::on_state(ghost, context);
    }
    if healed || ghost.lost.len() > lost_before {
        candidate_completeness::on_state(ghost, context);
    }
}
