//! Checkers of what consumers are not given, and of what they must not be.

use super::*;
use kafka::command::ClientError;
use kafka::error::KafkaError;
use kafka::log::batch::RecordBatch as Batch;

#[test]
fn a_consumer_that_jumps_has_skipped_unless_it_was_told() {
    let logs = ["a0 b0 c0 d0"; 3];
    let small = || Small::new(logs, 0, 4).commit("a0 b0 c0 d0");
    let mut jumps = small();
    assert_eq!(jumps.deliver(5, &polled(0, "a0", 4)), [""; 0]);
    assert_eq!(jumps.deliver(5, &polled(2, "a0 b0 c0", 4)), ["no-silent-gap"]);
    assert_eq!(jumps.deliver(5, &polled(3, "a0 b0 c0 d0", 4)), [""; 0], "told once");

    let mut hole = small();
    let Delivery::Polled { partition, from, position, mut batches, broker, high_watermark } =
        polled(0, "a0 b0 c0", 4)
    else {
        unreachable!("a poll")
    };
    batches.remove(1);
    let poll = Delivery::Polled { partition, from, position, batches, broker, high_watermark };
    assert_eq!(hole.deliver(5, &poll), ["no-silent-gap"]);

    let mut other = small();
    other.deliver(5, &polled(0, "a0", 4));
    assert_eq!(other.deliver(4, &polled(2, "a0 b0 c0", 4)), [""; 0], "another consumer, which begins there");

    let reset = Delivery::PositionReset { partition, from: Some(Offset(1)), to: Offset(2) };
    let mut told = small();
    told.deliver(5, &polled(0, "a0", 4));
    told.deliver(5, &reset);
    assert_eq!(told.deliver(5, &polled(2, "a0 b0 c0", 4)), [""; 0]);
    let mut seeks = small();
    seeks.deliver(5, &polled(0, "a0", 4));
    seeks.gaps.on_handed(NodeId(5), &Handed::Position(partition));
    assert_eq!(seeks.deliver(5, &polled(2, "a0 b0 c0", 4)), [""; 0]);
    let mut back = small();
    back.deliver(5, &polled(0, "a0 b0", 4));
    assert_eq!(back.deliver(5, &polled(1, "a0 b0 c0", 4)), [""; 0], "twice is not never");
}

#[test]
fn a_history_that_changes_under_a_consumer_is_skipped_where_it_has_been() {
    // It has read a b c; then b and c were lost, and x, y, z committed in their place and behind.
    let rewritten = || {
        let mut small = Small::new(["a0 b0 c0"; 3], 0, 3).commit("a0 b0 c0");
        assert_eq!(small.deliver(5, &polled(0, "a0 b0 c0", 3)), [""; 0]);
        small = small.commit("a0 x1 y1 z1");
        (small.ghost().rewrites, small.ghost().rewritten_from) = (1, Offset(1));
        small.force = PROPERTIES.iter().map(|info| info.name == "no-silent-gap").collect();
        small
    };
    let mut small = rewritten();
    assert_eq!(small.deliver(5, &polled(3, "a0 x1 y1 z1", 4)), ["no-silent-gap"]);
    assert_eq!(small.findings[0].offset, Offset(1), "from the first on");
    // It still reads from the deposed leader, and does not know better.
    let mut small = rewritten();
    assert_eq!(small.deliver(5, &polled(3, "a0 b0 c0 d0", 4)), [""; 0]);
    // It has gone back to where the logs part.
    let mut small = rewritten();
    assert_eq!(small.deliver(5, &polled(1, "a0 x1 y1 z1", 4)), [""; 0]);
    // Nothing was lost, but it was given what a deposed leader alone had committed.
    let mut small = rewritten();
    (small.ghost().rewrites, small.ghost().rewritten_from) = (0, Offset(i64::MAX));
    assert_eq!(small.deliver(5, &polled(3, "a0 x1 y1 z1", 4)), ["no-silent-gap"]);
    assert_eq!(small.findings[0].offset, Offset(1));
}

fn failed(id: u64, may_have_been_appended: bool) -> Delivery {
    let error = ClientError::Kafka(KafkaError::NotEnoughReplicas);
    Delivery::Failed { send: SendId(id), partition: partition(), error, may_have_been_appended }
}

fn given(value: &'static str) -> (Batch, Delivery) {
    let batch = records::build(&[(Timestamp(7), record(value))]);
    let poll = Delivery::Polled {
        partition: partition(),
        from: Offset(0),
        position: Offset(1),
        batches: vec![batch.clone()],
        broker: BrokerId(1),
        high_watermark: Offset(1),
    };
    (batch, poll)
}

#[test]
fn what_was_certainly_not_written_is_given_to_nobody() {
    for (certain, sends, read, broken) in [
        (true, 1, "m", true),
        (false, 1, "m", false),
        (true, 1, "n", false),
        // The application has sent it again: it is the second one that is read.
        (true, 2, "m", false),
    ] {
        let mut small = Small::new(["a0", "a0", "a0"], 0, 1).commit("a0");
        (1..=sends).for_each(|id| small.send(id, "m"));
        small.deliver(4, &failed(1, !certain));
        let found = small.deliver(5, &given(read).1);
        assert_eq!(found.contains(&"definite-error"), broken, "{certain} {sends} {read}: {found:?}");
    }
}

#[test]
fn what_was_certainly_not_written_is_not_in_the_leaders_log_at_the_end() {
    for (certain, high_watermark, broken) in [(true, 1, true), (true, 0, false), (false, 1, false)] {
        let mut small = Small::new(["", "", ""], 0, high_watermark);
        small.send(1, "m");
        small.deliver(4, &failed(1, !certain));
        let (batch, _) = given("m");
        small.ghost().replicas[0].batches = [crate::trace::names::info(&batch)].into_iter().collect();
        let on_disk = |node, _| if node == NodeId(1) { vec![batch.clone()] } else { Vec::new() };
        let audit = Audit::new(&small.history, &small.ledger, &small.nodes, &on_disk);
        let Small { nodes, history, ledger, force, findings, .. } = &mut small;
        findings.clear();
        let mut context = Context { at: Time(5), event: EventId(1), nodes, ledger, force, findings };
        definite_error::finish(&audit, history, &mut context);
        assert_eq!(small.found().contains(&"definite-error"), broken, "{certain} {high_watermark}");
    }
}
