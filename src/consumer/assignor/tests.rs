//! What assignors do in the cases that stories tell of. That they equal Kafka's is tested against Kafka's own.

use super::*;

fn racks(topics: &[(&str, usize)]) -> PartitionRacks {
    topics.iter().map(|(topic, count)| (Topic::new(topic), vec![Vec::new(); *count])).collect()
}

fn member(id: &str, topics: &[&str], owned: &[TopicPartition]) -> (Arc<str>, Subscription) {
    let topics = topics.iter().map(|topic| Topic::new(topic)).collect();
    (id.into(), Subscription { topics, owned: owned.to_vec(), ..Subscription::default() })
}

fn p(partition: i32) -> TopicPartition {
    TopicPartition::new("p", partition)
}

fn told(assigned: &Assignment) -> String {
    let one = |(member, partitions): (&Arc<str>, &Vec<TopicPartition>)| {
        let partitions: Vec<String> = partitions.iter().map(ToString::to_string).collect();
        format!("{member}: {}", partitions.join(" "))
    };
    assigned.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn assign(assignor: &Assignor, topics: &[(&str, usize)], members: &[(Arc<str>, Subscription)]) -> String {
    let era = Era::parse("2.4.1").expect("a release");
    let dealt = assignor.assign(&racks(topics), members, &mut AssignorState::default(), &era);
    told(&dealt.expect("nothing is thrown"))
}

#[test]
fn a_newcomer_moves_one_partition_under_cooperative_sticky_and_two_under_range() {
    let topics = [("p", 3)];
    let before = [member("C1", &["p"], &[p(0), p(1)]), member("C2", &["p"], &[p(2)])];
    let with_third = [before[0].clone(), before[1].clone(), member("C3", &["p"], &[])];
    assert_eq!(assign(&Assignor::Range, &topics, &before), "C1: p-0 p-1, C2: p-2");
    assert_eq!(assign(&Assignor::Range, &topics, &with_third), "C1: p-0, C2: p-1, C3: p-2");
    // What moves is given to nobody in the first round.
    assert_eq!(assign(&Assignor::CooperativeSticky, &topics, &with_third), "C1: p-0, C2: p-2, C3: ");
    let second = [member("C1", &["p"], &[p(0)]), with_third[1].clone(), with_third[2].clone()];
    assert_eq!(assign(&Assignor::CooperativeSticky, &topics, &second), "C1: p-0, C2: p-2, C3: p-1");
}

#[test]
fn more_members_than_partitions_leave_one_idle() {
    let members = [member("A", &["p"], &[]), member("B", &["p"], &[]), member("C", &["p"], &[])];
    for assignor in [Assignor::Range, Assignor::RoundRobin, Assignor::Sticky, Assignor::CooperativeSticky] {
        assert_eq!(assign(&assignor, &[("p", 2)], &members), "A: p-0, B: p-1, C: ", "{}", assignor.name());
    }
}

#[test]
fn an_application_can_bring_its_own() {
    let members = [member("one-1f", &["p"], &[]), member("two-2e", &["p"], &[])];
    let custom = |deals| Assignor::Custom(CustomAssignor { name: "own".into(), deals });
    let everything = custom(Deals::EverythingToEveryone);
    assert_eq!(assign(&everything, &[("p", 2)], &members), "one-1f: p-0 p-1, two-2e: p-0 p-1");
    let fixed = custom(Deals::Fixed([("two".into(), vec![p(1), p(0)])].into()));
    assert_eq!(assign(&fixed, &[("p", 2)], &members), "one-1f: , two-2e: p-1 p-0");
}

#[test]
fn only_the_cooperative_one_is_cooperative() {
    for name in ["range", "roundrobin", "sticky"] {
        let assignor = Assignor::parse(name).expect("one of Kafka's own");
        assert_eq!((assignor.name(), assignor.protocols()), (name, &[RebalanceProtocol::Eager][..]));
    }
    assert_eq!(Assignor::CooperativeSticky.protocols().last(), Some(&RebalanceProtocol::Cooperative));
    assert_eq!(Assignor::parse("uniform"), None);
}
