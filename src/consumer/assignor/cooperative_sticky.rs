//! `CooperativeStickyAssignor` (KIP-429): the sticky assignment, but what has to leave a member is given to nobody yet.
//! The member that loses it gives it up and rejoins; the round after that gives it to its new owner.
//!
//! Members say themselves what they own. Of which generation that is they say from 2.8.1 on, in bytes of their
//! assignor's own (KAFKA-13081), and from 3.4 on in a field of the subscription (KIP-792).

use super::sticky::{self, Claims, MemberData};
use super::{Assigned, AssignorState, Group, NO_GENERATION, Subscription, Thrown, remove_first};
use crate::era::Era;
use crate::ids::TopicPartition;
use bytes::{Buf, Bytes};
use std::collections::{BTreeMap, BTreeSet};

/// Deals partitions out, and holds back what another member still has.
pub(super) fn assign<'a>(group: &Group<'a>, state: &mut AssignorState) -> Result<Assigned<'a>, Thrown> {
    let outcome = sticky::assign(group, Claims::Owned, state)?;
    let mut assigned = outcome.assigned;
    let transferring = match outcome.transferring {
        Some(transferring) => transferring,
        None => changes_hands(group, &assigned),
    };
    for (partition, member) in transferring {
        remove_first(assigned.get_mut(member).ok_or(Thrown::NullPointer)?, partition);
    }
    Ok(assigned)
}

/// What one member is to get and another one has (`computePartitionsTransferringOwnership`).
fn changes_hands<'a>(group: &Group<'a>, assigned: &Assigned<'a>) -> BTreeMap<TopicPartition, &'a str> {
    let mut added = BTreeMap::new();
    let mut revoked = BTreeSet::new();
    for (member, partitions) in assigned.iter() {
        let owned = &group.subscription(member).owned;
        let gets = partitions.iter().copied().filter(|partition| !owned.contains(partition));
        added.extend(gets.map(|partition| (partition, *member)));
        revoked.extend(owned.iter().copied().filter(|partition| !partitions.contains(partition)));
    }
    added.retain(|partition, _| revoked.contains(partition));
    added
}

/// The generation of what the member owns, in those releases that say it so.
pub(super) fn user_data(state: &AssignorState, era: &Era) -> Option<Bytes> {
    let says = era.rules.subscription_generation.in_user_data();
    says.then(|| Bytes::copy_from_slice(&state.generation.to_be_bytes()))
}

/// What a member claims. A leader reads whatever it is sent, in either form.
pub(super) fn member_data(subscription: &Subscription) -> MemberData {
    let of_bytes = |data: &Bytes| data.clone().try_get_i32().unwrap_or(NO_GENERATION);
    let generation = subscription.generation.or(subscription.user_data.as_ref().map(of_bytes));
    MemberData { partitions: subscription.owned.clone(), generation }
}
