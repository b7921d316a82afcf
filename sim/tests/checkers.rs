//! Every checker in running clusters: against its own recomputation from scratch, in worlds in which nothing may break,
//! and in worlds into which a fault was planted.
//!
//! Random worlds are drawn as data by proptest from fixed seeds, so that one that fails becomes as small as it can
//! before it is shown. `TRIAL_WORLDS=200` draws more of them.

mod checker_worlds;
mod json_files;

use checker_worlds::planted::{self, Outcome, one_page_cache_is_lost};
use checker_worlds::random::{Faults, check_worlds};
use trial::scenario::parse;
use trial::scenario::run::{Budget, run_prepared};

/// Seeds of every scenario in every era.
const SEEDS: [u64; 3] = [0, 1, 2];

#[test]
fn checkers_agree_with_a_full_look_in_every_scenario() {
    for file in json_files::scenarios() {
        let ready = parse::read(&file, None, &[]).expect("scenarios are right");
        // The reference run is long, and the same in every era and from every seed but for the faults' timing.
        let is_long = file.ends_with("reference.json");
        for era in ready.eras.iter().take(if is_long { 1 } else { usize::MAX }) {
            for seed in SEEDS.into_iter().take(if is_long { 1 } else { SEEDS.len() }) {
                let prepare = |world: &mut trial::world::World| world.checks.compare_with_full();
                let result = run_prepared(&ready, era, seed, false, Budget::default(), &prepare);
                let result = result.expect("what it asks for can be");
                assert!(result.unmet.is_none(), "{} {era} {seed}", file.display());
            }
        }
    }
}

#[test]
fn checkers_agree_with_a_full_look_in_random_worlds_before_2_8() {
    for era in ["0.10.2", "1.1", "2.0.0", "2.0.1"] {
        check_worlds(era, Faults::Any, 5);
    }
}

#[test]
fn checkers_agree_with_a_full_look_in_random_worlds_from_2_8_on() {
    for era in ["2.8.0", "2.8.1", "3.0"] {
        check_worlds(era, Faults::Any, 5);
    }
}

#[test]
fn nothing_breaks_in_random_worlds_of_2_8_and_3_0() {
    for era in ["2.8.2", "3.0"] {
        check_worlds(era, Faults::Harmless, 8);
    }
}

#[test]
fn nothing_breaks_in_random_worlds_of_3_4_and_3_9() {
    for era in ["3.4", "3.9"] {
        check_worlds(era, Faults::Harmless, 8);
    }
}

#[test]
fn what_power_takes_is_judged_by_what_was_promised_when_it_was_committed() {
    let raised = one_page_cache_is_lost(1, 2);
    let allowed = |name: &str| (name.to_owned(), Some("power-loss"));
    assert_eq!(raised, Outcome { violates: Vec::new(), loses: vec![allowed("m1"), allowed("m2")] });
    let lowered = one_page_cache_is_lost(2, 1);
    assert_eq!(lowered.loses, [("m1".to_owned(), None)]);
    assert!(lowered.violates.contains(&"acked-durable".to_owned()), "{lowered:?}");
}

#[test]
fn a_leaving_broker_is_let_into_the_isr_again_where_no_fetch_has_an_epoch() {
    for (era, broken) in [("0.10.2", true), ("1.1", true), ("2.4", false), ("2.8", false), ("3.3", false)] {
        let outcome = planted::run(era, "", r#""eligible-isr""#, planted::A_LEAVING_BROKER_FETCHES_ON);
        assert_eq!(outcome.violates.contains(&"eligible-isr".to_owned()), broken, "{era}: {outcome:?}");
        assert!(outcome.violates.len() <= 1, "{era}: {outcome:?}");
    }
}

#[test]
fn a_consumer_skips_what_replaced_its_past_up_to_2_2() {
    let unclean = r#", "unclean.leader.election.enable": true"#;
    for (era, broken) in [("1.1", true), ("2.2.2", true), ("2.3.0", false), ("3.9", false)] {
        let outcome = planted::run(era, unclean, "", planted::A_CONSUMER_SLEEPS_THROUGH_AN_UNCLEAN_ELECTION);
        let expected = if broken { vec!["no-silent-gap".to_owned()] } else { Vec::new() };
        assert_eq!(outcome.violates, expected, "{era}");
        assert_eq!(outcome.loses, [("m3".to_owned(), Some("unclean-election"))], "{era}");
    }
}
