//! Deleting a topic (`kafka-topics.sh --delete`: `TopicCommand`).
//!
//! 1. Read which topics there are; the topic must be one of them, and none of Kafka's own.
//! 2. Create `/admin/delete_topics/<topic>`. It stands until the controller is done with it: the tool does not wait. A topic
//!    that is marked already is marked.
//!
//! Whether anything happens then is the controller's to decide: nothing with `delete.topic.enable=false`, which was the
//! default up to 0.11. Left out: `--if-exists`, lists of topics; from 3.0 on the tool asks a broker, which refuses itself
//! where deletion is off, and waits until it is done.

use super::tool::{Next, Step, children_of, create, failed, names, only, unexpected};
use crate::era::{Era, Release};
use crate::ids::Topic;
use crate::messages::zookeeper::ZkError;
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{DELETE_TOPICS, TOPICS, ZnodeData};

/// Kafka's own topics.
const INTERNAL: [&str; 2] = ["__consumer_offsets", "__transaction_state"];

/// A deletion to be asked for.
#[derive(Clone, Debug)]
pub(super) struct DeleteTopic {
    topic: Topic,
    stage: Stage,
}

#[derive(Copy, Clone, Debug)]
enum Stage {
    Begin,
    AllTopics,
    Mark,
}

impl DeleteTopic {
    pub fn new(topic: Topic) -> DeleteTopic {
        DeleteTopic { topic, stage: Stage::Begin }
    }

    pub fn proceed(&mut self, outcome: Outcome, era: &Era) -> Step {
        let topic = self.topic.name();
        match self.stage {
            Stage::Begin => {
                self.stage = Stage::AllTopics;
                Ok(Next::Ask(vec![children_of(TOPICS.into())]))
            }
            Stage::AllTopics => {
                if !names(only(outcome)).iter().any(|name| name == topic) {
                    return Err(failed(unknown(topic, era)));
                }
                if INTERNAL.contains(&topic) {
                    return Err(failed(format!(
                        "Topic {topic} is a kafka internal topic and is not allowed to be marked for deletion."
                    )));
                }
                self.stage = Stage::Mark;
                Ok(Next::Ask(vec![create(format!("{DELETE_TOPICS}/{topic}").into(), ZnodeData::Empty)]))
            }
            Stage::Mark => match only(outcome) {
                Ok(_) | Err(ZkError::NodeExists) => Ok(Next::Done),
                Err(error) => Err(unexpected(error, &format!("{DELETE_TOPICS}/{topic}"))),
            },
        }
    }
}

/// An `IllegalArgumentException`, in the words of the release.
fn unknown(topic: &str, era: &Era) -> String {
    type Words = fn(&str) -> String;
    const WORDS: &[(Release, Words)] = &[
        (Release::FIRST, |topic| format!("Topic {topic} does not exist on ZK path zookeeper:2181")),
        (Release::new(2, 2, 0), |_| "Topics in [] does not exist".to_owned()),
        (Release::new(2, 4, 0), |topic| format!("Topic '{topic}' does not exist as expected")),
    ];
    era.release.look_up(WORDS).expect("the first entry is for all")(topic)
}
