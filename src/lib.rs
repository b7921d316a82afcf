//! Apache Kafka's cluster as sans-IO state machines: brokers, the controller, ZooKeeper, producers, consumers.
//!
//! Nothing here reads a clock, opens a socket or a file, draws entropy or spawns anything: all of it is lent, one step
//! at a time, through [`node::Env`]. Any driver that keeps the rules of [`node`] can run a cluster; the one in `sim/`
//! does it in one thread, from one seed.
//!
//! In reading order:
//!
//! 1. [`node`] is the contract; [`command`], [`disk`], [`time`], [`ids`], [`error`] its vocabulary.
//! 2. [`era`] and [`rules`]: what changed from release to release. [`messages`]: what nodes say to each other.
//!    [`note`]: what they report. [`config`]: their settings.
//! 3. [`log`] is a partition on disk. [`broker`] and [`controller`] are the processes that hold partitions and decide
//!    who leads them; [`zookeeper`] is where they agree.
//! 4. [`client`] is what [`producer`] and [`consumer`] share; [`group`] is where consumers meet; [`admin`] an operator's
//!    tools.
//!
//! A release is read as a set of rules, each of which decides one thing:
//!
//! ```
//! use kafka::era::Era;
//!
//! let old = Era::parse("0.10.2").unwrap();
//! let new = Era::parse("0.11.0").unwrap();
//! assert_eq!((old.to_string(), new.to_string()), ("0.10.2.2".to_owned(), "0.11.0.3".to_owned()));
//! // KIP-101: a follower no longer cuts its log at its own high watermark.
//! assert_eq!(old.rules.truncation.to_string(), "to-high-watermark");
//! assert_eq!(new.rules.truncation.to_string(), "to-epoch-end");
//! ```

pub mod admin;
pub mod broker;
pub mod client;
pub mod command;
pub mod config;
pub mod consumer;
pub mod controller;
pub mod disk;
pub mod era;
pub mod error;
pub mod group;
pub mod ids;
pub mod log;
pub mod messages;
pub mod node;
pub mod note;
pub mod partition_map;
pub mod producer;
pub mod rules;
#[cfg(test)]
pub(crate) mod testing;
pub mod time;
pub mod zookeeper;
