//! `isr-shrinks`: who lags for longer than `replica.lag.time.max.ms` does not stay in the ISR.
//!
//! The leader looks every half of that time. A member that has not yet what the leader had at some moment was last caught
//! up before it; so the first look that is later by more than the time allowed has to propose an ISR without it. The
//! checker takes such moments one after the other, as many as a member needs to catch up, and waits for one look more.
//!
//! While a change of the ISR is under way, nothing else can be proposed. The leader reads its wall clock: once that was
//! moved, nothing is said.

use super::history::{Change, Ghost};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::broker::view::{ReplicaView, Role};
use kafka::era::Release;
use kafka::ids::{BrokerId, LeaderEpoch, NodeId, Offset};
use kafka::time::{Micros, Time};
use std::collections::BTreeSet;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 30,
    name: "isr-shrinks",
    claim: "a member of the ISR that lags for longer than replica.lag.time.max.ms is proposed to leave it",
    broken: "a replica that lags stays in the ISR",
    also_called: "",
    kind: PropertyKind::Mechanism,
    since: Release::new(2, 7, 0),
    source: "KIP-497; before, the leader waits for ZooKeeper in the middle of its look",
    excused: "while a change of the ISR is under way; a leader whose wall clock was moved",
};

/// Since when a member of the ISR has not had what its leader had then.
#[derive(Clone, Debug)]
pub struct Behind {
    leader: NodeId,
    member: BrokerId,
    /// Of the leader.
    life: u32,
    epoch: LeaderEpoch,
    /// The leader's log end of that time.
    end: Offset,
    since: Time,
}

/// The wall clocks that were moved.
pub type Moved = BTreeSet<NodeId>;

pub(super) fn on_change(
    change: &Change,
    view: &ReplicaView<'_>,
    moved: &Moved,
    ghost: &mut Ghost,
    context: &mut Context<'_>,
) {
    if view.role != Role::Leader || !context.in_force(&INFO) || moved.contains(&change.node) {
        return;
    }
    let leader = change.node;
    let Some(broker) = context.nodes.broker(leader) else { return };
    let Some((looked, most)) = broker.lag_check(ghost.partition) else {
        return ghost.behind.retain(|behind| behind.leader != leader);
    };
    let (life, epoch, end) = (context.nodes.slot(leader).life, view.leader_epoch, view.log.end_offset());
    ghost.behind.retain(|behind| {
        behind.leader != leader
            || (behind.life, behind.epoch) == (life, epoch) && view.isr.contains(&behind.member)
    });
    for remote in view.followers.iter().filter(|remote| view.isr.contains(&remote.broker)) {
        let now = Behind { leader, member: remote.broker, life, epoch, end, since: context.at };
        let known =
            ghost.behind.iter().position(|behind| (behind.leader, behind.member) == (leader, remote.broker));
        match known {
            None => ghost.behind.push(now),
            Some(index) if remote.log_end >= ghost.behind[index].end => ghost.behind[index] = now,
            Some(index) if looked > ghost.behind[index].since + allowed(most) => {
                let since = std::mem::replace(&mut ghost.behind[index], now).since;
                report(remote.broker, leader, (since, looked), ghost, context);
            }
            Some(_) => {}
        }
    }
}

/// After so long a look must have found who lags: the time allowed, one look more, and what milliseconds round off.
pub(super) fn allowed(most: Micros) -> Micros {
    Micros(most.0 + most.0 / 2 + 2_000)
}

fn report(
    member: BrokerId,
    leader: NodeId,
    (since, looked): (Time, Time),
    ghost: &Ghost,
    context: &mut Context<'_>,
) {
    let leader = context.nodes.name(leader).to_owned();
    let node = context.nodes.broker_node(member);
    let name = node.map_or("a broker", |node| context.nodes.name(node)).to_owned();
    context.find(&INFO, ghost, ghost.committed_end(), || {
        vec![format!(
            "{}: {name} still lacks what {leader} had at {} ms, and is in the ISR after the look at {} ms.",
            ghost.partition,
            since.millis(),
            looked.millis()
        )]
    });
}
