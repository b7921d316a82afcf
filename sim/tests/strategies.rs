//! Plans as data: every value on the way to the smallest is a scenario that can be run, and the smallest is small.
//!
//! Needs the feature `proptest`: `cargo test -p trial --features proptest --test strategies`.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use trial::scenario::parse::parse;
use trial::scenario::source::Source;
use trial::scenario::step::Step;
use trial::scenario::validate::validate;
use trial::strategies::{Plan, plans};

fn runner() -> TestRunner {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng)
}

/// As proptest does: smaller while it fails. The values on the way, the last one that fails at the end.
fn shrink(mut tree: impl ValueTree<Value = Plan>, fails: impl Fn(&Plan) -> bool) -> Vec<Plan> {
    assert!(fails(&tree.current()));
    let mut seen = Vec::new();
    if tree.simplify() {
        loop {
            let plan = tree.current();
            let goes_on = if fails(&plan) { tree.simplify() } else { tree.complicate() };
            seen.push(plan);
            if !goes_on {
                break;
            }
        }
    }
    seen.push(tree.current());
    seen
}

#[test]
fn a_plan_shrinks_as_data_to_what_the_property_is_about() {
    let kills = |plan: &Plan| plan.scenario().steps.iter().any(|step| matches!(step, Step::Kill(_)));
    let mut runner = runner();
    let strategy = plans("elections").era("2.8");
    let tree = (0..100).map(|_| strategy.new_tree(&mut runner).expect("a plan"));
    let tree = tree.into_iter().find(|tree| kills(&tree.current())).expect("one of them kills a broker");
    let before = tree.current();
    let seen = shrink(tree, kills);
    for plan in &seen {
        let text = format!("{plan:?}");
        let parsed =
            parse(Source::of("plan.json", &text)).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
        assert_eq!(&*parsed.scenario, plan.scenario(), "what is printed is the plan");
        assert!(validate(parsed, None, &[]).is_ok(), "{text}");
    }
    let last = seen.last().expect("it ends");
    assert!(kills(last) && last.scenario().steps.len() == 1, "{last:?}");
    assert!(before.scenario().steps.len() > 10);
    assert!(format!("{last:?}").len() < format!("{before:?}").len() / 2, "{last:?}");
}

#[test]
fn a_property_of_a_run_keeps_what_it_needs() {
    // "Nobody is ever acknowledged anything": wrong, and one record shows it.
    let acked = |plan: &Plan| plan.run().longest_wait.is_some();
    let mut runner = runner();
    let strategy = plans("network").era("3.9");
    let tree = strategy.new_tree(&mut runner).expect("a plan");
    let seen = shrink(tree, acked);
    let last = seen.last().expect("it ends");
    assert!(acked(last) && last.scenario().steps.len() <= 3, "{last:?}");
}

#[test]
fn what_is_unknown_ends_the_test_with_one_error() {
    let reason = plans("networks").new_tree(&mut runner()).expect_err("there is no such profile").to_string();
    assert!(
        reason.contains("did you mean `network`?") && reason.contains("tests/strategies.rs:"),
        "{reason}"
    );
    let reason =
        plans("network").era("8.1").new_tree(&mut runner()).expect_err("no such release").to_string();
    assert!(reason.contains("8.1"), "{reason}");
}
