//! What a broker still says when its only log directory fails.

use crate::era::Release;
use crate::error::KafkaError;

rule! {
    /// What a broker still says when its only log directory fails.
    LogDirectoryFailure("log-directory-failure") {
        /// Nothing: it halts.
        HaltsAtOnce("halts-at-once", "before KIP-112", [(Release::FIRST, Release::new(1, 0, 0))]),
        /// KAFKA_STORAGE_ERROR to who was about to be served, and halts, since no other directory is left.
        AnswersFirst("answers-first", "KIP-112", [(Release::new(1, 0, 0), Release::NEXT)]),
    }
}

impl LogDirectoryFailure {
    /// What a request that hit the failure is answered, if it is.
    pub fn answer(self) -> Option<KafkaError> {
        match self {
            LogDirectoryFailure::HaltsAtOnce => None,
            LogDirectoryFailure::AnswersFirst => Some(KafkaError::KafkaStorageError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_code_is_as_old_as_the_answer() {
        assert_eq!(LogDirectoryFailure::HaltsAtOnce.answer(), None);
        assert_eq!(LogDirectoryFailure::AnswersFirst.answer(), Some(KafkaError::KafkaStorageError));
    }
}
