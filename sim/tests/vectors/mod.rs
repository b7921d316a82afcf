//! Reads the tables below `sim/vectors/`.

#![allow(dead_code, reason = "not every test reads all kinds of them")]

/// The versions of Kafka that the tables were taken from: the last patch release of each line.
pub const VERSIONS: [&str; 27] = [
    "0.10.2.2", "0.11.0.3", "1.0.2", "1.1.1", "2.0.1", "2.1.1", "2.2.2", "2.3.1", "2.4.1", "2.5.1", "2.6.3",
    "2.7.2", "2.8.2", "3.0.2", "3.1.2", "3.2.3", "3.3.2", "3.4.1", "3.5.2", "3.6.2", "3.7.2", "3.8.1",
    "3.9.1", "4.0.1", "4.1.1", "4.2.0", "4.3.0",
];

/// A file below `sim/vectors/`. A missing one fails.
pub fn read(path: &str) -> String {
    let path = format!("{}/vectors/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The value of a cell in a version. A cell is one value for all versions, or runs: `0.10.2.2-2.5.1: x; 2.6.3-: y`.
pub fn at<'a>(cell: &'a str, version: &str) -> Option<&'a str> {
    let mut runs = cell.split("; ").map(|run| Some((run.split_once(": ")?, run)));
    if !runs.clone().all(|run| run.is_some_and(|((versions, _), _)| covers(versions, "0.10.2.2").is_some())) {
        return Some(cell);
    }
    runs.find_map(|run| {
        let ((versions, value), _) = run?;
        covers(versions, version)?.then_some(value)
    })
}

/// Whether `2.1.1-2.8.2`, `2.1.1-` or `2.1.1` covers a version; `None` if the text is no such run.
pub fn covers(run: &str, version: &str) -> Option<bool> {
    let index = |version: &str| VERSIONS.iter().position(|known| *known == version);
    let (first, last) = match run.split_once('-') {
        None => (index(run)?, index(run)?),
        Some((first, "")) => (index(first)?, VERSIONS.len() - 1),
        Some((first, last)) => (index(first)?, index(last)?),
    };
    Some((first..=last).contains(&index(version)?))
}
