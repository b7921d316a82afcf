//! Names become roles: whoever is killed because he leads is called the leader.

use super::Crew;
use super::bench::Bench;
use super::waits::best;
use crate::scenario::file::Scenario;
use crate::scenario::look::Look;
use crate::scenario::run::Fork;
use crate::scenario::step::Step;
use crate::scenario::words::Role;

/// All steps that do something to a node.
pub fn all<C: Crew>(bench: &mut Bench<'_, C>) {
    for index in 0..bench.plan().steps.len() {
        let mut step = bench.plan().steps[index].clone();
        let Some(role) = role_of(&mut step) else { continue };
        let Role::Node(name) = role.clone() else { continue };
        let Some(fork) = bench.forks().iter().find(|fork| fork.step == index) else { continue };
        let roles = roles(&name, fork);
        let plan = bench.plan();
        let with = |role: Role| {
            let mut plan = plan.clone();
            *role_of(&mut plan.steps[index]).expect("it has one") = role;
            plan
        };
        let candidates: Vec<Scenario> = roles.into_iter().map(with).collect();
        best(bench, "roles", &candidates, false);
    }
}

/// The node that a step is about, if a role may stand for it: one that is up.
fn role_of(step: &mut Step) -> Option<&mut Role> {
    match step {
        Step::Kill(role) | Step::Pause(role) | Step::Shutdown(role) | Step::ExpireSession(role) => Some(role),
        Step::PowerOff(off) => Some(&mut off.node),
        _ => None,
    }
}

/// The roles that a node plays: leader first, then controller.
fn roles(name: &str, now: &Fork) -> Vec<Role> {
    let look = Look(&now.world);
    let Some(node) = now.world.nodes.find(name) else { return Vec::new() };
    let leads = now.world.nodes.zookeeper().partitions().into_iter().map(Role::Leader);
    let all = leads.chain([Role::Controller]);
    all.filter(|role| look.find(role).is_ok_and(|found| found == node)).collect()
}
