//! Error codes against Kafka's own: codes, names by release, and what a client does about them.

mod vectors;

use kafka::era::Era;
use kafka::error::KafkaError;
use vectors::{VERSIONS, at, covers};

/// Where an old release reacted otherwise. `KafkaError` has the newer answer for all eras: no broker here gives a
/// client of such an era the first of them, and the second belongs to idempotence.
const OTHERWISE: [(KafkaError, &str); 2] =
    [(KafkaError::ReplicaNotAvailable, "0.10.2.2-2.5.1"), (KafkaError::DuplicateSequenceNumber, "0.11.0.3")];

#[test]
fn codes_names_and_reactions_are_kafkas() {
    let text = vectors::read("errors/errors.tsv");
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    for error in KafkaError::ALL {
        let row = rows
            .iter()
            .find(|row| row[0] == error.code().to_string())
            .unwrap_or_else(|| panic!("{error} is no code of Kafka's"));
        let since = VERSIONS.iter().position(|version| *version == row[1]).expect("a version");
        for version in &VERSIONS[since..] {
            let era = Era::parse(version).expect("a release");
            assert_eq!(Some(error.name(&era)), at(row[2], version), "{error} in {version}");
            if OTHERWISE.iter().any(|(other, run)| other == error && covers(run, version) == Some(true)) {
                continue;
            }
            let retriable = at(row[3], version) == Some("true");
            assert_eq!(error.is_retriable(), retriable, "{error} in {version}: retriable");
            let parents = at(row[5], version).unwrap_or_default();
            let metadata = parents.split('>').any(|parent| parent == "InvalidMetadataException");
            assert_eq!(error.refreshes_metadata(), metadata, "{error} in {version}: metadata");
        }
    }
    let codes: Vec<_> = KafkaError::ALL.iter().map(|error| error.code()).collect();
    assert!(codes.is_sorted_by(|one, other| one < other), "by code: {codes:?}");
}
