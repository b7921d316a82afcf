//! Apache Kafka's cluster as sans-IO state machines: brokers, the controller, ZooKeeper, producers, consumers.
//!
//! Nothing here reads a clock, opens a socket or a file, draws entropy or spawns anything: all of it is lent, one step
//! at a time, through [`node::Env`]. Any driver that keeps the rules of [`node`] can run a cluster; the one in `sim/`
//! does it in one thread, from one seed.
//!
//! In reading order: [`node`] is the contract; [`time`], [`ids`], [`error`], [`disk`] its vocabulary; [`era`] and
//! [`rules`] what changed from release to release; [`messages`] what nodes say to each other; [`note`] what they report.

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
pub mod ids;
pub mod log;
pub mod messages;
pub mod node;
pub mod note;
pub mod producer;
pub mod rules;
#[cfg(test)]
pub(crate) mod testing;
pub mod time;
pub mod zookeeper;
