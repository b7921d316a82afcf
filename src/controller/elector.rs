//! The race for `/controller` (`elect`, `maybeResign`, `onControllerResignation`; `ZookeeperLeaderElector` in 0.10.2).
//!
//! 1. Look at `/controller`, with a watch. A controller that finds another's name there resigns.
//! 2. If it is not there, run: create it, ephemeral, and raise `/controller_epoch`. The first controller ever creates that
//!    too. Up to 2.0 these are writes one after the other; from 2.1 one multi, so that nobody holds `/controller` without
//!    the epoch to it (rule `controller-election`).
//! 3. Who comes second follows and keeps watching. Who is told of a controller and finds none has missed that it went
//!    (rule `missed-deletion`).
//! 4. Who wins takes over ([`super::failover`]).
//!
//! A connection that was lost meanwhile may have hidden one's own success: who finds its own name wins all the same.

use super::calls::{self, Question, Work};
use super::{FailoverStep, KafkaController, Step};
use crate::ids::{BrokerId, ControllerEpoch, ZkVersion};
use crate::messages::zookeeper::{Op, OpResult, Stat, ZkError};
use crate::note::{ControllerNote, Note};
use crate::rules::controller_election::FirstMove;
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{CONTROLLER, CONTROLLER_EPOCH, ZnodeData};

/// What is left to do of the race.
#[derive(Clone, Debug)]
pub(super) enum ElectorStep {
    /// Look at `/controller`, and run for it if it is not there and `then_run`.
    Look {
        /// Whether to run.
        then_run: bool,
    },
    /// It has been looked at.
    Looked {
        /// Whether to run.
        then_run: bool,
    },
    /// `/controller` has been created, or not (up to 2.0).
    Registered,
    /// It was there already: whose is it?
    RegisteredByWhom,
    /// `/controller_epoch` has been read by who holds `/controller` (up to 2.0).
    EpochReadByHolder,
    /// And raised, or not.
    EpochRaised(ControllerEpoch),
    /// `/controller_epoch` has been read by who runs (from 2.1).
    EpochReadByRunner,
    /// It was not there and has been created, or not.
    EpochCreated,
    /// Both have been written, or neither.
    Elected(ControllerEpoch),
    /// Neither: whose is `/controller`, and what is the epoch?
    ElectedByWhom(ControllerEpoch),
    /// The session has expired.
    Expire,
}

fn controller(data: Option<(&ZnodeData, Stat)>) -> Option<BrokerId> {
    match data {
        Some((ZnodeData::Controller { broker, .. }, _)) => Some(*broker),
        _ => None,
    }
}

fn epoch(result: &Result<OpResult, ZkError>) -> Option<(ControllerEpoch, ZkVersion)> {
    match calls::data(result) {
        Some((ZnodeData::ControllerEpoch(epoch), stat)) => Some((*epoch, stat.version)),
        _ => None,
    }
}

fn create_epoch(epoch: ControllerEpoch) -> Op {
    let data = ZnodeData::ControllerEpoch(epoch);
    Op::Create { path: CONTROLLER_EPOCH.into(), data, ephemeral: false, sequential: false }
}

fn set_epoch(epoch: ControllerEpoch, version: ZkVersion) -> Op {
    let data = ZnodeData::ControllerEpoch(epoch);
    Op::SetData { path: CONTROLLER_EPOCH.into(), data, version: Some(version) }
}

impl KafkaController {
    /// Goes on with the race.
    pub(super) fn elector(&mut self, step: ElectorStep, outcome: Outcome, w: &mut Work<'_, '_>) {
        match step {
            ElectorStep::Look { then_run } => {
                let reads = vec![calls::exists(CONTROLLER), calls::get(CONTROLLER, false)];
                self.ask(reads, Step::Elector(ElectorStep::Looked { then_run }), w);
            }
            ElectorStep::Looked { then_run } => {
                self.controller_seen(controller(calls::data(&outcome[1])), w);
                if then_run && self.active_controller.is_none() {
                    self.run_for_controller(w);
                }
            }
            ElectorStep::Registered => match outcome[0] {
                Ok(_) => self.hold_controller(w),
                Err(_) => {
                    let reads = vec![calls::get(CONTROLLER, false)];
                    self.ask(reads, Step::Elector(ElectorStep::RegisteredByWhom), w);
                }
            },
            ElectorStep::RegisteredByWhom => match controller(calls::data(&outcome[0])) {
                Some(holder) if holder == self.id => self.hold_controller(w),
                holder => self.controller_seen(holder, w),
            },
            ElectorStep::EpochReadByHolder => {
                let (new, op) = match epoch(&outcome[0]) {
                    Some((ControllerEpoch(old), version)) => {
                        (ControllerEpoch(old + 1), set_epoch(ControllerEpoch(old + 1), version))
                    }
                    None => (ControllerEpoch(1), create_epoch(ControllerEpoch(1))),
                };
                self.ask(vec![op], Step::Elector(ElectorStep::EpochRaised(new)), w);
            }
            ElectorStep::EpochRaised(epoch) => match &outcome[0] {
                Ok(OpResult::Set(stat)) => self.win(epoch, stat.version, w),
                Ok(_) => self.win(epoch, ZkVersion(0), w),
                Err(error) => self.give_controller_up(*error, w),
            },
            ElectorStep::EpochReadByRunner => match epoch(&outcome[0]) {
                Some((ControllerEpoch(old), version)) => {
                    self.run_by_multi(ControllerEpoch(old + 1), version, w)
                }
                None => {
                    let create = vec![create_epoch(ControllerEpoch(0))];
                    self.ask(create, Step::Elector(ElectorStep::EpochCreated), w);
                }
            },
            // Whoever created it: it can be read now.
            ElectorStep::EpochCreated => self.read_epoch(ElectorStep::EpochReadByRunner, w),
            ElectorStep::Elected(epoch) => match outcome.get(1) {
                Some(Ok(OpResult::Set(stat))) => self.win(epoch, stat.version, w),
                _ => {
                    let reads = vec![calls::get(CONTROLLER, false), calls::get(CONTROLLER_EPOCH, false)];
                    self.ask(reads, Step::Elector(ElectorStep::ElectedByWhom(epoch)), w);
                }
            },
            ElectorStep::ElectedByWhom(new) => {
                let holder = controller(calls::data(&outcome[0]));
                match epoch(&outcome[1]) {
                    Some((current, version)) if holder == Some(self.id) && current == new => {
                        self.win(new, version, w);
                    }
                    _ => self.next(vec![Step::Elector(ElectorStep::Look { then_run: false })]),
                }
            }
            ElectorStep::Expire => {
                if self.is_active() {
                    self.resign(w);
                }
                self.active_controller = None;
            }
        }
    }

    /// A guarded write has failed: another controller has been elected (`ControllerMovedException`).
    pub(super) fn controller_moved(&mut self, w: &mut Work<'_, '_>) {
        w.env.note(|| {
            let (path, error) = (CONTROLLER_EPOCH.to_owned(), ZkError::BadVersion);
            Note::Controller(ControllerNote::WriteRefused { path, error })
        });
        self.abandon_event(w.env);
        self.next(vec![Step::Elector(ElectorStep::Look { then_run: false })]);
    }

    fn controller_seen(&mut self, controller: Option<BrokerId>, w: &mut Work<'_, '_>) {
        if self.is_active() && controller != Some(self.id) {
            self.resign(w);
        }
        if let Some(controller) = controller
            && controller != self.id
            && self.active_controller != Some(controller)
        {
            w.env.note(|| Note::Controller(ControllerNote::Follows { controller }));
        }
        self.active_controller = controller;
    }

    fn run_for_controller(&mut self, w: &mut Work<'_, '_>) {
        match self.era.rules.controller_election.first_move() {
            FirstMove::Register => {
                let create = vec![self.create_controller(w)];
                self.ask(create, Step::Elector(ElectorStep::Registered), w);
            }
            FirstMove::ReadEpoch => self.read_epoch(ElectorStep::EpochReadByRunner, w),
        }
    }

    fn create_controller(&self, w: &Work<'_, '_>) -> Op {
        let data = ZnodeData::Controller { broker: self.id, timestamp: w.env.wall };
        Op::Create { path: CONTROLLER.into(), data, ephemeral: true, sequential: false }
    }

    fn read_epoch(&mut self, then: ElectorStep, w: &mut Work<'_, '_>) {
        self.ask(vec![calls::get(CONTROLLER_EPOCH, false)], Step::Elector(then), w);
    }

    fn hold_controller(&mut self, w: &mut Work<'_, '_>) {
        self.read_epoch(ElectorStep::EpochReadByHolder, w);
    }

    fn run_by_multi(&mut self, epoch: ControllerEpoch, over: ZkVersion, w: &mut Work<'_, '_>) {
        let ops = vec![self.create_controller(w), set_epoch(epoch, over)];
        self.question = Some(Question::together(ops, Step::Elector(ElectorStep::Elected(epoch)), w));
    }

    fn win(&mut self, epoch: ControllerEpoch, version: ZkVersion, w: &mut Work<'_, '_>) {
        self.active_controller = Some(self.id);
        self.context.epoch = epoch;
        self.context.epoch_version = version;
        w.env.note(|| Note::Controller(ControllerNote::Elected { epoch }));
        self.next(vec![Step::Failover(FailoverStep::Watch)]);
    }

    /// Holds `/controller` without having been able to raise the epoch: lets go of it (`triggerControllerMove`).
    fn give_controller_up(&mut self, error: ZkError, w: &mut Work<'_, '_>) {
        self.write_refused(CONTROLLER_EPOCH, error, w);
        self.active_controller = None;
        self.ask(vec![calls::delete(CONTROLLER)], Step::Done, w);
    }

    /// Controller no more (`onControllerResignation`): forgets everything and closes its connections.
    fn resign(&mut self, w: &mut Work<'_, '_>) {
        let epoch = self.context.epoch;
        w.env.note(|| Note::Controller(ControllerNote::Resigned { epoch }));
        self.channels.shutdown(w.env);
        self.batch.clear();
        self.rebalance_at = None;
        self.context = Default::default();
    }
}
