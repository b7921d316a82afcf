//! What the running event has asked ZooKeeper, and what becomes of the answers (`KafkaZkClient`, as the controller
//! uses it).
//!
//! 1. An event that needs ZooKeeper submits one or more operations and names the step that goes on with the results.
//!    Reads are pipelined in one submission. Writes go one submission each, every one tied to `/controller_epoch` in a
//!    multi where the era does so (rule `controller-writes`).
//! 2. Until all answers are in, the event waits, and every other event behind it.
//! 3. A guard that fails means that another controller has been elected: the event ends there.
//! 4. An expired session ends the event too. Up to 1.0 it only delays it: `ZkClient` repeats in the new session what
//!    the expiry interrupted.

use super::Step;
use crate::messages::zookeeper::{Op, OpResult, Stat, ZkError};
use crate::node::Env;
use crate::zookeeper::session::{Outcome, Session, SessionUser, Ticket};
use crate::zookeeper::znode::ZnodeData;

/// How the controller reaches ZooKeeper: the broker's session, or a tree in a test.
pub(super) trait Submit {
    /// Operations that succeed or fail one by one.
    fn submit(&mut self, ops: Vec<Op>, env: &mut Env<'_>) -> Ticket;
    /// Operations that succeed or fail together.
    fn submit_multi(&mut self, ops: Vec<Op>, env: &mut Env<'_>) -> Ticket;
}

impl Submit for Session {
    fn submit(&mut self, ops: Vec<Op>, env: &mut Env<'_>) -> Ticket {
        Session::submit(self, SessionUser::Controller, ops, env)
    }

    fn submit_multi(&mut self, ops: Vec<Op>, env: &mut Env<'_>) -> Ticket {
        Session::submit_multi(self, SessionUser::Controller, ops, env)
    }
}

/// What is lent for one step of the controller.
pub(super) struct Work<'a, 'e> {
    /// ZooKeeper.
    pub zk: &'a mut dyn Submit,
    /// Everything else.
    pub env: &'a mut Env<'e>,
}

/// How the operations of one submission hang together.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Form {
    /// Each on its own.
    OneByOne,
    /// A guard, then the write that counts.
    Guarded,
    /// All or nothing, and all results count.
    Together,
}

#[derive(Clone, Debug)]
struct Submission {
    form: Form,
    ops: Vec<Op>,
    ticket: Ticket,
    /// The operations that `ticket` is about; fewer than all if some had to be repeated in a new session.
    asked: Vec<usize>,
    results: Vec<Option<Result<OpResult, ZkError>>>,
}

/// What the running event waits for, and how it goes on.
#[derive(Clone, Debug)]
pub(super) struct Question {
    submissions: Vec<Submission>,
    then: Step,
}

/// Where a question stands.
#[derive(Clone, Debug)]
pub(super) enum Answers {
    /// Not all answers are in.
    Open,
    /// The session has expired before all could be answered.
    Expired,
    /// `/controller_epoch` has moved on: another controller has been elected.
    Moved,
    /// One result per operation asked for, and the step that takes them.
    All(Box<Step>, Outcome),
}

impl Question {
    /// Asks operations that succeed or fail one by one.
    pub fn one_by_one(ops: Vec<Op>, then: Step, w: &mut Work<'_, '_>) -> Question {
        Question { submissions: vec![Submission::new(Form::OneByOne, ops, w)], then }
    }

    /// Asks for operations that succeed or fail together.
    pub fn together(ops: Vec<Op>, then: Step, w: &mut Work<'_, '_>) -> Question {
        Question { submissions: vec![Submission::new(Form::Together, ops, w)], then }
    }

    /// Asks for writes, each tied to `guard` if there is one.
    pub fn writes(ops: Vec<Op>, guard: Option<Op>, then: Step, w: &mut Work<'_, '_>) -> Question {
        let Some(guard) = guard else {
            return Question::one_by_one(ops, then, w);
        };
        let submissions =
            ops.into_iter().map(|op| Submission::new(Form::Guarded, vec![guard.clone(), op], w)).collect();
        Question { submissions, then }
    }

    /// What was to be done with the answers.
    pub fn then(self) -> Step {
        self.then
    }

    /// Takes an answer; those to earlier questions, of events that ended, are ignored.
    pub fn answer(&mut self, ticket: Ticket, outcome: Outcome) {
        let Some(submission) = self.submissions.iter_mut().find(|submission| submission.ticket == ticket)
        else {
            return;
        };
        assert_eq!(submission.asked.len(), outcome.len(), "one result per operation");
        for (index, result) in submission.asked.drain(..).zip(outcome) {
            submission.results[index] = Some(result);
        }
    }

    /// Where it stands.
    pub fn answers(&self) -> Answers {
        let results = || self.submissions.iter().flat_map(|submission| &submission.results);
        if results().any(Option::is_none) {
            return Answers::Open;
        }
        if results().any(|result| *result == Some(Err(ZkError::SessionExpired))) {
            return Answers::Expired;
        }
        let mut outcome = Outcome::new();
        for submission in &self.submissions {
            let results = submission.results.iter().flatten();
            match submission.form {
                Form::OneByOne | Form::Together => outcome.extend(results.cloned()),
                Form::Guarded if submission.guard_failed() => return Answers::Moved,
                Form::Guarded => outcome.extend(results.skip(1).cloned()),
            }
        }
        Answers::All(Box::new(self.then.clone()), outcome)
    }

    /// Repeats in a new session what the expiry of the old one interrupted.
    pub fn repeat(&mut self, w: &mut Work<'_, '_>) {
        for submission in &mut self.submissions {
            submission.repeat(w);
        }
    }
}

impl Submission {
    fn new(form: Form, ops: Vec<Op>, w: &mut Work<'_, '_>) -> Submission {
        let ticket = match form {
            Form::OneByOne => w.zk.submit(ops.clone(), w.env),
            Form::Guarded | Form::Together => w.zk.submit_multi(ops.clone(), w.env),
        };
        Submission { form, ticket, asked: (0..ops.len()).collect(), results: vec![None; ops.len()], ops }
    }

    fn guard_failed(&self) -> bool {
        matches!(self.results.first(), Some(Some(Err(ZkError::BadVersion | ZkError::NoNode))))
    }

    fn repeat(&mut self, w: &mut Work<'_, '_>) {
        let lost = |result: &Option<_>| *result == Some(Err(ZkError::SessionExpired));
        if !self.results.iter().any(lost) {
            return;
        }
        match self.form {
            Form::OneByOne => {
                self.asked = (0..self.ops.len()).filter(|index| lost(&self.results[*index])).collect();
                let ops = self.asked.iter().map(|index| self.ops[*index].clone()).collect();
                self.ticket = w.zk.submit(ops, w.env);
            }
            Form::Guarded | Form::Together => {
                self.asked = (0..self.ops.len()).collect();
                self.ticket = w.zk.submit_multi(self.ops.clone(), w.env);
            }
        }
        for index in &self.asked {
            self.results[*index] = None;
        }
    }
}

/// The data that a read found, if the znode exists.
pub(super) fn data(result: &Result<OpResult, ZkError>) -> Option<(&ZnodeData, Stat)> {
    match result {
        Ok(OpResult::Data(data, stat)) => Some((data, *stat)),
        _ => None,
    }
}

/// The children that a read found.
pub(super) fn children(result: &Result<OpResult, ZkError>) -> &[String] {
    match result {
        Ok(OpResult::Children(names)) => names,
        _ => &[],
    }
}

/// A read of data.
pub(super) fn get(path: impl Into<std::sync::Arc<str>>, watch: bool) -> Op {
    Op::GetData { path: path.into(), watch }
}

/// A read of children, with a watch.
pub(super) fn list(path: &str) -> Op {
    Op::GetChildren { path: path.into(), watch: true }
}

/// A look whether a znode exists, with a watch.
pub(super) fn exists(path: &str) -> Op {
    Op::Exists { path: path.into(), watch: true }
}

/// A deletion, whatever the version.
pub(super) fn delete(path: impl Into<std::sync::Arc<str>>) -> Op {
    Op::Delete { path: path.into(), version: None }
}
