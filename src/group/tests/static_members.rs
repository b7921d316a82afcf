//! Static members (KIP-345): who is back, and who is waited for.

use super::*;

fn static_join(member: &str, wishes: &str) -> JoinGroupRequest {
    let instance = Some("i".into());
    JoinGroupRequest { instance, ..join(member, wishes) }
}

/// A stable group of the static member `i`, which leads, and b; and the id of `i`.
fn with_static(release: &str) -> (Bench, Arc<str>) {
    let mut bench = Bench::of(release);
    bench.ask(static_join("", "a"));
    bench.join_new("b");
    bench.wait(6_000);
    bench.sync_all();
    bench.answers();
    let id = bench.members()[0].clone();
    assert_eq!(client_of(&id), "i");
    (bench, id)
}

#[test]
fn a_static_member_that_is_back_begins_no_rebalance() {
    for (release, stores, leads) in
        [("2.3", 0, false), ("2.6.0", 0, false), ("2.7", 1, false), ("3.2", 1, true)]
    {
        let (mut bench, old) = with_static(release);
        let generation = bench.generation();
        bench.ask(static_join("", "a"));
        assert_eq!((bench.state(), bench.stores.len()), (GroupState::Stable, stores), "{release}");
        bench.complete_stores(None);
        let joined = bench.joined();
        let [answer] = &joined[..] else { panic!("{joined:?}") };
        let new = answer.member.clone();
        assert_eq!((answer.error, answer.generation), (None, generation), "{release}");
        assert_ne!(new, old);
        assert_eq!(answer.leader, if leads { new.clone() } else { old.clone() }, "{release}");
        assert_eq!(
            (answer.skip_assignment, answer.members.is_empty()),
            (leads, !leads),
            "{release}: KIP-814"
        );
        // It gets what it had; the process under the old id is fenced.
        bench.ask(sync(&new, generation, Vec::new()));
        assert_eq!(bench.synced()[0].assignment, "part of i", "{release}");
        let instance: Option<Arc<str>> = Some("i".into());
        bench.ask(HeartbeatRequest { group: GROUP.into(), generation, member: old, instance });
        let Some((_, Response::Heartbeat(answer))) = bench.answers().pop() else { panic!("answered") };
        assert_eq!(answer.error, Some(KafkaError::FencedInstanceId));
    }
}

#[test]
fn a_static_member_that_is_back_while_others_sync() {
    for (release, state) in
        [("2.4", GroupState::CompletingRebalance), ("2.5", GroupState::PreparingRebalance)]
    {
        let mut bench = Bench::of(release);
        bench.ask(static_join("", "a"));
        bench.join_new("b");
        bench.wait(6_000);
        assert_eq!(bench.state(), GroupState::CompletingRebalance);
        bench.ask(static_join("", "a"));
        assert_eq!(bench.state(), state, "{release}: KAFKA-9801");
    }
}

#[test]
fn a_static_member_that_could_not_be_written_down_is_the_old_one_again() {
    let (mut bench, old) = with_static("2.8");
    bench.ask(static_join("", "a"));
    bench.complete_stores(Some(KafkaError::NotEnoughReplicas));
    assert_eq!(bench.members()[0], old);
    assert_eq!(bench.joined()[0].error, Some(KafkaError::NotEnoughReplicas));
}

#[test]
fn a_static_member_that_is_away_is_waited_for_as_long_as_its_session() {
    let (mut bench, _) = with_static("2.8");
    let other = bench.members()[1].clone();
    let generation = bench.generation();
    bench.wait(SESSION - 1);
    bench.heartbeat(&other, generation);
    assert_eq!(bench.state(), GroupState::Stable);
    bench.wait(1);
    assert_eq!((bench.state(), bench.members()), (GroupState::PreparingRebalance, vec![other]));
}
