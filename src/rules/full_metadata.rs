//! Who is told of every partition when only the list of brokers has changed.

use crate::era::Release;

rule! {
    /// Who is told of every partition when only the list of brokers has changed.
    FullMetadata("full-metadata") {
        /// Every broker, every time.
        Everybody("everybody", "before KAFKA-7537", [(Release::FIRST, Release::new(2, 2, 0))]),
        /// The brokers that have just started; the others hear of the brokers alone.
        NewBrokersOnly("new-brokers-only", "KAFKA-7537", [(Release::new(2, 2, 0), Release::NEXT)]),
    }
}

impl FullMetadata {
    /// Whether an UpdateMetadata about no partition in particular carries all of them.
    pub fn no_partition_means_all(self) -> bool {
        match self {
            FullMetadata::Everybody => true,
            FullMetadata::NewBrokersOnly => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn spared_from_2_2_on() {
        assert!(FullMetadata::of(Release::new(2, 1, 1)).no_partition_means_all());
        assert!(!FullMetadata::of(Release::new(2, 2, 0)).no_partition_means_all());
    }
}
