//! Leader elections as pure decisions (`Election`, `PartitionLeaderElectionAlgorithms`, `PartitionLeaderSelector`).
//!
//! | strategy            | leader: the first of these that is live and in the ISR  | ISR afterwards                     |
//! |---------------------|---------------------------------------------------------|------------------------------------|
//! | offline             | the assignment; or unclean: any live one                | its live members; unclean: leader  |
//! | preferred           | the first assigned replica                              | *unchanged*                        |
//! | reassignment        | the target replicas                                     | *unchanged*                        |
//! | controlled shutdown | the assignment, without brokers that shut down          | without brokers that shut down     |
//!
//! Left out: leader recovery state (KIP-704), and the UNCLEAN election that an admin client may ask for (KIP-460).

use crate::ids::BrokerId;
use crate::rules::Rules;

/// Which election.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Strategy {
    /// The leader is gone, or there never was one.
    Offline,
    /// The partition moves to other replicas.
    Reassignment,
    /// Back to the first assigned replica.
    Preferred,
    /// The leader is about to stop.
    ControlledShutdown,
}

/// What an election starts from.
#[derive(Clone, Debug)]
pub(super) struct Situation<'a> {
    /// Assigned replicas, preferred leader first.
    pub assignment: &'a [BrokerId],
    /// Where the partition moves; the assignment itself if it does not.
    pub target: &'a [BrokerId],
    /// The leader so far.
    pub leader: BrokerId,
    /// The ISR so far.
    pub isr: &'a [BrokerId],
    /// Replicas that are online and do not shut down.
    pub online: &'a [BrokerId],
    /// Replicas that are online but shut down.
    pub leaving: &'a [BrokerId],
    /// Whether a replica outside the ISR may lead.
    pub unclean_allowed: bool,
}

/// The outcome of an election.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Elected {
    /// This leader, with this ISR.
    Leader {
        /// Who.
        leader: BrokerId,
        /// The new ISR.
        isr: Vec<BrokerId>,
        /// Who is told by LeaderAndIsr.
        recipients: Vec<BrokerId>,
        /// Whether the leader is from outside the ISR.
        unclean: bool,
    },
    /// All is as it should be; nothing is written.
    NotNeeded,
    /// Nobody; why, in words.
    Nobody(&'static str),
}

impl Strategy {
    /// Why, as the notes put it.
    pub fn reason(self) -> &'static str {
        match self {
            Strategy::Offline => "offline",
            Strategy::Reassignment => "reassignment",
            Strategy::Preferred => "preferred",
            Strategy::ControlledShutdown => "controlled shutdown",
        }
    }

    /// Whether the topic's `unclean.leader.election.enable` must be known: nobody in the ISR is online.
    pub fn asks_for_unclean_setting(self, isr: &[BrokerId], online: &[BrokerId]) -> bool {
        self == Strategy::Offline && !isr.iter().any(|member| online.contains(member))
    }

    /// Elects.
    pub fn elect(self, on: &Situation<'_>, rules: &Rules) -> Elected {
        let in_sync = |replica: &&BrokerId| on.online.contains(replica) && on.isr.contains(replica);
        match self {
            Strategy::Offline => offline(on, rules),
            Strategy::Reassignment => match on.target.iter().find(in_sync) {
                Some(leader) => keep_isr(on, *leader, on.target),
                None => Elected::Nobody("no target replica is online and in the ISR"),
            },
            Strategy::Preferred => match on.assignment.first() {
                Some(preferred)
                    if *preferred == on.leader && !rules.preferred_election.elects_the_leader_again() =>
                {
                    Elected::NotNeeded
                }
                Some(preferred)
                    if in_sync(&preferred)
                        || rules.planted.prefers_outsiders() && on.online.contains(preferred) =>
                {
                    keep_isr(on, *preferred, on.assignment)
                }
                _ => Elected::Nobody("the preferred replica is not online or not in the ISR"),
            },
            Strategy::ControlledShutdown => controlled_shutdown(on, rules),
        }
    }
}

fn keep_isr(on: &Situation<'_>, leader: BrokerId, recipients: &[BrokerId]) -> Elected {
    Elected::Leader { leader, isr: on.isr.to_vec(), recipients: recipients.to_vec(), unclean: false }
}

fn offline(on: &Situation<'_>, rules: &Rules) -> Elected {
    let planted = rules.planted;
    let recipients = on.online.to_vec();
    let live_isr: Vec<BrokerId> = on
        .isr
        .iter()
        .copied()
        .filter(|member| on.online.contains(member) || planted.elects_the_dead())
        .collect();
    let is_online = |replica: &&BrokerId| on.online.contains(replica);
    // A member of the ISR that is no longer assigned does not count: it is found by way of the assignment.
    if let Some(leader) = on
        .assignment
        .iter()
        .find(|replica| live_isr.contains(replica) || planted.elects_outsiders() && is_online(replica))
    {
        return Elected::Leader { leader: *leader, isr: live_isr, recipients, unclean: false };
    }
    match on.assignment.iter().find(is_online) {
        Some(leader) if on.unclean_allowed || planted.elects_uncleanly() => {
            Elected::Leader { leader: *leader, isr: vec![*leader], recipients, unclean: true }
        }
        Some(_) => Elected::Nobody("no replica in the ISR is online, and unclean election is off"),
        None => Elected::Nobody("no replica is online"),
    }
}

fn controlled_shutdown(on: &Situation<'_>, rules: &Rules) -> Elected {
    let stays = |replica: &&BrokerId| on.online.contains(replica) && on.isr.contains(replica);
    let Some(leader) = on.assignment.iter().find(stays) else {
        return Elected::Nobody("no other replica in the ISR is online");
    };
    let told_too = rules.leaving_leader.is_told();
    let is_told =
        |replica: &BrokerId| on.online.contains(replica) || told_too && on.leaving.contains(replica);
    Elected::Leader {
        leader: *leader,
        isr: on.isr.iter().copied().filter(|member| !on.leaving.contains(member)).collect(),
        recipients: on.assignment.iter().copied().filter(is_told).collect(),
        unclean: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::era::Era;

    fn ids(ids: &[i32]) -> Vec<BrokerId> {
        ids.iter().map(|id| BrokerId(*id)).collect()
    }

    /// The leader, the ISR and who is told; or why not.
    fn shown(elected: Elected) -> String {
        let list = |ids: Vec<BrokerId>| -> Vec<i32> { ids.into_iter().map(|id| id.0).collect() };
        match elected {
            Elected::Leader { leader, isr, recipients, unclean } => {
                let unclean = if unclean { " UNCLEAN" } else { "" };
                format!("{leader} {:?} to {:?}{unclean}", list(isr), list(recipients))
            }
            Elected::NotNeeded => "not needed".to_owned(),
            Elected::Nobody(why) => why.to_owned(),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a situation of an election, spelled out")]
    fn elect(
        era: &str,
        strategy: Strategy,
        assignment: &[i32],
        target: &[i32],
        leader: i32,
        isr: &[i32],
        online: &[i32],
        leaving: &[i32],
        unclean_allowed: bool,
    ) -> String {
        let on = Situation {
            assignment: &ids(assignment),
            target: &ids(target),
            leader: BrokerId(leader),
            isr: &ids(isr),
            online: &ids(online),
            leaving: &ids(leaving),
            unclean_allowed,
        };
        shown(strategy.elect(&on, &Era::parse(era).expect("a release").rules))
    }

    #[test]
    fn offline_filters_the_isr_and_goes_by_the_assignment() {
        let no_isr = "no replica in the ISR is online, and unclean election is off";
        for (isr, online, unclean, expected) in [
            (vec![1, 2, 3], vec![2, 3], false, "2 [2, 3] to [2, 3]"),
            (vec![1, 3, 2], vec![2, 3], false, "2 [3, 2] to [2, 3]"),
            (vec![1], vec![2, 3], false, no_isr),
            (vec![1], vec![2, 3], true, "2 [2] to [2, 3] UNCLEAN"),
            (vec![1, 3], vec![2, 3], true, "3 [3] to [2, 3]"),
            (vec![], vec![3], true, "3 [3] to [3] UNCLEAN"),
            (vec![1], vec![], true, "no replica is online"),
        ] {
            for era in ["0.10.2", "1.1", "2.8"] {
                let strategy = Strategy::Offline;
                let elected = elect(era, strategy, &[1, 2, 3], &[1, 2, 3], 1, &isr, &online, &[], unclean);
                assert_eq!(elected, expected, "{era}: ISR {isr:?}, online {online:?}");
            }
        }
        assert!(Strategy::Offline.asks_for_unclean_setting(&ids(&[1]), &ids(&[2])));
        assert!(!Strategy::Offline.asks_for_unclean_setting(&ids(&[1, 2]), &ids(&[2])));
        assert!(!Strategy::Preferred.asks_for_unclean_setting(&ids(&[1]), &ids(&[2])));
    }

    #[test]
    fn preferred_keeps_the_isr() {
        let strategy = Strategy::Preferred;
        for (era, leader, isr, online, expected) in [
            ("2.8", 2, vec![2, 1, 3], vec![1, 2], "1 [2, 1, 3] to [1, 2, 3]"),
            ("2.8", 2, vec![2, 3], vec![1, 2, 3], "the preferred replica is not online or not in the ISR"),
            ("2.8", 2, vec![1, 2], vec![2, 3], "the preferred replica is not online or not in the ISR"),
            ("0.10.2", 1, vec![1, 2], vec![1, 2], "not needed"),
            ("1.1", 1, vec![1, 2], vec![1, 2], "1 [1, 2] to [1, 2, 3]"),
            ("2.8", 1, vec![1, 2], vec![1, 2], "1 [1, 2] to [1, 2, 3]"), // it was left out before
        ] {
            let elected = elect(era, strategy, &[1, 2, 3], &[1, 2, 3], leader, &isr, &online, &[], true);
            assert_eq!(elected, expected, "{era}: leader {leader}, ISR {isr:?}, online {online:?}");
        }
    }

    #[test]
    fn reassignment_keeps_the_isr_and_tells_the_target() {
        let strategy = Strategy::Reassignment;
        let elected = elect("2.8", strategy, &[2, 3, 1], &[2, 3], 1, &[1, 2, 3], &[1, 2, 3], &[], false);
        assert_eq!(elected, "2 [1, 2, 3] to [2, 3]");
        let elected = elect("2.8", strategy, &[2, 3, 1], &[2, 3], 1, &[1], &[1, 2, 3], &[], true);
        assert_eq!(elected, "no target replica is online and in the ISR");
    }

    #[test]
    fn a_controlled_shutdown_takes_the_leaver_out_of_the_isr() {
        let strategy = Strategy::ControlledShutdown;
        for (era, isr, online, expected) in [
            ("1.0", vec![1, 2, 3], vec![2, 3], "2 [2, 3] to [1, 2, 3]"),
            ("1.1", vec![1, 2, 3], vec![2, 3], "2 [2, 3] to [2, 3]"),
            ("2.1", vec![1, 2, 3], vec![2, 3], "2 [2, 3] to [1, 2, 3]"),
            ("2.1", vec![1, 3], vec![2, 3], "3 [3] to [1, 2, 3]"),
            ("2.1", vec![1, 2, 3], vec![3], "3 [2, 3] to [1, 3]"),
            ("2.1", vec![1], vec![2, 3], "no other replica in the ISR is online"),
        ] {
            let elected = elect(era, strategy, &[1, 2, 3], &[1, 2, 3], 1, &isr, &online, &[1], true);
            assert_eq!(elected, expected, "{era}: ISR {isr:?}, online {online:?}");
        }
    }
}
