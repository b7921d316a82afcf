//! Changing a topic's settings (`kafka-configs.sh --alter --entity-type topics`: `ConfigCommand`).
//!
//! 1. Read what is set. A setting to be removed must be there.
//! 2. Look at the name, whether the topic exists, and at the settings as they would be.
//! 3. Write all of them to `/config/topics/<topic>`, then tell the brokers by a znode below `/config/changes`.

use super::tool::{
    Next, Step, WriteConfig, data_of, exists, failed, found, only, refused, unexpected, validate_settings,
};
use super::topic_name;
use crate::command::OperatorError;
use crate::era::{Era, Release};
use crate::error::KafkaError;
use crate::ids::Topic;
use crate::messages::zookeeper::{Op, OpResult, ZkError};
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{CONFIG_CHANGES, ZnodeData, topic_config_path, topic_path};
use std::collections::BTreeMap;

/// A change of a topic's settings.
#[derive(Clone, Debug)]
pub(super) struct AlterTopicConfig {
    topic: Topic,
    changes: BTreeMap<String, Option<String>>,
    /// What will be set in the end.
    settings: BTreeMap<String, String>,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Begin,
    Fetch,
    Exists,
    Config(WriteConfig),
    Notify,
}

impl AlterTopicConfig {
    pub fn new(topic: Topic, changes: BTreeMap<String, Option<String>>) -> AlterTopicConfig {
        AlterTopicConfig { topic, changes, settings: BTreeMap::new(), stage: Stage::Begin }
    }

    pub fn proceed(&mut self, outcome: Outcome, era: &Era) -> Step {
        match &mut self.stage {
            Stage::Begin => {
                if self.changes.is_empty() {
                    let message =
                        "At least one of --add-config or --delete-config must be specified with --alter";
                    return Err(refused(KafkaError::InvalidRequest, message));
                }
                self.stage = Stage::Fetch;
                Ok(Next::Ask(vec![data_of(topic_config_path(self.topic))]))
            }
            Stage::Fetch => {
                self.settings = match only(outcome) {
                    Ok(OpResult::Data(ZnodeData::Config(settings), _)) => (*settings).clone(),
                    _ => BTreeMap::new(),
                };
                self.change()?;
                topic_name::validate(self.topic.name(), era)?;
                self.stage = Stage::Exists;
                Ok(Next::Ask(vec![exists(topic_path(self.topic))]))
            }
            Stage::Exists => {
                if !found(outcome) {
                    return Err(no_such_topic(self.topic, era));
                }
                validate_settings(&self.settings, era)?;
                let settings = std::mem::take(&mut self.settings);
                let writing = WriteConfig::new(topic_config_path(self.topic), settings);
                let next = writing.ask();
                self.stage = Stage::Config(writing);
                Ok(next)
            }
            Stage::Config(writing) => {
                if !writing.is_written(outcome)? {
                    return Ok(writing.ask());
                }
                self.stage = Stage::Notify;
                Ok(Next::Ask(vec![Op::Create {
                    path: format!("{CONFIG_CHANGES}/config_change_").into(),
                    data: ZnodeData::ConfigChange(format!("topics/{}", self.topic).into()),
                    ephemeral: false,
                    sequential: true,
                }]))
            }
            Stage::Notify => match only(outcome) {
                // A number that exists can only be one's own, sent again after a lost connection.
                Ok(_) | Err(ZkError::NodeExists) => Ok(Next::Done),
                Err(error) => Err(unexpected(error, CONFIG_CHANGES)),
            },
        }
    }

    fn change(&mut self) -> Result<(), OperatorError> {
        let gone =
            self.changes.iter().filter(|(name, value)| value.is_none() && !self.settings.contains_key(*name));
        let gone: Vec<&str> = gone.map(|(name, _)| name.as_str()).collect();
        if !gone.is_empty() {
            let message = format!("Invalid config(s): {}", gone.join(","));
            return Err(refused(KafkaError::InvalidConfig, message));
        }
        for (name, value) in &self.changes {
            match value {
                Some(value) => self.settings.insert(name.clone(), value.clone()),
                None => self.settings.remove(name),
            };
        }
        Ok(())
    }
}

/// The topic does not exist; an error with a code of its own from 2.7 on (KAFKA-10033).
fn no_such_topic(topic: Topic, era: &Era) -> OperatorError {
    const HAS_CODE: &[(Release, bool)] = &[(Release::FIRST, false), (Release::new(2, 7, 0), true)];
    if era.release.look_up(HAS_CODE) == Some(&true) {
        refused(KafkaError::UnknownTopicOrPartition, format!("Topic '{topic}' does not exist."))
    } else {
        failed(format!("Topic \"{topic}\" does not exist."))
    }
}
