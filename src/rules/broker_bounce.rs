//! Whether the controller sees that a broker came back in another life before anybody looked.

use crate::era::Release;
use crate::ids::{BrokerEpoch, BrokerId};
use std::collections::BTreeMap;

rule! {
    /// Whether the controller sees that a broker came back in another life before anybody looked.
    BrokerBounce("broker-bounce") {
        /// No: the id is there as before, so nothing has happened.
        Unseen("unseen", "before KIP-380", [(Release::FIRST, Release::new(2, 2, 0))]),
        /// Yes, by the broker epoch: it failed and started.
        Detected("detected", "KIP-380", [(Release::new(2, 2, 0), Release::NEXT)]),
    }
}

/// What a look at `/brokers/ids` shows. All lists ascend.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BrokerChanges {
    /// Not known before.
    pub started: Vec<BrokerId>,
    /// Known, in an earlier life.
    pub bounced: Vec<BrokerId>,
    /// Not there any more.
    pub failed: Vec<BrokerId>,
    /// Whether the list as it is replaces the known one at once, or brokers enter and leave it one kind after the
    /// other.
    pub replaces_at_once: bool,
}

impl BrokerBounce {
    /// Compares the brokers known with those registered.
    pub fn compare(
        self,
        known: &BTreeMap<BrokerId, BrokerEpoch>,
        registered: &BTreeMap<BrokerId, BrokerEpoch>,
    ) -> BrokerChanges {
        let detects = match self {
            BrokerBounce::Unseen => false,
            BrokerBounce::Detected => true,
        };
        let is_bounced =
            |broker: &BrokerId, epoch: &BrokerEpoch| known.get(broker).is_some_and(|old| epoch > old);
        BrokerChanges {
            started: registered.keys().filter(|broker| !known.contains_key(broker)).copied().collect(),
            bounced: registered
                .iter()
                .filter(|(broker, epoch)| detects && is_bounced(broker, epoch))
                .map(|(broker, _)| *broker)
                .collect(),
            failed: known.keys().filter(|broker| !registered.contains_key(broker)).copied().collect(),
            replaces_at_once: !detects,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        let map = |pairs: &[(i32, i64)]| -> BTreeMap<BrokerId, BrokerEpoch> {
            pairs.iter().map(|(id, epoch)| (BrokerId(*id), BrokerEpoch(*epoch))).collect()
        };
        let ids = |ids: &[i32]| -> Vec<BrokerId> { ids.iter().map(|id| BrokerId(*id)).collect() };
        let known = map(&[(1, 10), (2, 11), (3, 12)]);
        let registered = map(&[(1, 10), (3, 20), (4, 21)]);
        let seen = BrokerBounce::Detected.compare(&known, &registered);
        assert_eq!((seen.started, seen.bounced, seen.failed), (ids(&[4]), ids(&[3]), ids(&[2])));
        let unseen = BrokerBounce::Unseen.compare(&known, &registered);
        assert_eq!((unseen.started, unseen.bounced, unseen.failed), (ids(&[4]), ids(&[]), ids(&[2])));
    }
}
