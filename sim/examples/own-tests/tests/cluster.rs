//! What a cluster must keep, checked over random trials and over a story.

/// Brokers die, sessions expire, control messages are late: nothing that was acknowledged may be lost.
#[test]
fn nothing_acknowledged_is_lost() {
    trial::explore("elections").era("3.9").property("acked-durable").trials(50).check();
}

/// A story of one's own, from many seeds: the same verdict from each.
#[test]
fn a_record_outlives_its_leader() {
    trial::scenario("scenarios/outlives-its-leader.json").seeds(0..20).check();
}

/// The same with another setting: does it still hold?
#[test]
fn one_replica_in_sync_is_enough_for_this_story() {
    trial::scenario("scenarios/outlives-its-leader.json").era("3.9").set("min.insync.replicas", "1").check();
}

/// Up to 0.10.2 a follower cuts its log at its high watermark, and what was acknowledged may go (KIP-101). Whoever wants to
/// see that a check can fail looks at the error.
#[test]
fn an_old_release_fails() {
    let found = std::env::temp_dir().join(format!("own-tests-{}", std::process::id()));
    let failed = trial::explore("elections")
        .era("0.10.2")
        .property("candidate-completeness")
        .trials(200)
        .shrink(60)
        .found(&found)
        .try_check();
    let message = failed.expect_err("200 trials find it").to_string();
    assert!(message.contains("trial replay era=0.10.2"), "{message}");
    assert!(std::fs::read_dir(&found).expect("the files are there").count() > 0);
    std::fs::remove_dir_all(&found).expect("what was written can be removed");
}

/// What `check()` does with it: it panics, as an assertion does, at this line.
#[test]
#[should_panic(expected = "fails by")]
fn an_old_release_panics() {
    trial::explore("elections")
        .era("0.10.2")
        .property("candidate-completeness")
        .trials(200)
        .shrink(0)
        .found(concat!(env!("CARGO_TARGET_TMPDIR"), "/found"))
        .check();
}
