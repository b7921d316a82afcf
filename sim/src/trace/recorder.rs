//! The recorder: collects what a story is told from. Records nothing unless asked.
//!
//! Facts become lines at once, because their words need the state as it is now (names of records, roles for the lanes).
//! Until the first [`Recorder::step`] it only learns names: the making of the cluster is no part of the story.
//! A table of replicas is drawn when roles change, at truncations and at `expect`; changes of one moment share one.

use super::Zoom;
use super::lines::{self, Scene, Wording};
use super::message_lines;
use super::names::Names;
use super::replicas::{self, Replicas};
use crate::checkers::LifeEvent;
use crate::world::EventId;
use crate::world::nodes::Nodes;
use kafka::command::{Command, Delivery};
use kafka::ids::{BrokerId, LeaderEpoch, NodeId, Offset, TopicPartition};
use kafka::messages::zookeeper::{ZooKeeperAnswer, ZooKeeperRequest};
use kafka::messages::{ApiKey, Request, Response};
use kafka::node::{Channel, ChannelEvent, ExitReason};
use kafka::note::{ClientNote, ControllerNote, Decided, Note, ReplicaNote};
use kafka::time::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A message's fate, as the recorder is told.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum MessageEvent {
    /// It left.
    Sent,
    /// It arrived.
    Arrived,
    /// A rule holds it.
    Held,
    /// A rule let it go again.
    Released,
    /// It is lost: a rule, or its connection is gone.
    Lost,
}

/// What the kernel tells the recorder, one fact at a time.
#[derive(Clone, Debug)]
pub enum Fact<'a> {
    /// A node noted this.
    Note(&'a Note),
    /// A node was given this command.
    Command(&'a Command),
    /// An application was told this.
    Delivery(&'a Delivery),
    /// A process started, ended or lost something; `exit` if it ended by itself.
    Life(LifeEvent, Option<ExitReason>),
    /// A request.
    Request {
        /// To whom (the fact's node is the sender).
        to: NodeId,
        /// On which channel.
        channel: Channel,
        /// At which version.
        version: i16,
        /// The message.
        request: &'a Request,
        /// Its fate.
        event: MessageEvent,
    },
    /// A response (the fact's node is its sender).
    Response {
        /// To whom.
        to: NodeId,
        /// The message.
        response: &'a Response,
        /// Its fate.
        event: MessageEvent,
    },
    /// A channel changed, as its opener sees it.
    Channel {
        /// The other end.
        to: NodeId,
        /// Which.
        channel: Channel,
        /// How.
        event: &'a ChannelEvent,
    },
}

/// How the author of a story speaks.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Voice {
    /// Says what happens.
    Says,
    /// Asks the reader.
    Asks,
    /// Answers what was asked.
    Answers,
}

/// One entry of a story.
#[derive(Clone, PartialEq, Debug)]
pub enum Entry {
    /// A step of the scenario begins.
    Step {
        /// When.
        at: Time,
        /// The step, in words.
        heading: String,
    },
    /// The author speaks.
    Words {
        /// How.
        voice: Voice,
        /// What.
        text: String,
    },
    /// A fact.
    Line(Line),
    /// All replicas of a partition.
    Table {
        /// Which.
        partition: TopicPartition,
        /// Broker, role, epoch, log.
        rows: Vec<[String; 4]>,
    },
    /// A property is violated.
    Violated {
        /// When.
        at: Time,
        /// Which.
        property: String,
        /// The report.
        report: Vec<String>,
    },
}

/// A fact in a story.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// When.
    pub at: Time,
    /// After which event.
    pub event: EventId,
    /// The event that caused it.
    pub cause: EventId,
    /// From which zoom on it is told.
    pub zoom: Zoom,
    /// A character per broker.
    pub lanes: String,
    /// Who speaks.
    pub who: String,
    /// What stands before the items.
    before: String,
    /// What it is about, when several facts are told as one.
    items: Vec<String>,
    /// What stands after them.
    after: String,
    /// The rule that decided.
    pub decided: Option<Decided>,
    /// Whether it is no news if it has just been told.
    pub once: bool,
}

impl Line {
    /// The whole sentence.
    pub fn text(&self) -> String {
        let mut unique: Vec<&str> = Vec::new();
        for item in &self.items {
            if !unique.contains(&item.as_str()) {
                unique.push(item);
            }
        }
        format!("{}{}{}", self.before, unique.join(", "), self.after)
    }
}

/// Collects what happened, in order.
#[derive(Clone, Default, Debug)]
pub struct Recorder {
    on: bool,
    counts: bool,
    telling: bool,
    entries: Arc<Vec<Entry>>,
    names: Names,
    replicas: Replicas,
    pending: Option<(Time, Tables)>,
    decided: BTreeSet<Decided>,
    noted: BTreeSet<&'static str>,
    told: BTreeMap<(ApiKey, BrokerId, TopicPartition), ToldLeader>,
    drawn: BTreeMap<TopicPartition, Vec<[String; 4]>>,
    controller: Option<BrokerId>,
    refused: BTreeMap<Arc<str>, String>,
}

/// Which leader a broker was last told of: by LeaderAndIsr also by whom, and in which epoch.
type ToldLeader = (BrokerId, Option<(NodeId, LeaderEpoch)>);

/// Tables that wait: the rows of each partition.
type Tables = Vec<(TopicPartition, Vec<[String; 4]>)>;

/// How ZooKeeper is called.
const ZOOKEEPER: &str = "zookeeper";

/// Facts of one node further apart than this are not told as one.
const SAME_MOMENT: u64 = 20_000;

impl Recorder {
    /// A recorder that records (`wanted`), or one that ignores everything.
    pub fn new(wanted: bool) -> Recorder {
        Recorder { on: wanted, ..Recorder::default() }
    }

    /// From now on names of notes, and the rules that decided, are kept although nothing is told: for coverage.
    pub fn count_notes(&mut self) {
        self.counts = true;
    }

    /// Whether nodes should make notes.
    pub fn wants_notes(&self) -> bool {
        self.on || self.counts
    }

    /// A note, which a recorder that only counts may want.
    #[inline]
    pub fn count(&mut self, note: &Note) {
        if self.counts {
            self.noted.insert(note.name());
            self.decided.extend(note.decided());
        }
    }

    /// Whether it records: else nobody needs to build facts.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// What was recorded.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The rules that decided something in the part that is told.
    pub fn decided(&self) -> &BTreeSet<Decided> {
        &self.decided
    }

    /// The names of all notes that were made in the part that is told.
    pub fn noted(&self) -> &BTreeSet<&'static str> {
        &self.noted
    }

    /// Records' names.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Takes a fact. `cause` is the event that caused `event`.
    pub fn record(
        &mut self,
        event: EventId,
        cause: EventId,
        at: Time,
        node: NodeId,
        fact: Fact<'_>,
        nodes: &Nodes,
    ) {
        if !self.on {
            return;
        }
        let repeats = self.learn(at, node, &fact, nodes);
        if !self.telling {
            return;
        }
        if let Fact::Note(note) = fact {
            self.noted.insert(note.name());
            self.decided.extend(note.decided());
        }
        let told = partitions(nodes);
        let Some(mut wording) = self.word(node, &fact, nodes, told.len() > 1) else { return };
        if repeats {
            wording.zoom = wording.zoom.max(Zoom::Messages);
        }
        self.draw_pending(at);
        // A table that waits shows what came of the moment, and so what is told before it is drawn.
        let waits = changed_replica(&fact).filter(|changed| self.awaits_table(*changed));
        let table = wording.table.or(waits);
        let lanes = replicas::lanes(&told, nodes);
        self.tell(event, cause, at, node, wording, lanes, nodes);
        if let Some(partition) = table {
            self.ask_for_table(at, partition, nodes);
        }
        // A process that ends changes its row in every table that waits.
        if matches!(fact, Fact::Life(..)) {
            let waiting = self.pending.iter().flat_map(|(_, tables)| tables);
            for partition in waiting.map(|(partition, _)| *partition).collect::<Vec<_>>() {
                self.ask_for_table(at, partition, nodes);
            }
        }
    }

    /// A batch on a machine's disk is damaged: its bytes are not those of its CRC any more.
    pub fn damaged(&mut self, node: NodeId, partition: TopicPartition, offset: Offset) {
        if self.on {
            self.replicas.damaged(node, partition, offset);
        }
    }

    /// The cluster is up, with this controller: the story may begin.
    pub fn begin(&mut self, controller: Option<BrokerId>) {
        self.controller = controller;
    }

    /// With what a record was refused last, so that its producer tried again, and when.
    pub fn refused(&self, name: &str) -> Option<&str> {
        self.refused.get(name).map(String::as_str)
    }

    /// Who was the controller when the story began.
    pub fn first_controller(&self) -> Option<BrokerId> {
        self.controller
    }

    /// The scenario begins a step: a heading of the story.
    pub fn step(&mut self, at: Time, heading: &str) {
        if self.on {
            self.telling = true;
            self.draw();
            self.push(Entry::Step { at, heading: heading.to_owned() });
        }
    }

    /// The author speaks.
    pub fn say(&mut self, voice: Voice, text: &str) {
        if self.on {
            self.draw();
            self.push(Entry::Words { voice, text: text.to_owned() });
        }
    }

    /// Draws a partition's replicas as they are now; with what the leader remembers of the others if `remembered`.
    pub fn table(&mut self, partition: TopicPartition, remembered: bool, nodes: &Nodes) {
        if self.on && self.telling {
            self.draw();
            let mut rows = self.replicas.table(partition, &self.names, nodes);
            if remembered {
                replicas::add_remembered(partition, nodes, &mut rows);
            }
            self.push_table(partition, rows);
        }
    }

    /// A checker has found a violation: its report, to stand where it happened.
    pub fn violated(&mut self, at: Time, property: &str, report: &[String]) {
        if self.on {
            self.telling = true;
            self.tell_cause(at);
            self.draw();
            self.push(Entry::Violated { at, property: property.to_owned(), report: report.to_vec() });
        }
    }

    /// What was just found follows from the last fact: a change of a znode, which is told before its writer hears of it.
    fn tell_cause(&mut self, at: Time) {
        let last = self.entries.iter().rposition(|entry| matches!(entry, Entry::Line(_)));
        if let Some(place) = last
            && let Some(Entry::Line(line)) = Arc::make_mut(&mut self.entries).get_mut(place)
            && line.at == at
            && line.who == ZOOKEEPER
            && !line.before.starts_with('→')
        {
            line.zoom = Zoom::Story;
        }
    }

    /// The run is over: what waits is drawn.
    pub fn finish(&mut self) {
        self.draw();
    }

    fn push(&mut self, entry: Entry) {
        Arc::make_mut(&mut self.entries).push(entry);
    }

    /// Names, logs and who was told of which leader: learnt also while nothing is told. Says whether the fact is a
    /// request that names no leader its receiver has not been told of: the controller sends many of those.
    fn learn(&mut self, at: Time, node: NodeId, fact: &Fact<'_>, nodes: &Nodes) -> bool {
        match fact {
            Fact::Note(Note::Controller(ControllerNote::Sent { api, to, partitions })) => {
                let mut is_news = *api == ApiKey::StopReplica || partitions.is_empty();
                for (partition, named) in partitions {
                    let Some((leader, epoch)) = *named else { continue };
                    let by = (*api == ApiKey::LeaderAndIsr).then_some((node, epoch));
                    let told = self.told.insert((*api, *to, *partition), (leader, by));
                    is_news |= told != Some((leader, by));
                }
                return !is_news;
            }
            Fact::Life(LifeEvent::Started, _) => {
                let broker = nodes.broker(node).map(|broker| broker.id());
                self.told.retain(|(_, told, _), _| Some(*told) != broker);
            }
            Fact::Note(Note::Client(ClientNote::Retries { send, error, .. })) => {
                if let Some(name) = self.names.send(*send) {
                    let error = error.name(&nodes.slot(node).era);
                    self.refused.insert(name, format!("{error} at {} ms", at.millis()));
                }
            }
            Fact::Command(command) => self.names.on_command(command),
            Fact::Delivery(delivery) => self.names.on_delivery(delivery, at, acked_copy(delivery, nodes)),
            Fact::Note(Note::Replica(partition, note)) => {
                if let ReplicaNote::AppendedAsLeader { records, .. } = note {
                    records.entries().iter().for_each(|batch| self.names.on_append(*partition, batch));
                }
                if matches!(note, ReplicaNote::Truncated { .. } | ReplicaNote::Recovered { .. }) {
                    self.replicas.cut(node, *partition, nodes);
                }
                self.replicas.look(node, *partition, nodes);
            }
            Fact::Life(LifeEvent::LostPower | LifeEvent::DiskDamaged, _) => self.replicas.lose(node),
            _ => {}
        }
        false
    }

    fn word(&self, node: NodeId, fact: &Fact<'_>, nodes: &Nodes, many: bool) -> Option<Wording> {
        let scene = Scene { node, nodes, names: &self.names, many };
        let era = &nodes.slot(node).era;
        let message = |zoom: Zoom, text: String| Some(lines::plain(zoom, text));
        let routed = |to: NodeId, event: MessageEvent, text: String| {
            let what = match event {
                MessageEvent::Sent => {
                    return message(Zoom::Messages, format!("→ {}: {text}", nodes.name(to)));
                }
                MessageEvent::Arrived => "arrives at",
                MessageEvent::Held => "is HELD on its way to",
                MessageEvent::Released => "is released to",
                MessageEvent::Lost => "is LOST on its way to",
            };
            let zoom = match event {
                MessageEvent::Held | MessageEvent::Released => Zoom::Story,
                MessageEvent::Lost => Zoom::Messages,
                _ => Zoom::Effects,
            };
            message(zoom, format!("{text} {what} {}", nodes.name(to)))
        };
        match fact {
            Fact::Note(note) => Some(lines::note(note, &scene)),
            Fact::Delivery(delivery) => Some(lines::delivery(delivery, &scene)),
            Fact::Command(command) => message(Zoom::Effects, format!("is asked: {command:?}")),
            Fact::Life(life, exit) => message(Zoom::Story, self::life(*life, *exit)?),
            // That a session lives is said again and again.
            Fact::Request {
                to,
                request: request @ Request::ZooKeeper(ZooKeeperRequest::Ping),
                event,
                ..
            } => {
                let wording = routed(*to, *event, message_lines::request(request, era))?;
                Some(Wording { zoom: wording.zoom.max(Zoom::Effects), ..wording })
            }
            Fact::Response { to, response: response @ Response::ZooKeeper(answer), event }
                if answer.answer == ZooKeeperAnswer::Pong =>
            {
                let wording = routed(*to, *event, message_lines::response(response, &self.names, era))?;
                Some(Wording { zoom: wording.zoom.max(Zoom::Effects), ..wording })
            }
            Fact::Request { to, request, event, .. } => {
                let text = match event {
                    MessageEvent::Held | MessageEvent::Released => request.api().name_in(era).to_owned(),
                    _ => message_lines::request(request, era),
                };
                routed(*to, *event, text)
            }
            Fact::Response { to, response, event } => {
                let text = match (event, response.api()) {
                    (MessageEvent::Held | MessageEvent::Released, Some(api)) => {
                        format!("{} answer", api.name_in(era))
                    }
                    _ => message_lines::response(response, &self.names, era),
                };
                routed(*to, *event, text)
            }
            Fact::Channel { to, channel, event } => {
                let event = match event {
                    ChannelEvent::Connected { .. } => "connected",
                    ChannelEvent::Failed => "could not connect",
                    ChannelEvent::Disconnected => "disconnected",
                };
                message(Zoom::Effects, format!("{event}: {channel:?} to {}", nodes.name(*to)))
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "when, who and what of one line")]
    fn tell(
        &mut self,
        event: EventId,
        cause: EventId,
        at: Time,
        node: NodeId,
        wording: Wording,
        lanes: String,
        nodes: &Nodes,
    ) {
        // Every broker has a controller, and two may hold themselves for the active one.
        let id = nodes.broker_nodes().find(|(_, known)| *known == node).map(|(id, _)| id);
        let who = match id.filter(|_| wording.controller) {
            Some(id) => format!("controller@{id}"),
            None => nodes.name(node).to_owned(),
        };
        let Wording { zoom, before, item, after, decided, gathers, once, .. } = wording;
        let entries = Arc::make_mut(&mut self.entries);
        // Facts of one kind, side by side at their zoom, are told as one line.
        let closer = |entry: &&mut Entry| !matches!(entry, Entry::Line(line) if line.zoom > zoom);
        if let (Some(item), Some(Entry::Line(last))) = (&item, entries.iter_mut().rev().find(closer))
            && !last.items.is_empty()
            && (&last.who, &last.before, &last.after, last.zoom) == (&who, &before, &after, zoom)
            && at.0 - last.at.0 <= SAME_MOMENT
        {
            last.items.push(item.clone());
            last.lanes = lanes;
            return;
        }
        let mut items: Vec<String> = item.into_iter().collect();
        if gathers
            && let Some(place) = gathered(entries, at, zoom, &who, &before, &after)
            && let Entry::Line(earlier) = entries.remove(place)
        {
            items.splice(0..0, earlier.items);
        }
        let line = Line { at, event, cause, zoom, lanes, who, before, items, after, decided, once };
        entries.push(Entry::Line(line));
    }

    fn ask_for_table(&mut self, at: Time, partition: TopicPartition, nodes: &Nodes) {
        let rows = self.replicas.table(partition, &self.names, nodes);
        let (_, tables) = self.pending.get_or_insert((at, Vec::new()));
        match tables.iter_mut().find(|(known, _)| *known == partition) {
            Some((_, known)) => *known = rows,
            None => tables.push((partition, rows)),
        }
    }

    fn awaits_table(&self, partition: TopicPartition) -> bool {
        let tables = self.pending.iter().flat_map(|(_, tables)| tables);
        tables.into_iter().any(|(known, _)| *known == partition)
    }

    /// Draws the tables that wait, once the moment that asked for them is over.
    fn draw_pending(&mut self, at: Time) {
        if self.pending.as_ref().is_some_and(|(since, _)| at.0 > since.0 + SAME_MOMENT) {
            self.draw();
        }
    }

    fn draw(&mut self) {
        for (partition, rows) in self.pending.take().into_iter().flat_map(|(_, tables)| tables) {
            self.push_table(partition, rows);
        }
    }

    /// Draws a table, unless the last one of the partition says the same.
    fn push_table(&mut self, partition: TopicPartition, rows: Vec<[String; 4]>) {
        if self.drawn.get(&partition) != Some(&rows) {
            self.drawn.insert(partition, rows.clone());
            self.push(Entry::Table { partition, rows });
        }
    }
}

/// The replica that a fact is about.
fn changed_replica(fact: &Fact<'_>) -> Option<TopicPartition> {
    match fact {
        Fact::Note(Note::Replica(partition, _)) => Some(*partition),
        _ => None,
    }
}

/// The line of the same node and moment that is told together with a new one, if nobody else spoke since.
fn gathered(entries: &[Entry], at: Time, zoom: Zoom, who: &str, before: &str, after: &str) -> Option<usize> {
    for (place, entry) in entries.iter().enumerate().rev() {
        match entry {
            Entry::Line(line) if line.zoom > zoom => continue,
            Entry::Line(line) if line.who != who || at.0 - line.at.0 > SAME_MOMENT => return None,
            Entry::Line(line) if line.before == before && line.after == after => return Some(place),
            Entry::Line(_) => continue,
            _ => return None,
        }
    }
    None
}

/// Epoch and CRC of the batch an acknowledgement is about.
fn acked_copy(delivery: &Delivery, nodes: &Nodes) -> Option<(LeaderEpoch, u32)> {
    let Delivery::Acked { partition, base_offset: Some(offset), broker, .. } = delivery else { return None };
    let view = nodes.broker(nodes.broker_node(*broker)?)?.replica(*partition)?;
    let batches = view.log.batches();
    let place = batches.binary_search_by_key(offset, |batch| batch.base_offset).ok()?;
    Some((batches[place].epoch, batches[place].crc))
}

fn life(life: LifeEvent, exit: Option<ExitReason>) -> Option<String> {
    let text = match (life, exit) {
        (LifeEvent::Started, _) => return None, // its own note says more
        (LifeEvent::Ended, None) => "is KILLED: its memory is gone, its page cache is not",
        (LifeEvent::Ended, Some(ExitReason::ShutDown)) => "stops in order",
        (LifeEvent::Ended, Some(ExitReason::NodeExists)) => {
            "EXITS: its znode of an earlier life is still there (NodeExists)"
        }
        (LifeEvent::Ended, Some(ExitReason::FollowerAheadOfLeader)) => {
            "HALTS: its log is longer than its leader's"
        }
        (LifeEvent::Ended, Some(ExitReason::LogDirectoryFailed)) => "HALTS: its log directory failed",
        (LifeEvent::Ended, Some(ExitReason::InconsistentBrokerId)) => {
            "EXITS: its log directory cannot be used"
        }
        (LifeEvent::LostPower, _) => "LOSES POWER",
        (LifeEvent::DiskDamaged, _) => "its disk is DAMAGED",
    };
    Some(text.to_owned())
}

/// The partitions of the scenario's topics.
fn partitions(nodes: &Nodes) -> Vec<TopicPartition> {
    nodes.zookeeper().partitions()
}
