//! The controller (`KafkaController`), a part of every broker; active in the one that holds `/controller`.

use crate::config::BrokerConfig;
use crate::era::Era;
use crate::ids::{CallId, ControllerEpoch, NodeId};
use crate::messages::Response;
use crate::messages::alter_partition::AlterPartitionRequest;
use crate::messages::controlled_shutdown::ControlledShutdownRequest;
use crate::messages::zookeeper::WatchEvent;
use crate::node::{ChannelEvent, Disconnected, Env, ReplyTo};
use crate::time::Time;
use crate::zookeeper::session::{Outcome, Session, Ticket};

/// The controller part of a broker. All its ZooKeeper work goes through the broker's session.
#[derive(Clone, Debug)]
pub struct KafkaController {}

impl KafkaController {
    /// A controller that has not run for election yet. Its calls carry `CallId::new(part, _)`.
    pub fn new(config: &BrokerConfig, era: &Era, node: NodeId, part: u8) -> KafkaController {
        let _ = (config, era, node, part);
        todo!()
    }

    /// The broker has started and its session stands: watch `/controller` and run for it.
    pub fn startup(&mut self, session: &mut Session, env: &mut Env<'_>) {
        let _ = (session, env);
        todo!()
    }

    /// The session has expired.
    pub fn on_session_expired(&mut self, session: &mut Session, env: &mut Env<'_>) {
        let _ = (session, env);
        todo!()
    }

    /// A new session stands after an expiry, and the broker has registered again: run for `/controller`.
    pub fn on_new_session(&mut self, session: &mut Session, env: &mut Env<'_>) {
        let _ = (session, env);
        todo!()
    }

    /// A watch fired (any path; those of others are ignored).
    pub fn on_watch(&mut self, event: &WatchEvent, session: &mut Session, env: &mut Env<'_>) {
        let _ = (event, session, env);
        todo!()
    }

    /// A submission of `SessionUser::Controller` was answered.
    pub fn on_outcome(&mut self, ticket: Ticket, outcome: Outcome, session: &mut Session, env: &mut Env<'_>) {
        let _ = (ticket, outcome, session, env);
        todo!()
    }

    /// A `Channel::Controller` to a broker changed.
    pub fn on_channel(&mut self, to: NodeId, event: ChannelEvent, session: &mut Session, env: &mut Env<'_>) {
        let _ = (to, event, session, env);
        todo!()
    }

    /// A call of this part was answered.
    pub fn on_answer(
        &mut self,
        call: CallId,
        answer: Result<Response, Disconnected>,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        let _ = (call, answer, session, env);
        todo!()
    }

    /// A broker wants to stop. Replies itself, now or later.
    pub fn on_controlled_shutdown(
        &mut self,
        request: ControlledShutdownRequest,
        reply_to: ReplyTo,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        let _ = (request, reply_to, session, env);
        todo!()
    }

    /// A leader asks for another ISR. Replies itself, now or later.
    pub fn on_alter_partition(
        &mut self,
        request: AlterPartitionRequest,
        reply_to: ReplyTo,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        let _ = (request, reply_to, session, env);
        todo!()
    }

    /// Time has passed.
    pub fn on_wake(&mut self, session: &mut Session, env: &mut Env<'_>) {
        let _ = (session, env);
        todo!()
    }

    /// When it next wants to be woken.
    pub fn deadline(&self) -> Option<Time> {
        todo!()
    }

    /// Its epoch while it is the active controller.
    pub fn active_epoch(&self) -> Option<ControllerEpoch> {
        todo!()
    }
}
