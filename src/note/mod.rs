//! Notes: protocol facts that a node reports, in Kafka's and TLA+'s terms, for stories, `sees` and coverage.
//!
//! A note explains; it decides nothing. Checkers never read one. One file per kind of node; each variant has a stable
//! name ([`Note::name`]) by which a scenario's `"sees"` asks for it.

pub mod broker;
pub mod client;
pub mod controller;
pub mod group;
pub mod replica;
pub mod zookeeper;

pub use broker::BrokerNote;
pub use client::ClientNote;
pub use controller::ControllerNote;
pub use group::GroupNote;
pub use replica::ReplicaNote;
pub use zookeeper::ZooKeeperNote;

use crate::ids::TopicPartition;
use std::sync::Arc;

/// A rule that decided: its name and its value.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Decided {
    /// The rule.
    pub rule: &'static str,
    /// Its value.
    pub value: &'static str,
}

impl Decided {
    /// What `rule` says.
    pub fn by<R: crate::rules::Rule>(rule: R) -> Decided {
        Decided { rule: R::NAME, value: rule.name() }
    }
}

/// A protocol fact.
#[derive(Clone, PartialEq, Debug)]
pub enum Note {
    /// About one replica of one partition.
    Replica(TopicPartition, ReplicaNote),
    /// About a broker as a process.
    Broker(BrokerNote),
    /// About the controller.
    Controller(ControllerNote),
    /// About ZooKeeper.
    ZooKeeper(ZooKeeperNote),
    /// About a consumer group, by its coordinator.
    Group(Arc<str>, GroupNote),
    /// About a producer, a consumer or an operator's tool.
    Client(ClientNote),
}

impl Note {
    /// A stable name, such as `Truncated`.
    pub fn name(&self) -> &'static str {
        match self {
            Note::Replica(_, note) => note.name(),
            Note::Broker(note) => note.name(),
            Note::Controller(note) => note.name(),
            Note::ZooKeeper(note) => note.name(),
            Note::Group(_, note) => note.name(),
            Note::Client(note) => note.name(),
        }
    }

    /// The rule that decided, if one did.
    pub fn decided(&self) -> Option<Decided> {
        match self {
            Note::Replica(_, note) => note.decided(),
            _ => None,
        }
    }
}

/// Declares an enum of notes, each variant with its name as text.
macro_rules! notes {
    ($(#[$doc:meta])* $kind:ident {
        $($(#[$variant_doc:meta])* $variant:ident $({ $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })?,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub enum $kind { $($(#[$variant_doc])* $variant $({ $($(#[$field_doc])* $field: $type,)* })?,)* }

        impl $kind {
            /// Every name.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($variant),)*];

            /// A stable name.
            pub fn name(&self) -> &'static str {
                match self { $($kind::$variant { .. } => stringify!($variant),)* }
            }
        }
    };
}
use notes;
