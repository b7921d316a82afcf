//! Which names a topic may have (`Topic.validate`, `Topic.hasCollision`).

use super::tool::refused;
use crate::command::OperatorError;
use crate::era::{Era, Release};
use crate::error::KafkaError;

/// `MAX_NAME_LENGTH`.
const MAX_LENGTH: usize = 249;

/// From 0.11 on the messages are those of the clients' library.
const IN_CLIENTS: &[(Release, bool)] = &[(Release::FIRST, false), (Release::new_0(11, 0, 0), true)];

fn is_legal(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-')
}

/// Refuses a name that no topic may have.
pub(super) fn validate(name: &str, era: &Era) -> Result<(), OperatorError> {
    let in_clients = era.release.look_up(IN_CLIENTS) == Some(&true);
    let message = if name.is_empty() {
        if in_clients {
            "Topic name is illegal, it can't be empty"
        } else {
            "topic name is illegal, can't be empty"
        }
        .to_owned()
    } else if matches!(name, "." | "..") {
        let subject = if in_clients { "Topic" } else { "topic" };
        format!("{subject} name cannot be \".\" or \"..\"")
    } else if name.encode_utf16().count() > MAX_LENGTH {
        if in_clients {
            format!(
                "Topic name is illegal, it can't be longer than {MAX_LENGTH} characters, topic name: {name}"
            )
        } else {
            format!("topic name is illegal, can't be longer than {MAX_LENGTH} characters")
        }
    } else if !name.chars().all(is_legal) {
        let legal = "a character other than ASCII alphanumerics, '.', '_' and '-'";
        if in_clients {
            format!("Topic name \"{name}\" is illegal, it contains {legal}")
        } else {
            let gap = if name.chars().any(is_legal) { "" } else { " " };
            format!("topic name {name} is illegal, {gap}contains {legal}")
        }
    } else {
        return Ok(());
    };
    Err(refused(KafkaError::InvalidTopic, message))
}

/// Whether the name has a character that could make it collide with another one in the names of metrics.
pub(super) fn has_collision_characters(name: &str) -> bool {
    name.contains(['.', '_'])
}

/// Whether two names differ in nothing but `.` and `_`.
pub(super) fn collide(one: &str, other: &str) -> bool {
    one.replace('.', "_") == other.replace('.', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str, release: &str) -> Option<String> {
        validate(name, &Era::parse(release).expect("a release")).err().map(|refusal| refusal.message)
    }

    #[test]
    fn names_are_refused_in_the_words_of_the_release() {
        for good in ["a", "A.b_c-9", &"x".repeat(249), "..."] {
            assert_eq!(message(good, "0.10.2"), None);
            assert_eq!(message(good, "2.8"), None);
        }
        assert_eq!(message("", "0.10.2").as_deref(), Some("topic name is illegal, can't be empty"));
        assert_eq!(message("", "0.11.0").as_deref(), Some("Topic name is illegal, it can't be empty"));
        assert_eq!(message("..", "2.8").as_deref(), Some("Topic name cannot be \".\" or \"..\""));
        assert_eq!(
            message("a b", "2.8").as_deref(),
            Some(
                "Topic name \"a b\" is illegal, it contains a character other than ASCII alphanumerics, '.', '_' and '-'"
            )
        );
        assert_eq!(
            message("ö", "0.10.2").as_deref(),
            Some(
                "topic name ö is illegal,  contains a character other than ASCII alphanumerics, '.', '_' and '-'"
            )
        );
        assert!(message(&"x".repeat(250), "2.8").is_some_and(|message| message.contains("longer than 249")));
    }

    #[test]
    fn names_collide_over_dots_and_underscores_only() {
        assert!(collide("a.b", "a_b") && !collide("a.b", "a-b"));
        assert!(has_collision_characters("a_b") && !has_collision_characters("a-b"));
    }
}
