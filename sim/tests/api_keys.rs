//! API versions against Kafka's own, in the releases that can run here (ZooKeeper mode: up to 3.9).

mod vectors;

use kafka::era::{Era, RELEASES};
use kafka::messages::ApiKey;
use vectors::{VERSIONS, at};

/// Number, versions.
fn table() -> Vec<(i16, String)> {
    let text = vectors::read("api-keys/api-keys.tsv");
    text.lines()
        .skip(1)
        .map(|line| {
            let mut cells = line.split('\t');
            let key = cells.next().and_then(|key| key.parse().ok()).expect("a number");
            (key, cells.nth(1).expect("versions").to_owned())
        })
        .collect()
}

#[test]
fn every_api_has_the_versions_of_its_release() {
    let table = table();
    for api in ApiKey::ALL.iter().filter(|api| api.key() >= 0) {
        let (_, cell) = table.iter().find(|(key, _)| *key == api.key()).expect("an API of Kafka's");
        for version in VERSIONS {
            let era = Era::parse(version).expect("a release");
            if !era.has_zookeeper() {
                continue;
            }
            let newest = at(cell, version).map(|versions| {
                // `0-9 (stable 0-8)`: a broker offers the stable ones.
                let offered = versions.split_once("(stable ").map_or(versions, |(_, stable)| stable);
                let newest = offered.split('-').nth(1).map(|newest| newest.trim_end_matches(')'));
                newest.and_then(|newest| newest.parse().ok()).expect("lowest-highest")
            });
            assert_eq!(api.newest_version(era.release), newest, "{} in {version}", api.name());
        }
    }
}

#[test]
fn two_releases_meet_at_the_older_ones_version() {
    for one in RELEASES.iter().map(|release| Era::of(*release)).filter(Era::has_zookeeper) {
        for other in RELEASES.iter().map(|release| Era::of(*release)).filter(Era::has_zookeeper) {
            for api in ApiKey::ALL {
                let newest = (api.newest_version(one.release), api.newest_version(other.release));
                let expected = newest.0.zip(newest.1).map(|(one, other)| one.min(other));
                assert_eq!(api.version(&one, &other), expected, "{} {one} {other}", api.name());
            }
        }
    }
}
