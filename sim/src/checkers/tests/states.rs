//! Checkers of the partition states in ZooKeeper.

use super::*;
use crate::checkers::history::StateChange;
use kafka::ids::ControllerEpoch;

fn ids(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

impl Small {
    fn state(&mut self, change: &StateChange) -> Vec<&'static str> {
        let Small { nodes, history, ledger, force, findings, .. } = self;
        findings.clear();
        let mut context = Context { at: Time(5), event: EventId(1), nodes, ledger, force, findings };
        let ghost = history.ghost_mut(partition());
        one_active_controller::on_state(change, ghost, &mut context);
        isr_subset::on_state(ghost, &mut context);
        self.found()
    }
}

/// A change of the current controller, that of epoch 4.
fn change() -> StateChange {
    StateChange {
        partition: partition(),
        by_controller: true,
        controller_epoch: ControllerEpoch(4),
        newest_controller: ControllerEpoch(4),
        entered: Vec::new(),
    }
}

#[test]
fn one_active_controller() {
    let mut small = Small::new(["a0", "a0", "a0"], 0, 1).commit("a0");
    assert_eq!(small.state(&change()), [""; 0]);
    let deposed = StateChange { controller_epoch: ControllerEpoch(3), ..change() };
    assert_eq!(small.state(&deposed), ["one-active-controller"]);
    // A leader that writes its ISR leaves the epoch of whoever elected it.
    assert_eq!(small.state(&StateChange { by_controller: false, ..deposed }), [""; 0]);
}

#[test]
fn isr_subset() {
    for (leader, isr, assigned, broken) in [
        (1, vec![1, 2, 3], vec![1, 2, 3], false),
        (1, vec![1, 2, 9], vec![1, 2, 3], true),
        // A reassignment adds it, or removes it.
        (1, vec![1, 2, 9], vec![1, 2, 3, 9], false),
        (2, vec![1, 3], vec![1, 2, 3], true),
        // Nobody leads; and nobody is left.
        (-1, vec![1, 3], vec![1, 2, 3], false),
        (-1, vec![], vec![1, 2, 3], false),
        // The topic is being deleted.
        (1, vec![1, 2], vec![], false),
    ] {
        let mut small = Small::new(["a0", "a0", "a0"], 0, 1).commit("a0");
        let state = small.ghost().state.as_mut().expect("a state");
        (state.leader, state.isr, state.assigned) = (BrokerId(leader), ids(&isr), ids(&assigned));
        let found = small.state(&change());
        assert_eq!(!found.is_empty(), broken, "leader {leader}, ISR {isr:?} of {assigned:?}: {found:?}");
        assert!(found.iter().all(|name| *name == "isr-subset"));
    }
}

#[test]
fn eligible_isr() {
    let known = |member: BrokerId| member != BrokerId(3);
    assert_eq!(eligible_isr::ineligible(&ids(&[2, 3]), known), Some(BrokerId(3)));
    assert_eq!(eligible_isr::ineligible(&ids(&[1, 2]), known), None);
}
