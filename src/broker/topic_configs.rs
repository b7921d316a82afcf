//! Topic settings as they stand in ZooKeeper (`DynamicConfigManager`, `ZkNodeChangeNotificationListener`,
//! `LogManager`).
//!
//! 1. At start all of `/config/topics` is read.
//! 2. `/config/changes` is watched. A child that is newer than the last one seen names a topic; its settings are read
//!    again.
//! 3. Before a log is created the settings of its topic are read, since nothing announces those of a new topic.
//!
//! Left out: settings of brokers, clients and users; removal of notifications after 15 minutes; the check of a topic's
//! settings against the message format. Settings that cannot be (Kafka's tools refuse to write them) count as none.

use crate::config::TopicConfig;
use crate::era::Era;
use crate::ids::Topic;
use crate::messages::zookeeper::{Op, OpResult, Path, WatchEvent, ZkError};
use crate::node::Env;
use crate::zookeeper::session::{Outcome, Session, SessionUser, Ticket};
use crate::zookeeper::znode::{self, CONFIG_CHANGES, TOPIC_CONFIGS, ZnodeData};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The settings of all topics that were ever asked for.
#[derive(Clone, Debug)]
pub struct TopicConfigs {
    era: Arc<Era>,
    defaults: TopicConfig,
    known: BTreeMap<Topic, TopicConfig>,
    /// The newest notification that was seen.
    last_change: i64,
    readings: BTreeMap<Ticket, Reading>,
    /// Still to be read, in this ZooKeeper session or its successor.
    wanted: BTreeSet<Topic>,
}

#[derive(Clone, Debug)]
enum Reading {
    /// The names under `/config/changes`.
    Changes,
    /// What these notifications say.
    Notifications(Vec<i64>),
    /// The settings of these topics; whether because a notification named them.
    Topics { topics: Vec<Topic>, announced: bool },
}

/// A topic whose settings are known from now on.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct TopicRead {
    /// Which.
    pub topic: Topic,
    /// A notification named it, and its own settings allow unclean election: the controller wants to hear of that.
    pub unclean_announced: bool,
}

impl TopicConfigs {
    /// Nothing is known yet; a topic without settings of its own will have `defaults`.
    pub fn new(era: &Arc<Era>, defaults: &TopicConfig) -> TopicConfigs {
        TopicConfigs {
            era: Arc::clone(era),
            defaults: defaults.clone(),
            known: BTreeMap::new(),
            last_change: -1,
            readings: BTreeMap::new(),
            wanted: BTreeSet::new(),
        }
    }

    /// A topic's settings, if they were read.
    pub fn get(&self, topic: Topic) -> Option<&TopicConfig> {
        self.known.get(&topic)
    }

    /// Forgets a topic that is gone: one of the same name may have other settings.
    pub fn forget(&mut self, topic: Topic) {
        self.known.remove(&topic);
    }

    /// The operation that names the topics with settings of their own: part of what a start asks for.
    pub fn list_topics() -> Op {
        Op::GetChildren { path: TOPIC_CONFIGS.into(), watch: false }
    }

    /// Reads the settings of topics.
    pub fn read(&mut self, topics: Vec<Topic>, session: &mut Session, env: &mut Env<'_>) {
        self.read_topics(topics, false, session, env);
    }

    fn read_topics(&mut self, topics: Vec<Topic>, announced: bool, session: &mut Session, env: &mut Env<'_>) {
        if topics.is_empty() {
            return;
        }
        self.wanted.extend(&topics);
        let ops = topics.iter().map(|topic| get(znode::topic_config_path(*topic))).collect();
        let ticket = session.submit(SessionUser::Broker, ops, env);
        self.readings.insert(ticket, Reading::Topics { topics, announced });
    }

    /// Watches `/config/changes`, and looks at what is there already.
    pub fn watch(&mut self, session: &mut Session, env: &mut Env<'_>) {
        let children = Op::GetChildren { path: CONFIG_CHANGES.into(), watch: true };
        let ticket = session.submit(SessionUser::Broker, vec![children], env);
        self.readings.insert(ticket, Reading::Changes);
    }

    /// A new session stands: its watches are new, and what the old one was asked for has to be asked again.
    pub fn on_new_session(&mut self, session: &mut Session, env: &mut Env<'_>) {
        self.readings.clear();
        self.watch(session, env);
        let wanted = std::mem::take(&mut self.wanted).into_iter().collect();
        self.read_topics(wanted, true, session, env);
    }

    /// A watch fired, perhaps this one.
    pub fn on_watch(&mut self, event: &WatchEvent, session: &mut Session, env: &mut Env<'_>) {
        if &*event.path == CONFIG_CHANGES {
            self.watch(session, env);
        }
    }

    /// Whether this submission was made here.
    pub fn awaits(&self, ticket: Ticket) -> bool {
        self.readings.contains_key(&ticket)
    }

    /// A submission was answered. The topics whose settings are now known.
    pub fn on_outcome(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        session: &mut Session,
        env: &mut Env<'_>,
    ) -> Vec<TopicRead> {
        match self.readings.remove(&ticket) {
            Some(Reading::Changes) => {
                if let Some(Ok(OpResult::Children(names))) = outcome.first() {
                    self.read_notifications(names, session, env);
                }
            }
            Some(Reading::Notifications(numbers)) => {
                let mut changed = BTreeSet::new();
                for (number, result) in numbers.iter().zip(&outcome) {
                    // With the session gone they are looked at again in the next.
                    if let Err(ZkError::SessionExpired) = result {
                        break;
                    }
                    self.last_change = self.last_change.max(*number);
                    if let Ok(OpResult::Data(ZnodeData::ConfigChange(entity), _)) = result {
                        changed.extend(entity.strip_prefix("topics/").map(Topic::new));
                    }
                }
                self.read_topics(changed.into_iter().collect(), true, session, env);
            }
            Some(Reading::Topics { topics, announced }) => return self.take_in(topics, announced, outcome),
            None => {}
        }
        Vec::new()
    }

    fn read_notifications(&mut self, names: &[String], session: &mut Session, env: &mut Env<'_>) {
        let numbered = names.iter().filter_map(|name| {
            let number: i64 = name.strip_prefix("config_change_")?.parse().ok()?;
            (number > self.last_change).then_some((number, name))
        });
        let newer: BTreeMap<i64, &String> = numbered.collect();
        if newer.is_empty() {
            return;
        }
        let ops = newer.values().map(|name| get(format!("{CONFIG_CHANGES}/{name}").into())).collect();
        let ticket = session.submit(SessionUser::Broker, ops, env);
        self.readings.insert(ticket, Reading::Notifications(newer.into_keys().collect()));
    }

    fn take_in(&mut self, topics: Vec<Topic>, announced: bool, outcome: Outcome) -> Vec<TopicRead> {
        let mut read = Vec::with_capacity(topics.len());
        for (topic, result) in topics.into_iter().zip(outcome) {
            let settings: Vec<(String, String)> = match result {
                Ok(OpResult::Data(ZnodeData::Config(settings), _)) => {
                    settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
                }
                // Still wanted: the next session will be asked.
                Err(ZkError::SessionExpired) => continue,
                _ => Vec::new(),
            };
            let config = self.defaults.with(&self.era, &settings).unwrap_or_else(|_| self.defaults.clone());
            let own = settings.iter().any(|(name, _)| name == "unclean.leader.election.enable");
            let unclean_announced = announced && own && config.unclean_leader_election;
            self.known.insert(topic, config);
            self.wanted.remove(&topic);
            read.push(TopicRead { topic, unclean_announced });
        }
        read
    }
}

fn get(path: Path) -> Op {
    Op::GetData { path, watch: false }
}

#[cfg(test)]
#[path = "topic_configs_tests.rs"]
mod tests;
