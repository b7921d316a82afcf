//! Whether a control request names the life of the broker it is meant for.
//!
//! A broker that dies and comes back quickly can be reached by what the controller sent to its former life. From 2.2
//! (KIP-380) each control request carries the broker epoch, the zxid of the registration. A request for a *newer*
//! life than the broker knows of itself can happen too, since the controller may hear of a registration first: up to
//! 2.5.0 the broker takes that for a bug and answers with an unexpected error (KAFKA-9839).

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::BrokerEpoch;

rule! {
    /// Whether a control request names the life of the broker it is meant for.
    BrokerEpochCheck("broker-epoch") {
        /// No: a message for an earlier life is carried out.
        None("none", "before KIP-380", [(Release::FIRST, Release::new(2, 2, 0))]),
        /// Yes: STALE_BROKER_EPOCH for an earlier life, UNKNOWN_SERVER_ERROR for a later one.
        Exact("exact", "KIP-380", [(Release::new(2, 2, 0), Release::new(2, 5, 1))]),
        /// Yes: STALE_BROKER_EPOCH for an earlier life; a later one is believed.
        Fenced("fenced", "KAFKA-9839", [(Release::new(2, 5, 1), Release::NEXT)]),
    }
}

/// Whether a request meant for the life `request` (none: the sender does not say) may be carried out in the life `own`.
///
/// # Errors
/// STALE_BROKER_EPOCH, or in the middle years UNKNOWN_SERVER_ERROR.
pub fn validate(
    rule: BrokerEpochCheck,
    own: BrokerEpoch,
    request: Option<BrokerEpoch>,
) -> Result<(), KafkaError> {
    let Some(request) = request else { return Ok(()) };
    match rule {
        BrokerEpochCheck::None => Ok(()),
        BrokerEpochCheck::Exact | BrokerEpochCheck::Fenced if request < own => {
            Err(KafkaError::StaleBrokerEpoch)
        }
        BrokerEpochCheck::Exact if request > own => Err(KafkaError::UnknownServerError),
        BrokerEpochCheck::Exact | BrokerEpochCheck::Fenced => Ok(()),
    }
}

/// Whether a broker that is registered in the life `registered` is let go because it has asked for it in the life `asked`
/// (none: it does not say). A later life than the controller has heard of is believed in every release.
///
/// # Errors
/// STALE_BROKER_EPOCH.
pub fn validate_shutdown(
    rule: BrokerEpochCheck,
    registered: BrokerEpoch,
    asked: Option<BrokerEpoch>,
) -> Result<(), KafkaError> {
    match rule {
        BrokerEpochCheck::None => Ok(()),
        BrokerEpochCheck::Exact | BrokerEpochCheck::Fenced => {
            match asked.is_some_and(|asked| asked < registered) {
                true => Err(KafkaError::StaleBrokerEpoch),
                false => Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_life_that_asks_for_leave() {
        use BrokerEpochCheck::{Exact, Fenced, None};
        let is_let_go =
            |rule, asked: i64| validate_shutdown(rule, BrokerEpoch(7), Some(BrokerEpoch(asked))).is_ok();
        assert!(is_let_go(None, 6) && !is_let_go(Exact, 6) && !is_let_go(Fenced, 6));
        assert!([None, Exact, Fenced].into_iter().all(|rule| is_let_go(rule, 7) && is_let_go(rule, 8)));
        assert!(
            [None, Exact, Fenced]
                .iter()
                .all(|rule| validate_shutdown(*rule, BrokerEpoch(7), Option::None).is_ok())
        );
    }

    #[test]
    fn a_broker_in_life_7_and_what_it_hears() {
        use BrokerEpochCheck::{Exact, Fenced, None};
        let mut table = String::new();
        for request in [6, 7, 8] {
            table += &format!("for {request}:");
            for rule in [None, Exact, Fenced] {
                let outcome = match validate(rule, BrokerEpoch(7), Some(BrokerEpoch(request))) {
                    Ok(()) => "heard".to_owned(),
                    Err(error) => error.to_string(),
                };
                table += &format!(" {rule} {outcome}");
            }
            table += "\n";
        }
        let expected = "\
for 6: none heard exact STALE_BROKER_EPOCH fenced STALE_BROKER_EPOCH
for 7: none heard exact heard fenced heard
for 8: none heard exact UNKNOWN_SERVER_ERROR fenced heard
";
        assert_eq!(table, expected);
    }
}
