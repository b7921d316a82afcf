//! Where a replica that follows a new leader cuts its log before it fetches.
//!
//! 1. The replica begins to follow ([`begin`]): it cuts at once at its high watermark, or asks its leader where its
//!    newest epoch ended, or simply fetches and lets the answer tell.
//! 2. The leader has answered ([`decide`]): cut there, or cut and ask again about an older epoch.
//!
//! What each rule gets wrong stands in the table of the tests: `to-high-watermark` cuts what is committed, or keeps
//! what the new leader has overwritten (KIP-101); `to-epoch-end` trusts the end of an epoch that the leader never had
//! (KIP-279).
//!
//! A rule can be swapped for another one in a release whose protocol cannot carry it. The functions on versions at
//! the end see to it that the two sides then speak what the rule needs.

use crate::era::{Era, Release};
use crate::ids::{LeaderEpoch, Offset};
use crate::log::leader_epochs::EpochEntry;
use crate::messages::ApiKey;
use crate::messages::offsets_for_leader_epoch::EpochEndOffset;
use crate::rules::earliest_epoch::{EarliestEpoch, end_offset_for};
use crate::rules::empty_epoch_cache::{self, EmptyEpochCache};

rule! {
    /// Where a replica that follows a new leader cuts its log before it fetches.
    Truncation("truncation") {
        /// At its own high watermark, which it learned one fetch late.
        ToHighWatermark("to-high-watermark", "before KIP-101", [(Release::FIRST, Release::new_0(11, 0, 0))]),
        /// Where the leader says the follower's last epoch ended.
        ToEpochEnd("to-epoch-end", "KIP-101", [(Release::new_0(11, 0, 0), Release::new(2, 0, 0))]),
        /// As before, but the leader also says which epoch it speaks of, and the follower asks again until both know
        /// it.
        ToCommonEpoch("to-common-epoch", "KIP-279", [(Release::new(2, 0, 0), Release::new(2, 8, 0))]),
        /// Where a fetch response says that the logs part; there is no separate question any more.
        OnFetch("on-fetch", "KIP-595", [(Release::new(2, 8, 0), Release::NEXT)]),
    }
}

/// What a replica does first when it begins to follow.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Beginning {
    /// Cut the log at the high watermark, then fetch.
    CutAtHighWatermark,
    /// Ask the leader where this epoch ended.
    Ask(LeaderEpoch),
    /// Fetch from the log end.
    Fetch,
}

/// What a replica does when the leader has told where an epoch ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Cut {
    /// Cut to this offset, then fetch.
    To(Offset),
    /// The leader speaks of an epoch that the replica lacks: cut to this offset and ask about the newest epoch left.
    ToAndAskAgain(Offset),
}

/// A replica's log as the decision sees it.
#[derive(Copy, Clone, Debug)]
pub struct FollowerLog<'a> {
    /// Its high watermark when it began to follow.
    pub high_watermark: Offset,
    /// Its log end.
    pub end: Offset,
    /// Its leader epoch cache, oldest first.
    pub epochs: &'a [EpochEntry],
}

/// Whether becoming follower itself cuts the log at the high watermark, before anything is asked or fetched.
pub fn cuts_on_becoming_follower(rule: Truncation) -> bool {
    match rule {
        Truncation::ToHighWatermark => true,
        Truncation::ToEpochEnd | Truncation::ToCommonEpoch | Truncation::OnFetch => false,
    }
}

/// What a replica whose newest epoch is `newest` does first. `questions`: whether its leader answers
/// OffsetsForLeaderEpoch; `diverging`: whether its leader finds divergence in a fetch.
pub fn begin(
    rule: Truncation,
    empty: EmptyEpochCache,
    newest: Option<LeaderEpoch>,
    questions: bool,
    diverging: bool,
) -> Beginning {
    match (rule, newest) {
        (Truncation::ToHighWatermark, _) => Beginning::Fetch,
        (Truncation::OnFetch, Some(_)) if diverging => Beginning::Fetch,
        _ if !questions => Beginning::CutAtHighWatermark,
        (_, Some(newest)) => Beginning::Ask(newest),
        (_, None) if empty_epoch_cache::asks(empty) => Beginning::Ask(LeaderEpoch::NONE),
        (_, None) => Beginning::CutAtHighWatermark,
    }
}

/// Where to cut, now that the leader has answered.
pub fn decide(
    rule: Truncation,
    earliest: EarliestEpoch,
    answer: EpochEndOffset,
    follower: FollowerLog<'_>,
) -> Cut {
    let leader_end = answer.end_offset;
    let leader_epoch = match rule {
        Truncation::ToHighWatermark => return Cut::To(follower.high_watermark.min(follower.end)),
        Truncation::ToEpochEnd => None,
        Truncation::ToCommonEpoch | Truncation::OnFetch => {
            answer.leader_epoch.filter(|epoch| *epoch != LeaderEpoch::NONE)
        }
    };
    if leader_end == Offset::NONE {
        return Cut::To(follower.high_watermark.min(follower.end));
    }
    // A leader that does not say which epoch it means (before KIP-279) is taken at its word.
    let Some(leader_epoch) = leader_epoch else {
        return Cut::To(leader_end.min(follower.end));
    };
    match end_offset_for(earliest, follower.epochs, follower.end, leader_epoch) {
        Some((epoch, end)) if epoch != leader_epoch => Cut::ToAndAskAgain(end.min(follower.end)),
        Some((_, end)) => Cut::To(end.min(leader_end).min(follower.end)),
        None => Cut::To(leader_end.min(follower.end)),
    }
}

/// Whether, once a cut is made, the replica fetches even if it would have to ask again: the next fetch will tell.
pub fn fetches_after_cut(rule: Truncation, cut: Cut, diverging: bool) -> bool {
    match (rule, cut) {
        (_, Cut::To(_)) => true,
        (Truncation::OnFetch, Cut::ToAndAskAgain(_)) => diverging,
        (_, Cut::ToAndAskAgain(_)) => false,
    }
}

/// Whether a replica acts on a diverging epoch in a fetch response.
pub fn cuts_on_fetch(rule: Truncation) -> bool {
    match rule {
        Truncation::OnFetch => true,
        Truncation::ToHighWatermark | Truncation::ToEpochEnd | Truncation::ToCommonEpoch => false,
    }
}

/// Whether leaders of this era stamp their epoch into batches: always from 0.11 on, earlier only if the rule was
/// swapped for one that needs it.
pub fn batches_carry_epochs(era: &Era) -> bool {
    epoch_api(era).is_some()
}

/// The version of OffsetsForLeaderEpoch between two brokers; `None` if one of them does not know it.
pub fn questions_version(own: &Era, peer: &Era) -> Option<i16> {
    Some(epoch_api(own)?.min(epoch_api(peer)?))
}

/// The version of Fetch between two brokers.
pub fn fetch_version(own: &Era, peer: &Era) -> i16 {
    fetch_api(own).min(fetch_api(peer))
}

/// Whether fetches at this version carry the epoch that finds divergence.
pub fn fetch_finds_divergence(version: i16) -> bool {
    version >= 12
}

fn epoch_api(era: &Era) -> Option<i16> {
    let needed = match era.rules.truncation {
        Truncation::ToHighWatermark => None,
        Truncation::ToEpochEnd => Some(0),
        Truncation::ToCommonEpoch | Truncation::OnFetch => Some(1),
    };
    ApiKey::OffsetsForLeaderEpoch.newest_version(era.release).max(needed)
}

fn fetch_api(era: &Era) -> i16 {
    let needed = match era.rules.truncation {
        Truncation::OnFetch => 12,
        Truncation::ToHighWatermark | Truncation::ToEpochEnd | Truncation::ToCommonEpoch => 0,
    };
    ApiKey::Fetch.newest_version(era.release).unwrap_or(0).max(needed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    const RULES: [Truncation; 4] =
        [Truncation::ToHighWatermark, Truncation::ToEpochEnd, Truncation::ToCommonEpoch, Truncation::OnFetch];

    /// A log as the epochs of its records, and the epoch cache that belongs to it.
    fn cache(log: &[i32], elected: Option<i32>) -> Vec<EpochEntry> {
        let mut epochs: Vec<EpochEntry> = Vec::new();
        let end = log.len() as i64;
        let records = log.iter().enumerate().map(|(offset, epoch)| (*epoch, offset as i64));
        for (epoch, start) in records.chain(elected.map(|epoch| (epoch, end))) {
            if epochs.last().is_none_or(|last| last.epoch.0 < epoch) {
                epochs.push(EpochEntry { epoch: LeaderEpoch(epoch), start: Offset(start) });
            }
        }
        epochs
    }

    struct Replica<'a> {
        log: &'a [i32],
        elected: Option<i32>,
    }

    /// Follows the protocol to its end: how many records the follower keeps, in how many questions.
    fn keeps(
        rule: Truncation,
        leader: &Replica<'_>,
        follower: &Replica<'_>,
        high_watermark: i64,
    ) -> (i64, u32) {
        let (empty, earliest) = (EmptyEpochCache::TruncatesToHighWatermark, EarliestEpoch::StartOfFirst);
        let leader_epochs = cache(leader.log, leader.elected);
        let leader_end = Offset(leader.log.len() as i64);
        let mut log = follower.log.to_vec();
        let mut elected = follower.elected;
        for questions in 0..9 {
            let epochs = cache(&log, elected);
            let state = FollowerLog {
                high_watermark: Offset(high_watermark),
                end: Offset(log.len() as i64),
                epochs: &epochs,
            };
            let newest = epochs.last().map(|entry| entry.epoch);
            let asked = match (rule, begin(rule, empty, newest, true, true)) {
                (Truncation::ToHighWatermark, _) | (_, Beginning::CutAtHighWatermark) => {
                    return (high_watermark.min(log.len() as i64), questions);
                }
                (_, Beginning::Ask(epoch)) => epoch,
                // The leader looks at the epoch of the follower's last record, as it would in a fetch.
                (_, Beginning::Fetch) => newest.expect("it has one"),
            };
            let found = end_offset_for(earliest, &leader_epochs, leader_end, asked);
            let (epoch, end_offset) = found.unwrap_or((LeaderEpoch::NONE, Offset::NONE));
            if rule == Truncation::OnFetch && epoch == asked && end_offset >= state.end {
                return (state.end.0, questions);
            }
            let answer = EpochEndOffset { leader_epoch: Some(epoch), end_offset };
            let cut = decide(rule, earliest, answer, state);
            let (Cut::To(to) | Cut::ToAndAskAgain(to)) = cut;
            log.truncate(to.0 as usize);
            elected = None;
            if matches!(cut, Cut::To(_)) && rule != Truncation::OnFetch {
                return (to.0, questions + 1);
            }
        }
        panic!("asks for ever");
    }

    fn text(replica: &Replica<'_>) -> String {
        let mut text = replica.log.iter().map(i32::to_string).collect::<Vec<_>>().join(" ");
        if let Some(elected) = replica.elected {
            text += &format!(" ({elected})");
        }
        text
    }

    #[test]
    fn situations() {
        let situations: [(&str, Replica<'_>, Replica<'_>, i64); 6] = [
            (
                "follower has everything, knows less committed",
                Replica { log: &[0, 0], elected: Some(1) },
                Replica { log: &[0, 0], elected: None },
                1,
            ),
            (
                "both lost power; new leader wrote at offset 1",
                Replica { log: &[0, 1], elected: None },
                Replica { log: &[0, 0], elected: None },
                2,
            ),
            (
                "two quick elections; epochs the leader never saw",
                Replica { log: &[0, 1, 3], elected: None },
                Replica { log: &[0, 2, 2], elected: None },
                1,
            ),
            (
                "follower had led epoch 1 and written nothing",
                Replica { log: &[0, 0], elected: Some(2) },
                Replica { log: &[0, 0], elected: Some(1) },
                1,
            ),
            (
                "follower is simply behind",
                Replica { log: &[0, 0, 1], elected: None },
                Replica { log: &[0, 0], elected: None },
                1,
            ),
            (
                "follower is empty",
                Replica { log: &[0, 0], elected: None },
                Replica { log: &[], elected: None },
                0,
            ),
        ];
        let mut table = format!("{:<49} {:<9} {:<9} hw", "situation", "leader", "follower");
        for rule in RULES {
            table += &format!(" | {rule:<19}");
        }
        table = table.trim_end().to_owned() + "\n";
        for (situation, leader, follower, high_watermark) in &situations {
            let mut line =
                format!("{situation:<49} {:<9} {:<9} {high_watermark:>2}", text(leader), text(follower));
            for rule in RULES {
                let (kept, questions) = keeps(rule, leader, follower, *high_watermark);
                let common =
                    leader.log.iter().zip(follower.log).take_while(|(one, other)| one == other).count()
                        as i64;
                let verdict = match kept.cmp(&common) {
                    std::cmp::Ordering::Less => "overcut",
                    std::cmp::Ordering::Equal => "ok",
                    std::cmp::Ordering::Greater => "DIVERGED",
                };
                line += &format!(" | {:<19}", format!("{kept} {verdict}, {questions} asked"));
            }
            table += line.trim_end();
            table += "\n";
        }
        let expected = "\
situation                                         leader    follower  hw | to-high-watermark   | to-epoch-end        | to-common-epoch     | on-fetch
follower has everything, knows less committed     0 0 (1)   0 0        1 | 1 overcut, 0 asked  | 2 ok, 1 asked       | 2 ok, 1 asked       | 2 ok, 0 asked
both lost power; new leader wrote at offset 1     0 1       0 0        2 | 2 DIVERGED, 0 asked | 1 ok, 1 asked       | 1 ok, 1 asked       | 1 ok, 1 asked
two quick elections; epochs the leader never saw  0 1 3     0 2 2      1 | 1 ok, 0 asked       | 2 DIVERGED, 1 asked | 1 ok, 2 asked       | 1 ok, 1 asked
follower had led epoch 1 and written nothing      0 0 (2)   0 0 (1)    1 | 1 overcut, 0 asked  | 2 ok, 1 asked       | 2 ok, 1 asked       | 2 ok, 1 asked
follower is simply behind                         0 0 1     0 0        1 | 1 overcut, 0 asked  | 2 ok, 1 asked       | 2 ok, 1 asked       | 2 ok, 0 asked
follower is empty                                 0 0                  0 | 0 ok, 0 asked       | 0 ok, 0 asked       | 0 ok, 0 asked       | 0 ok, 0 asked
";
        assert_eq!(table, expected);
    }

    #[test]
    fn a_swapped_rule_brings_the_protocol_it_needs() {
        let swapped = |release: &str, rule: Truncation| {
            let mut era = Era::parse(release).expect("a release");
            era.rules.truncation = rule;
            era
        };
        let old = Era::parse("0.10.2").expect("a release");
        assert_eq!(questions_version(&old, &old), None);
        assert!(!batches_carry_epochs(&old));
        let to_end = swapped("0.10.2", Truncation::ToEpochEnd);
        assert_eq!(questions_version(&to_end, &to_end), Some(0));
        assert!(batches_carry_epochs(&to_end));
        let common = swapped("1.1", Truncation::ToCommonEpoch);
        assert_eq!(questions_version(&common, &common), Some(1));
        let fetch = swapped("2.7", Truncation::OnFetch);
        assert!(fetch_finds_divergence(fetch_version(&fetch, &fetch)));
        assert_eq!(fetch_version(&fetch, &old), 3);
        let newest = Era::of(Release::new(3, 0, 2));
        assert_eq!(newest.rules.truncation.name(), "on-fetch");
        assert!(!fetch_finds_divergence(fetch_version(&newest, &Era::parse("2.6").expect("a release"))));
    }
}
