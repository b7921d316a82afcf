//! A property of one's own, over random plans: proptest gives the plan, makes it smaller, and prints it as a scenario file.

use proptest::prelude::*;
use std::collections::BTreeMap;
use trial::strategies::plans;

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    /// Whatever happens, nobody waits for an acknowledgement longer than `delivery.timeout.ms` (two minutes, unless set).
    #[test]
    fn nobody_waits_forever(plan in plans("network").era("3.9")) {
        let run = plan.run();
        if let Some((partition, wait)) = run.longest_wait {
            prop_assert!(wait.millis() <= 120_000, "{partition}: {} ms", wait.millis());
        }
    }

    /// No two brokers are ever controller in the same epoch: looked at after every event.
    #[test]
    fn every_controller_has_an_epoch_of_its_own(plan in plans("elections").era("3.9")) {
        let (mut owners, mut shared) = (BTreeMap::new(), None);
        plan.run_watched(&mut |world| {
            for (node, broker) in world.nodes.brokers() {
                if let Some(epoch) = broker.controller_epoch() && *owners.entry(epoch).or_insert(node) != node {
                    shared = Some(epoch);
                }
            }
            shared.is_none()
        });
        prop_assert!(shared.is_none(), "{shared:?}");
    }
}
