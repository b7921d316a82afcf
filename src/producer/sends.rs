//! Tells the application what became of its sends: once each, when the last of a send's batches is done.

use super::batches::ProducerBatch;
use crate::command::{ClientError, Delivery, SendId};
use crate::ids::{BrokerId, Offset};
use crate::node::{Effect, Env};
use std::collections::BTreeMap;

/// Sends of several batches, of which some are done.
#[derive(Clone, Default, Debug)]
pub(super) struct Sends {
    unfinished: BTreeMap<SendId, Unfinished>,
}

/// What is known of a send whose batches are not all done.
#[derive(Clone, Debug)]
struct Unfinished {
    left: u32,
    base_offset: Option<Offset>,
    error: Option<ClientError>,
    /// Whether anything of it is, or may be, in the log.
    may_have_been_appended: bool,
}

impl Sends {
    /// A batch is done: acked by a broker at an offset, or failed.
    pub(super) fn finish(
        &mut self,
        batch: &ProducerBatch,
        outcome: Result<(Option<Offset>, BrokerId), ClientError>,
        env: &mut Env<'_>,
    ) {
        let (piece, pieces) = batch.piece;
        let (send, partition) = (batch.send, batch.partition);
        if pieces == 1 {
            env.push(Effect::Deliver(match outcome {
                Ok((base_offset, broker)) => Delivery::Acked { send, partition, base_offset, broker },
                Err(error) => {
                    let may_have_been_appended = batch.may_have_been_appended;
                    Delivery::Failed { send, partition, error, may_have_been_appended }
                }
            }));
            return;
        }
        let unfinished = self.unfinished.entry(send).or_insert(Unfinished {
            left: pieces,
            base_offset: None,
            error: None,
            may_have_been_appended: false,
        });
        unfinished.left -= 1;
        unfinished.may_have_been_appended |= outcome.is_ok() || batch.may_have_been_appended;
        match outcome {
            Ok((offset, _)) if piece == 0 => unfinished.base_offset = offset,
            Ok(_) => {}
            Err(error) => unfinished.error = unfinished.error.or(Some(error)),
        }
        if unfinished.left > 0 {
            return;
        }
        let done = self.unfinished.remove(&send).expect("found above");
        env.push(Effect::Deliver(match (done.error, outcome) {
            (None, Ok((_, broker))) => {
                Delivery::Acked { send, partition, base_offset: done.base_offset, broker }
            }
            (error, outcome) => {
                let error = error.or(outcome.err()).expect("a send without an error is acked");
                Delivery::Failed {
                    send,
                    partition,
                    error,
                    may_have_been_appended: done.may_have_been_appended,
                }
            }
        }));
    }
}
