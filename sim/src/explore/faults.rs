//! The faults of a plan: which kinds there are in this run at all, around which moments, each with its beginning and its
//! end.
//!
//! Faults come in clusters, as in life: one election is no danger, a second one while messages of the first are still on
//! their way is. What waits is named, and released after a drawn time. A broker is named, or told by its role at that
//! moment; then whoever may be down or paused is tried when it ends, and those that are not are passed over.

use super::budget::Budget;
use super::draw::{Draw, Draws, Purpose};
use super::profile::{Family, FaultKind, Profile};
use super::settings::{Shape, broker};
use super::workload::Planned;
use crate::scenario::condition::{Condition, ControllerIs, LeaderIs, ReplicaIs};
use crate::scenario::step::{
    Between, Cut, Delay, DeleteRecords, DiskStep, Fault, Link, Messages, PowerOff, SetTopic, SlowCpu,
    SlowLink, Step, StepClock, SurvivesWord, When,
};
use crate::scenario::words::{Jump, Many, Partition, Role, Setting, Span, Table};
use kafka::ids::TopicPartition;
use kafka::time::Micros;

/// Draws the kinds of fault that this run has: some of the profile's.
pub fn kinds(draws: &Draws, profile: Profile) -> Vec<(FaultKind, u32)> {
    let draw = draws.about(Purpose::Kinds, 0);
    let all = profile.kinds();
    // Few in most runs, so that the same two come again and again; many in some.
    let wanted = draw.weighed(0, &[(2u64, 1), (3, 3), (4, 3), (6, 3), (8, 2)]);
    let mut chosen: Vec<(FaultKind, u32)> = Vec::new();
    for number in 0..wanted {
        let mut left: Vec<(FaultKind, u32)> =
            all.iter().filter(|(kind, _)| chosen.iter().all(|(known, _)| known != kind)).copied().collect();
        // Leaders that change and messages that are late are dangerous together: most runs have one of each.
        let family = match number {
            0 => Some(Family::Change),
            1 => Some(Family::Late),
            _ => None,
        };
        let of_family = |kind: FaultKind| family.is_none_or(|family| kind.family() == family);
        if left.iter().any(|(kind, _)| of_family(*kind)) && !draw.one_in(20 + number.min(2) as usize, 4) {
            left.retain(|(kind, _)| of_family(*kind));
        }
        if left.is_empty() {
            break;
        }
        let kind = draw.weighed(1 + number as usize, &left);
        chosen.push((kind, all.iter().find(|(known, _)| *known == kind).expect("it was drawn").1));
    }
    chosen
}

/// Draws the moments around which faults happen.
pub fn moments(draws: &Draws, window: Micros) -> Vec<Micros> {
    let draw = draws.about(Purpose::Moments, 0);
    let count = draw.weighed(0, &[(1, 3), (2, 4), (3, 2)]);
    let within = window.0 / 1000;
    (0..count).map(|number| Micros(draw.between(1 + number, 500, within - 500) * 1000)).collect()
}

/// An operator's command waits for a leader so long, and is forgotten then.
pub const PATIENCE: Micros = Micros(500_000);

/// Somebody who waits for a broker to be gone, or to be back, waits at most so long.
const LONG_PATIENCE: Micros = Micros(20_000_000);

/// What the faults of a run are about: where somebody has been touched, he is touched again.
#[derive(Copy, Clone, Debug)]
pub struct About {
    /// The partition, if not any.
    pub focus: Option<usize>,
    /// The broker that most of it happens to, if not any.
    pub victim: Option<i32>,
}

/// A fault that is being drawn.
pub struct Drawing<'a> {
    shape: &'a Shape,
    draw: Draw,
    /// A name for what it holds.
    name: String,
    about: About,
    /// How many leader epochs it brings, if nothing comes between.
    pub epochs: i32,
    /// Its steps, each so long after it begins.
    pub planned: Vec<Planned>,
}

/// What faults are drawn from.
pub struct Faults<'a> {
    /// The draws.
    pub draws: &'a Draws,
    /// The cluster.
    pub shape: &'a Shape,
    /// The kinds of fault that this run has.
    pub kinds: &'a [(FaultKind, u32)],
    /// Around which moments.
    pub moments: &'a [Micros],
    /// How long faults last.
    pub window: Micros,
    /// What they are about.
    pub about: About,
}

impl Faults<'_> {
    /// Draws the `ordinal`-th fault: its steps, each at its moment. Empty if the budget refuses it.
    pub fn draw(&self, ordinal: u32, budget: &mut Budget) -> (FaultKind, Vec<Planned>) {
        let draw = self.draws.about(Purpose::Fault, ordinal);
        let kind = draw.weighed(0, self.kinds);
        let at = if draw.up_to(1, 4) > 0 {
            let moment = draw.of(2, self.moments).0 + draw.up_to(3, 2_000) * 1000;
            Micros(moment.saturating_sub(400_000))
        } else {
            Micros(draw.up_to(3, self.window.0 / 1000) * 1000)
        };
        let mut drawing = Drawing::new(self.shape, draw, format!("h{}", ordinal + 1), self.about);
        drawing.make(kind, budget);
        (kind, drawing.planned.into_iter().map(|(after, step)| (at + after, step)).collect())
    }
}

impl Drawing<'_> {
    /// One of which nothing is drawn yet.
    pub fn new(shape: &Shape, draw: Draw, name: String, about: About) -> Drawing<'_> {
        Drawing { shape, draw, name, about, epochs: 1, planned: Vec::new() }
    }

    fn now(&mut self, step: Step) {
        self.planned.push((Micros::ZERO, step));
    }

    fn later(&mut self, after: Micros, step: Step) {
        self.planned.push((after, step));
    }

    /// How long it lasts: a moment, a while, or so long that others notice.
    fn lasts(&self, place: usize) -> Micros {
        let millis = match self.draw.up_to(place, 2) {
            0 => self.draw.between(place + 1, 2, 200),
            1 => self.draw.between(place + 1, 200, 3_000),
            _ => self.draw.between(place + 1, 2_000, 10_000),
        };
        Micros(millis * 1000)
    }

    /// What happens after something else: at once, or a little later. Uses one place.
    fn moment(&self, place: usize) -> Micros {
        Micros(self.draw.of(place, &[1, 3, 10, 30, 100, 300, 1_000]) * 1000)
    }

    /// How long a process is away: shorter or longer than its session.
    fn away(&self, place: usize) -> Micros {
        let session = self.shape.session.0 / 1000;
        let millis = match self.draw.up_to(place, 3) {
            0 => self.draw.between(place + 1, 20, session / 2),
            1 => self.draw.between(place + 1, session / 2, session + 500),
            _ => self.draw.between(place + 1, session, session + 6_000),
        };
        Micros(millis * 1000)
    }

    /// A partition and its replicas.
    fn partition(&self, place: usize) -> &(TopicPartition, Vec<i32>) {
        let last = self.shape.partitions.len() as u64 - 1;
        let any = self.draw.up_to(place, last) as usize;
        &self.shape.partitions[self.about.focus.unwrap_or(any)]
    }

    /// A broker that holds a replica: more than half of the time the one that it all happens to.
    fn broker(&self, place: usize) -> u32 {
        let (_, replicas) = self.partition(place);
        let mut among = replicas.clone();
        among.extend(replicas.iter().filter_map(|_| self.about.victim));
        self.draw.of(place + 1, &among) as u32
    }

    /// A broker, by its role at that moment or by name.
    fn whom(&self, place: usize) -> Role {
        let (partition, _) = *self.partition(place);
        match self.draw.up_to(place + 2, 7) {
            0..3 => Role::Leader(partition),
            3 => Role::Follower(partition, 0),
            4 => Role::Controller,
            _ => Role::Node(broker(self.broker(place))),
        }
    }

    /// Two brokers that hold replicas of one partition, or any two.
    fn pair(&self, place: usize) -> (Role, Role) {
        let (_, replicas) = self.partition(place);
        let order = if replicas.len() > 1 && self.draw.up_to(place + 1, 3) > 0 {
            self.draw.shuffled(place + 2, replicas)
        } else {
            let all: Vec<i32> = (0..self.shape.brokers as i32).collect();
            self.draw.shuffled(place + 2, &all)
        };
        let (mut one, mut other) = (order[0], order[1]);
        // One of them is who it all happens to.
        if let Some(victim) = self.about.victim.filter(|victim| ![one, other].contains(victim)) {
            *(if self.draw.one_in(23, 2) { &mut one } else { &mut other }) = victim;
        }
        (node(one as u32), node(other as u32))
    }

    fn restart_all(&mut self, after: Micros) {
        for id in 0..self.shape.brokers {
            self.later(after, Step::Restart(node(id)));
        }
    }

    /// All that are down start, so long after one of these is.
    fn restart_once_down(&mut self, these: &[u32], after: Micros) {
        let gone = |id: &u32| Condition::Not(Box::new(Condition::Alive(node(*id))));
        let condition = Condition::Any(these.iter().map(gone).collect());
        let steps = (0..self.shape.brokers).map(|id| Step::Restart(node(id))).collect();
        let (within, after) = (Some(Span(LONG_PATIENCE)), Some(Span(after)));
        self.later(Micros(1000), Step::When(When { within, after, ..When::at_once(condition, steps) }));
    }

    /// What is held is let go so long after a broker is in the ISR again.
    fn release_once_back(&mut self, of: TopicPartition, id: u32, armed: Micros, after: Micros) {
        let back = ReplicaIs { in_isr: Some(true), ..ReplicaIs::any(node(id), Partition(of)) };
        let back = Condition::All(vec![Condition::Alive(node(id)), Condition::Replica(back)]);
        let (within, after) = (Some(Span(LONG_PATIENCE)), Some(Span(after)));
        let steps = vec![Step::Release(self.name.clone())];
        self.later(armed, Step::When(When { within, after, ..When::at_once(back, steps) }));
    }

    fn resume_all(&mut self, after: Micros) {
        for id in 0..self.shape.brokers {
            self.later(after, Step::Resume(node(id)));
        }
        self.later(after, Step::Resume(Role::Node("consumer-1".to_owned())));
    }

    fn messages(&self, api: Option<&str>, from: Option<Role>, to: Option<Role>, response: bool) -> Messages {
        let (api, name) = (api.map(str::to_owned), Some(self.name.clone()));
        Messages { api, from, to, response, count: None, name }
    }

    fn hold(&mut self, messages: Messages, place: usize) {
        self.now(Step::Hold(messages));
        self.release(place);
    }

    fn release(&mut self, place: usize) {
        let (after, name) = (self.lasts(place), self.name.clone());
        self.later(after, Step::Release(name));
    }

    /// An operator's command, given when there is a leader: nobody waits for its end.
    fn operate(&mut self, after: Micros, of: TopicPartition, step: Step) {
        let condition = Condition::Leader(LeaderIs { of: Partition(of), is: None, epoch: None });
        self.when(after, condition, step);
    }

    fn when(&mut self, after: Micros, condition: Condition, step: Step) {
        let when = When { within: Some(Span(PATIENCE)), ..When::at_once(condition, vec![step]) };
        self.later(after, Step::When(when));
    }

    /// Draws a fault of a kind. Nothing if the budget refuses it.
    pub fn make(&mut self, kind: FaultKind, budget: &mut Budget) {
        let draw = self.draw;
        match kind {
            FaultKind::Kill => {
                self.now(Step::Kill(self.whom(4)));
                self.restart_all(self.away(8));
            }
            FaultKind::Shutdown => {
                // It comes back at once, before anybody has looked, or after a while.
                let soon = Micros(draw.between(15, 1, 300) * 1000);
                let away = if draw.one_in(16, 2) { soon } else { self.away(8) };
                if draw.one_in(12, 2) {
                    // Its last request is late, and comes when it may be another broker by now.
                    let (of, id) = (self.partition(4).0, self.broker(4));
                    let messages = self.messages(Some("ControlledShutdown"), Some(node(id)), None, false);
                    self.now(Step::Hold(Messages { count: Some(1), ..messages }));
                    self.now(Step::Shutdown(node(id)));
                    self.restart_once_down(&[id], away);
                    if draw.one_in(13, 3) {
                        self.release(17);
                    } else {
                        let gone = Condition::Not(Box::new(Condition::Alive(node(id))));
                        let mut back = Drawing::new(self.shape, draw, self.name.clone(), self.about);
                        back.release_once_back(of, id, Micros::ZERO, self.moment(19));
                        let steps = back.planned.into_iter().map(|(_, step)| step).collect();
                        let within = Some(Span(LONG_PATIENCE));
                        self.later(Micros(1000), Step::When(When { within, ..When::at_once(gone, steps) }));
                    }
                } else {
                    self.now(Step::Shutdown(self.whom(4)));
                    let all: Vec<u32> = (0..self.shape.brokers).collect();
                    self.restart_once_down(&all, away);
                }
            }
            FaultKind::Pause => {
                let reader = draw.one_in(12, 8).then(|| Role::Node("consumer-1".to_owned()));
                self.now(Step::Pause(reader.unwrap_or_else(|| self.whom(4))));
                self.resume_all(self.away(8));
            }
            FaultKind::ExpireSession => self.now(Step::ExpireSession(self.whom(4))),
            FaultKind::MoveController => self.move_controller(),
            FaultKind::ElectPreferred => {
                let all = self.shape.partitions.iter().map(|(partition, _)| Partition(*partition)).collect();
                let (of, replicas) = self.partition(4).clone();
                let mut after = Micros::ZERO;
                if draw.up_to(5, 2) > 0 {
                    // First another replica becomes the preferred one.
                    let mut target = replicas.clone();
                    target.rotate_left(draw.up_to(6, replicas.len() as u64 - 1) as usize);
                    self.operate(after, of, Step::Reassign(Table(vec![(of.to_string(), target)])));
                    self.epochs = 2;
                    after = Micros(draw.between(12, 30, 600) * 1000);
                }
                self.operate(after, of, Step::ElectPreferred(Many(all)));
            }
            FaultKind::Reassign => self.reassign(),
            FaultKind::HoldControl => {
                let api = draw.weighed(
                    4,
                    &[
                        ("LeaderAndIsr", 4),
                        ("UpdateMetadata", 2),
                        ("StopReplica", 2),
                        ("ControlledShutdown", 1),
                    ],
                );
                let whom = Some(node(self.broker(5)));
                let (from, to) = if api == "ControlledShutdown" { (whom, None) } else { (None, whom) };
                let to = to.filter(|_| !draw.one_in(14, 7));
                let mut messages = self.messages(Some(api), from, to, draw.one_in(7, 4));
                if draw.in_ten(12, 3) {
                    // Each of them, rather than the first and all behind it.
                    let by = Span(Micros(draw.of(13, &[100, 500, 1_500, 3_000]) * 1000));
                    let Messages { api, from, to, response, count, name } = messages;
                    self.now(Step::Delay(Delay { api, from, to, response, count, name, by }));
                    self.release(8);
                } else {
                    messages.count = draw.one_in(13, 2).then_some(1);
                    self.hold(messages, 8);
                }
            }
            FaultKind::HoldFetch => {
                let (from, to) = self.pair(4);
                let reader = Role::Node("consumer-1".to_owned());
                let (from, to) = match draw.up_to(12, 9) {
                    0..4 => (Some(from), Some(to)),
                    4 => (Some(from), None),
                    5 => (None, Some(to)),
                    6 => (Some(reader), Some(to)),
                    _ => (None, None),
                };
                // Questions, answers, or both; and those that a follower has before it fetches.
                let which = draw.up_to(13, 2);
                let mut all = Vec::new();
                all.extend((which != 1).then_some(("Fetch", false)));
                all.extend((which != 0).then_some(("Fetch", true)));
                all.extend((draw.up_to(17, 2) > 0).then_some(("OffsetsForLeaderEpoch", which == 1)));
                for (number, (api, response)) in all.into_iter().enumerate() {
                    if number > 0 {
                        self.name += "+";
                    }
                    let messages = self.messages(Some(api), from.clone(), to.clone(), response);
                    self.hold(messages, 14);
                }
            }
            FaultKind::HoldEpochs => {
                let (from, to) = self.pair(4);
                let messages =
                    self.messages(Some("OffsetsForLeaderEpoch"), Some(from), Some(to), draw.one_in(13, 2));
                self.hold(messages, 14);
            }
            FaultKind::HoldIsr => {
                let from = node(self.broker(4));
                let messages = match draw.up_to(6, 2) {
                    0 => self.messages(
                        None,
                        Some(from),
                        Some(Role::Node("zookeeper".to_owned())),
                        draw.one_in(7, 2),
                    ),
                    _ => self.messages(Some("AlterPartition"), Some(from), None, draw.one_in(7, 2)),
                };
                self.hold(messages, 8);
            }
            FaultKind::Delay => {
                let (from, to) = self.pair(4);
                let api = draw.of(12, &[None, Some("Fetch"), Some("LeaderAndIsr"), Some("Produce")]);
                let by = Span(Micros(draw.of(13, &[3, 10, 40, 200, 1_000, 3_000]) * 1000));
                let from = (api == Some("Fetch") || draw.one_in(14, 2)).then_some(from);
                let Messages { api, from, to, response, count, name } =
                    self.messages(api, from, Some(to), draw.one_in(15, 2));
                self.now(Step::Delay(Delay { api, from, to, response, count, name, by }));
                self.release(16);
            }
            FaultKind::Drop => {
                let (from, to) = self.pair(4);
                let api = draw.of(12, &["Fetch", "LeaderAndIsr", "UpdateMetadata", "Produce"]);
                let from = (api == "Fetch").then_some(from);
                let messages = self.messages(Some(api), from, Some(to), draw.one_in(13, 2));
                let messages = Messages { count: Some(draw.between(14, 1, 3) as u32), ..messages };
                self.now(Step::Drop(messages));
                self.release(15);
            }
            FaultKind::Cut | FaultKind::CutOneWay => self.cut(kind == FaultKind::CutOneWay),
            FaultKind::CutFromZooKeeper => {
                let whom = node(self.broker(4));
                let (from, to) = (Many(vec![whom.clone()]), Many(vec![Role::Node("zookeeper".to_owned())]));
                self.now(Step::Cut(Cut { from: from.clone(), to: to.clone(), one_way: draw.one_in(6, 4) }));
                if draw.one_in(9, 3) {
                    // It has been silent for long: its session ends, and it does not hear of it.
                    self.now(Step::ExpireSession(whom));
                }
                self.later(self.away(7), Step::Heal(Link { from, to }));
            }
            FaultKind::SlowLink => {
                let (from, to) = self.pair(4);
                let (mut from, mut to) = (Many(vec![from]), Many(vec![to]));
                if draw.one_in(18, 3) {
                    // ZooKeeper is slow, for all.
                    from = Many(self.shape.broker_names().into_iter().map(Role::Node).collect());
                    to = Many(vec![Role::Node("zookeeper".to_owned())]);
                }
                let latency = Some(Span(Micros(draw.of(12, &[10, 50, 300]) * 1000)));
                let jitter = Some(Span(Micros(draw.of(13, &[1, 50, 500]) * 1000)));
                let one_way = draw.one_in(14, 2);
                let link = SlowLink { from, to, latency, jitter, bandwidth: None, one_way };
                self.now(Step::SlowLink(link.clone()));
                let (latency, jitter) = (Some(Span(Micros(1000))), Some(Span(Micros(1000))));
                self.later(self.lasts(15), Step::SlowLink(SlowLink { latency, jitter, ..link }));
            }
            FaultKind::Reset => {
                let (one, other) = self.pair(4);
                self.now(Step::Reset(Between { between: [one, other] }));
            }
            FaultKind::SlowCpu => {
                let node = node(self.broker(4));
                let factor = draw.of(6, &[10, 100, 1_000]);
                self.now(Step::SlowCpu(SlowCpu { node: node.clone(), factor }));
                self.later(self.lasts(7), Step::SlowCpu(SlowCpu { node, factor: 1 }));
            }
            FaultKind::PowerOff => {
                let id = self.broker(4);
                if budget.may_damage(id) {
                    let survives = draw.weighed(
                        6,
                        &[
                            (SurvivesWord::Nothing, 3),
                            (SurvivesWord::SomePrefix, 2),
                            (SurvivesWord::AnySubset, 1),
                            (SurvivesWord::TornTail, 2),
                        ],
                    );
                    let off = Step::PowerOff(PowerOff { node: node(id), survives });
                    self.now(off.clone());
                    let mut back = self.away(7);
                    self.later(back, Step::Restart(node(id)));
                    for place in [10, 14] {
                        // Power that is gone once goes again, perhaps while it starts; or the process ends.
                        if draw.one_in(place, 3) {
                            let again = back + Micros(draw.between(place + 1, 20, 5_000) * 1000);
                            self.later(again, off.clone());
                            back = again + self.away(place + 2);
                            self.later(back, Step::Restart(node(id)));
                        }
                    }
                }
            }
            FaultKind::SlowDisk => {
                let at = node(self.broker(4));
                // A thousand times slower, one start of a broker would outlast the run.
                let factor = draw.of(6, &[3, 10, 50]);
                self.now(Step::Disk(DiskStep { at: at.clone(), fault: Fault::Slow(factor) }));
                self.later(self.lasts(7), Step::Disk(DiskStep { at, fault: Fault::Slow(1) }));
            }
            FaultKind::DiskFails => {
                let at = node(self.broker(4));
                let fault = if draw.one_in(6, 2) { Fault::Broken } else { Fault::Full };
                self.now(Step::Disk(DiskStep { at: at.clone(), fault }));
                self.later(self.lasts(7), Step::Disk(DiskStep { at: at.clone(), fault: Fault::Mended }));
                self.later(self.lasts(7), Step::Restart(at));
            }
            FaultKind::WrittenBack => {
                let at = node(self.broker(4));
                self.now(Step::Disk(DiskStep { at, fault: Fault::WrittenBack }));
            }
            FaultKind::StepClock => {
                let by = Jump { millis: draw.of(6, &[-3_600_000, -5_000, 5_000, 3_600_000]) };
                self.now(Step::StepClock(StepClock { node: node(self.broker(4)), by }));
            }
            FaultKind::SetTopic => {
                let (of, _) = *self.partition(4);
                let (name, value) = draw.of(
                    5,
                    &[("segment.bytes", "500"), ("flush.messages", "2"), ("max.message.bytes", "100")],
                );
                let settings = Table(vec![(name.to_owned(), Some(Setting(value.to_owned())))]);
                let topic = of.topic.to_string();
                self.operate(Micros::ZERO, of, Step::Set(SetTopic { topic, settings }));
            }
            FaultKind::DeleteRecords => {
                let (of, _) = *self.partition(4);
                let before = draw.weighed(5, &[(-1, 2), (1, 1), (2, 1), (5, 1)]);
                let delete = DeleteRecords { of: Partition(of), before, refused: None };
                self.operate(Micros::ZERO, of, Step::DeleteRecords(delete));
            }
        }
    }

    /// An operator makes another broker the controller: because this one hangs, or until it is where he wants it.
    fn move_controller(&mut self) {
        let draw = self.draw;
        let controller = Condition::Controller(ControllerIs { is: None, epoch: None });
        let within = Some(Span(Micros(PATIENCE.0 / 4)));
        let mut delete = vec![Step::DeleteZnode("/controller".to_owned())];
        if draw.one_in(4, 3) {
            let after = Some(Span(Micros(draw.of(5, &[0, 0, 0, 1, 3, 10, 50, 400]) * 1000)));
            let again = When { after, ..When::at_once(controller.clone(), delete.clone()) };
            let none = Condition::Not(Box::new(controller.clone()));
            let again = When::at_once(none, vec![Step::When(When { within, ..again })]);
            delete.push(Step::When(When { within, ..again }));
        }
        let mut at = Micros::ZERO;
        if draw.one_in(8, 2) {
            self.now(Step::Pause(Role::Controller));
            at = Micros(draw.between(9, 5, 1_500) * 1000);
            self.resume_all(at + Micros(draw.between(10, 5, 1_500) * 1000));
        }
        let when = When { within: Some(Span(Micros(PATIENCE.0 / 4))), ..When::at_once(controller, delete) };
        self.later(at, Step::When(when));
    }

    fn reassign(&mut self) {
        let (of, replicas) = self.partition(4).clone();
        let mut target = self.draw.shuffled(6, &replicas);
        let others: Vec<i32> = (0..self.shape.brokers as i32).filter(|id| !replicas.contains(id)).collect();
        if !others.is_empty() && self.draw.one_in(5, 2) {
            target[0] = self.draw.of(12, &others);
        }
        if target.len() > 1 && self.draw.one_in(13, 2) {
            // One of them goes: rather who has been touched.
            let last = *target.last().expect("there are several");
            let leaves = self.about.victim.filter(|victim| target.contains(victim)).unwrap_or(last);
            target.retain(|id| *id != leaves);
        }
        let late = self.draw.one_in(18, 2);
        // And back: if a message is late, rather when others have tired of waiting for its answer.
        let mut back = self.draw.one_in(14, 2).then(|| self.lasts(15) + Micros(20_000));
        if let Some(request) = self.shape.request.filter(|_| late && self.draw.in_ten(23, 8)) {
            back = Some(request + Micros(self.draw.between(16, 100, 2_000) * 1000));
        }
        if late {
            // What the controller tells those who leave is late, and comes when they are at home again.
            let leaves = *replicas.iter().find(|id| !target.contains(id)).unwrap_or(&replicas[0]) as u32;
            let messages = self.messages(Some("StopReplica"), None, Some(node(leaves)), false);
            let count = (!self.draw.one_in(21, 4)).then_some(1);
            let at = Micros(self.draw.of(19, &[0, 0, 0, 0, 5, 40, 300]) * 1000);
            self.later(at, Step::Hold(Messages { count, ..messages }));
            match back {
                Some(back) => self.release_once_back(of, leaves, back + PATIENCE, self.moment(22)),
                None => {
                    let after = Micros(self.draw.between(20, 2_000, 12_000) * 1000);
                    self.later(after, Step::Release(self.name.clone()));
                }
            }
        }
        self.operate(Micros::ZERO, of, Step::Reassign(Table(vec![(of.to_string(), target)])));
        if let Some(after) = back {
            self.operate(after, of, Step::Reassign(Table(vec![(of.to_string(), replicas)])));
        }
    }

    fn cut(&mut self, one_way: bool) {
        let alone = self.broker(4);
        let others = (0..self.shape.brokers).filter(|id| *id != alone).map(node);
        let mut others: Vec<Role> = if self.draw.one_in(6, 2) {
            vec![self.draw.of(7, &others.collect::<Vec<_>>())]
        } else {
            others.collect()
        };
        if self.draw.one_in(8, 4) {
            others.push(Role::Node("zookeeper".to_owned()));
        }
        if self.draw.one_in(9, 4) {
            others.extend(self.shape.producers.iter().map(|(name, _)| Role::Node(name.clone())));
        }
        let (mut from, mut to) = (Many(vec![node(alone)]), Many(others));
        if self.draw.one_in(10, 2) {
            std::mem::swap(&mut from, &mut to);
        }
        self.now(Step::Cut(Cut { from: from.clone(), to: to.clone(), one_way }));
        self.later(self.lasts(11), Step::Heal(Link { from, to }));
    }
}

fn node(id: u32) -> Role {
    Role::Node(broker(id))
}
