//! `controller-fencing`: a controller that has been succeeded changes no partition's state any more.
//!
//! Whoever changes a leader raises the leader epoch and leaves his controller epoch beside it; a leader that changes its
//! ISR leaves both as they are. So a higher leader epoch beside a controller epoch below that of `/controller_epoch` was
//! written by a controller whose time is over.

use super::history::{Ghost, StateSeen};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::era::Release;
use kafka::ids::{ControllerEpoch, Offset};

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 18,
    name: "controller-fencing",
    claim: "a controller that has been succeeded changes no partition's state",
    also_called: "one writer of the metadata",
    kind: PropertyKind::Mechanism,
    since: Release::new(2, 1, 0),
    source: "KAFKA-6082",
    excused: "up to 2.0 a controller's writes depend on the version of the one znode alone",
};

pub(super) fn on_state(ghost: &Ghost, context: &mut Context<'_>) {
    if !context.in_force(&INFO) {
        return;
    }
    let Some((by, now)) = problem(ghost, context) else { return };
    let state = ghost.state.as_ref().expect("it has changed");
    let (leader, epoch) = (state.leader, state.leader_epoch);
    context.find(&INFO, ghost, Offset(i64::from(epoch.0)), || {
        vec![
            format!(
                "{}: leader {leader}, leader epoch {epoch} was written in controller epoch {by}.",
                ghost.partition
            ),
            format!("The controller epoch is {now}: the writer had been succeeded, and did not know."),
        ]
    });
}

/// The controller epoch that a change was made in, and that of now, if the first is over.
fn problem(ghost: &Ghost, context: &Context<'_>) -> Option<(ControllerEpoch, ControllerEpoch)> {
    let state = ghost.state.as_ref()?;
    let now = context.nodes.zookeeper().controller_epoch()?;
    is_of_the_past(state, now).then_some((state.controller_epoch, now))
}

/// Whether a state that has just been written was written by a controller whose time was over.
fn is_of_the_past(state: &StateSeen, now: ControllerEpoch) -> bool {
    state.elected && state.controller_epoch < now
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka::ids::{BrokerId, LeaderEpoch};

    #[test]
    fn a_leader_keeps_the_old_controller_epoch_and_an_old_controller_leaves_it() {
        for (elected, controller_epoch, wrong) in [(true, 1, true), (false, 1, false), (true, 2, false)] {
            let state = StateSeen {
                leader: BrokerId(1),
                leader_epoch: LeaderEpoch(3),
                isr: vec![BrokerId(1)],
                controller_epoch: ControllerEpoch(controller_epoch),
                elected,
            };
            assert_eq!(is_of_the_past(&state, ControllerEpoch(2)), wrong, "{state:?}");
        }
    }
}
