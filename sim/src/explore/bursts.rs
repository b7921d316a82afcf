//! Bursts: faults that belong together, all about one partition, as in life: a message is late, a leader goes, somebody
//! writes, the next leader goes.
//!
//! A burst begins at a moment, or at something that happens: the n-th leader of the partition, a follower out of the ISR,
//! the second controller. Its acts follow each other after drawn gaps; some wait for what the one before has brought
//! about, a record that is acknowledged or the next leader. Each act is late messages, a change of leaders, or a write, by
//! the kinds of fault that this run has. What waits for a condition waits no longer than the faults last.

use super::budget::Budget;
use super::draw::{Draw, Draws, Purpose};
use super::faults::{About, Drawing, PATIENCE};
use super::profile::{Family, FaultKind};
use super::settings::{Shape, broker};
use super::workload::{Planned, batch, produce};
use crate::scenario::condition::{Condition, ControllerIs, IsrIs, LeaderIs, ReplicaIs};
use crate::scenario::step::{Fault, Step, When};
use crate::scenario::words::{Many, Partition, Role, Span};
use kafka::ids::TopicPartition;
use kafka::time::Micros;
use std::collections::{BTreeMap, BTreeSet};

/// A burst has at most so many rounds.
const MOST_ROUNDS: u64 = 4;

/// What a round is made of: late messages, a write, a change of leaders, another write.
const ACTS: u32 = 4;

/// Numbers of acts that a burst has for itself.
const MOST_ACTS: u32 = MOST_ROUNDS as u32 * ACTS;

/// What an act follows.
#[derive(Clone)]
enum Anchor {
    /// A moment of the plan.
    Moment(Micros),
    /// Something that happens.
    Happens(Box<Condition>),
}

/// A burst that is being drawn.
struct Going {
    /// What the next act follows.
    anchor: Anchor,
    /// After so long.
    offset: Micros,
    /// In which leader epoch, at least, if all has happened so far.
    epoch: i32,
    /// In which controller epoch, at least.
    controller_epoch: i32,
    /// The steps that take back what was done: after so many rounds more, and which gap then.
    held: Vec<(u64, Micros, Vec<Step>)>,
    /// The last kind of late messages, and of change.
    last: BTreeMap<&'static str, FaultKind>,
    planned: Vec<Planned>,
}

/// What bursts are drawn from.
pub struct Bursts<'a> {
    /// The draws.
    pub draws: &'a Draws,
    /// The cluster.
    pub shape: &'a Shape,
    /// The kinds of fault that this run has.
    pub kinds: &'a [(FaultKind, u32)],
    /// The partition that it is all about.
    pub focus: usize,
    /// The broker that most of it happens to.
    pub victim: i32,
    /// How long faults last.
    pub window: Micros,
}

impl Bursts<'_> {
    /// Draws the `number`-th burst.
    pub fn draw(&self, number: u32, budget: &mut Budget, had: &mut BTreeSet<FaultKind>) -> Vec<Planned> {
        let draw = self.draws.about(Purpose::Burst, number);
        let (anchor, epoch) = self.anchor(draw, number);
        let mut going = Going {
            anchor,
            offset: Micros::ZERO,
            epoch,
            controller_epoch: 1 + number as i32,
            held: Vec::new(),
            last: BTreeMap::new(),
            planned: Vec::new(),
        };
        if draw.one_in(4, 2) {
            let stream = self.stream(draw, number);
            self.add(&mut going, vec![(Micros::ZERO, stream)]);
        }
        for round in 0..draw.between(0, 2, MOST_ROUNDS) as u32 {
            let index = number * MOST_ACTS + round * ACTS;
            let about = self.draws.about(Purpose::Act, index);
            if about.in_ten(10, 7) {
                self.fault(&mut going, index, Family::Late, budget, had);
            }
            if about.in_ten(11, 6) {
                self.write(&mut going, index + 1);
            }
            let family = if about.one_in(12, 12) { Family::Other } else { Family::Change };
            self.fault(&mut going, index + 2, family, budget, had);
            if about.in_ten(13, 6) {
                self.write(&mut going, index + 3);
            }
            self.take_back(&mut going, false);
        }
        going.offset = going.offset + self.gap(draw, 5);
        self.take_back(&mut going, true);
        going.planned
    }

    /// What has lasted as many rounds as it should is taken back, or all: one after the other.
    fn take_back(&self, going: &mut Going, all: bool) {
        for (rounds, gap, steps) in std::mem::take(&mut going.held) {
            if rounds == 0 || all {
                going.offset = going.offset + gap;
                self.add(going, steps.into_iter().map(|step| (Micros::ZERO, step)).collect());
            } else {
                going.held.push((rounds - 1, gap, steps));
            }
        }
    }

    /// A fault of this family, if this run has any.
    fn fault(
        &self,
        going: &mut Going,
        index: u32,
        family: Family,
        budget: &mut Budget,
        had: &mut BTreeSet<FaultKind>,
    ) {
        let act = self.draws.about(Purpose::Act, index);
        going.offset = going.offset + self.gap(act, 0);
        let kinds: Vec<(FaultKind, u32)> =
            self.kinds.iter().filter(|(kind, _)| kind.family() == family).copied().collect();
        if kinds.is_empty() {
            return;
        }
        // What was done once is done again.
        let name = if family == Family::Late { "late" } else { "change" };
        let again = going.last.get(name).copied().filter(|_| act.one_in(6, 2));
        let kind = again.unwrap_or_else(|| act.weighed(3, &kinds));
        going.last.insert(name, kind);
        let draw = self.draws.about(Purpose::Fault, 1000 + index);
        let about = About { focus: Some(self.focus), victim: Some(self.victim) };
        let mut drawing = Drawing::new(self.shape, draw, format!("b{index}"), about);
        drawing.make(kind, budget);
        let mut planned = std::mem::take(&mut drawing.planned);
        // It may last for several rounds: then the burst takes it back.
        let mut held: BTreeMap<Micros, Vec<Step>> = BTreeMap::new();
        if act.one_in(4, 2) {
            let (ends, begins): (Vec<Planned>, Vec<Planned>) =
                planned.into_iter().partition(|(after, step)| *after > Micros::ZERO && takes_back(step));
            planned = begins;
            for (after, step) in ends {
                held.entry(after).or_default().push(step);
            }
        }
        if !self.add(going, planned) {
            return;
        }
        had.insert(kind);
        let rounds = act.weighed(7, &[(0u64, 2), (1, 4), (MOST_ROUNDS, 3)]);
        let gap = self.gap(act, 8);
        going.held.extend(held.into_values().map(|steps| (rounds, gap, steps)));
        if family != Family::Change {
            return;
        }
        going.epoch += drawing.epochs;
        going.controller_epoch += i32::from(kind == FaultKind::MoveController);
        // What comes next may wait for what this brings about.
        let of = Partition(self.focus().0);
        let (epoch, controller) = (going.epoch, going.controller_epoch);
        let led = |epoch| Condition::Leader(LeaderIs { of, is: None, epoch: Some(epoch) });
        let moved = |epoch| Condition::Controller(ControllerIs { is: None, epoch: Some(epoch) });
        let victim = Role::Node(broker(self.victim as u32));
        let back = |epoch| {
            let any = ReplicaIs::any(victim.clone(), of);
            Condition::Replica(ReplicaIs { in_isr: Some(true), leader_epoch: Some(epoch), ..any })
        };
        let any: Vec<Condition> = match act.up_to(5, 9) {
            0..6 if kind == FaultKind::MoveController => (controller..controller + 3).map(moved).collect(),
            0..6 => (epoch..epoch + 3).map(led).collect(),
            6 => (epoch..epoch + 3).map(back).collect(),
            _ => return,
        };
        going.anchor = Anchor::Happens(Box::new(Condition::Any(any)));
        going.offset = Micros::ZERO;
    }

    /// A write. What comes next may wait for its acknowledgement.
    fn write(&self, going: &mut Going, index: u32) {
        let act = self.draws.about(Purpose::Act, index);
        going.offset = going.offset + self.gap(act, 0);
        let value = format!("y{}", 1 + index);
        let mut step = produce(self.shape, act.up_to(3, 7) as usize, self.focus);
        if act.one_in(4, 4) {
            step.values = Some(batch(&value));
        } else {
            step.value = Some(value.clone());
        }
        let is_there = self.add(going, vec![(Micros::ZERO, Step::Produce(step))]);
        if is_there && act.one_in(5, 4) {
            going.anchor = Anchor::Happens(Box::new(Condition::Acked(Many(vec![value]))));
            going.offset = Micros::ZERO;
        }
    }

    /// Somebody writes all the while.
    fn stream(&self, draw: Draw, number: u32) -> Step {
        let mut step = produce(self.shape, draw.up_to(7, 7) as usize, self.focus);
        let letter = char::from(b'p' + number as u8);
        step.values = Some((1..=60).map(|number| format!("{letter}{number}")).collect());
        step.every = Some(Span(Micros(draw.of(8, &[50_000, 100_000, 200_000]))));
        Step::Produce(step)
    }

    /// Steps follow the anchor. Says whether there are any, and time enough for them.
    fn add(&self, going: &mut Going, steps: Vec<Planned>) -> bool {
        let anchored = self.anchored(&going.anchor, going.offset, steps);
        let any = !anchored.is_empty();
        going.planned.extend(anchored);
        any
    }

    fn focus(&self) -> &(TopicPartition, Vec<i32>) {
        &self.shape.partitions[self.focus]
    }

    /// Where a burst begins, and in which leader epoch, if nothing else has happened.
    fn anchor(&self, draw: Draw, number: u32) -> (Anchor, i32) {
        let (partition, replicas) = self.focus();
        let of = Partition(*partition);
        let member = broker(draw.of(1, replicas) as u32);
        let condition = match draw.up_to(2, 11) {
            0..4 => {
                let last = self.window.0 / 1000 * 2 / 3;
                return (Anchor::Moment(Micros(draw.between(3, 300, last) * 1000)), number as i32);
            }
            4..8 => {
                let epoch = draw.weighed(3, &[(1, 4), (2, 3), (3, 2), (4, 1)]);
                return (
                    Anchor::Happens(Box::new(Condition::Leader(LeaderIs {
                        of,
                        is: None,
                        epoch: Some(epoch),
                    }))),
                    epoch,
                );
            }
            8 => Condition::Controller(ControllerIs { is: None, epoch: Some(2) }),
            9 => Condition::Isr(IsrIs { of, is: Many(vec![Role::Node(member)]) }),
            10 => Condition::Replica(ReplicaIs {
                in_isr: Some(false),
                ..ReplicaIs::any(Role::Node(member), of)
            }),
            _ => Condition::Not(Box::new(Condition::Alive(Role::Node(member)))),
        };
        (Anchor::Happens(Box::new(condition)), number as i32 + 1)
    }

    /// The time between two acts: as long as a message takes, a fetch, a time-out, or a session.
    fn gap(&self, draw: Draw, place: usize) -> Micros {
        let session = self.shape.session.0 / 1000;
        let millis = match draw.up_to(place, 9) {
            0..4 => draw.between(place + 1, 1, 20),
            4..7 => draw.between(place + 1, 20, 300),
            7..9 => draw.between(place + 1, 300, 1_500),
            _ => draw.between(place + 1, session, session + 1_000),
        };
        Micros(millis * 1000)
    }

    /// Steps at their moments after an anchor. Those that begin something wait no longer than the faults last.
    fn anchored(&self, anchor: &Anchor, offset: Micros, steps: Vec<Planned>) -> Vec<Planned> {
        let condition = match anchor {
            Anchor::Moment(moment) => {
                return steps.into_iter().map(|(after, step)| (*moment + offset + after, step)).collect();
            }
            Anchor::Happens(condition) => condition,
        };
        // Its ends may come when faults are over, and do no harm then; its beginnings may not.
        let begins = steps.iter().filter(|(_, step)| !ends(step)).map(|(after, _)| *after).max();
        let last = offset + begins.unwrap_or(Micros::ZERO) + PATIENCE;
        let Some(within) = self.window.0.checked_sub(last.0).filter(|within| *within > 0) else {
            return Vec::new();
        };
        let mut planned: Vec<Planned> = Vec::new();
        let mut moments: Vec<Micros> = steps.iter().map(|(after, _)| *after).collect();
        moments.sort();
        moments.dedup();
        for moment in moments {
            let steps = steps.iter().filter(|(after, _)| *after == moment);
            let steps: Vec<Step> = steps.map(|(_, step)| step.clone()).collect();
            let after = offset + moment;
            planned.push((
                Micros::ZERO,
                Step::When(When {
                    condition: (**condition).clone(),
                    within: Some(Span(Micros(within))),
                    after: (after > Micros::ZERO).then_some(Span(after)),
                    steps,
                }),
            ));
        }
        planned
    }
}

/// Whether a step takes back what another has done, and nothing else.
pub fn ends(step: &Step) -> bool {
    match step {
        Step::Restart(_) | Step::Resume(_) | Step::Release(_) | Step::Heal(_) => true,
        Step::When(when) => when.steps.iter().all(ends),
        _ => false,
    }
}

/// Whether a step of a fault, later than its first, takes back what that has done.
fn takes_back(step: &Step) -> bool {
    match step {
        Step::When(_) => false,
        Step::SlowLink(_) => true,
        Step::SlowCpu(slow) => slow.factor == 1,
        Step::Disk(disk) => matches!(disk.fault, Fault::Mended | Fault::Slow(1)),
        step => ends(step),
    }
}
