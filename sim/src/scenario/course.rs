//! The course: every scenario in reading order, as a page of what each teaches and where it breaks, and as a matrix of
//! scenarios by eras.
//!
//! The page (`scenarios/README.md`) and the matrix in it are made from what the files say, which every test run proves;
//! `trial eras DIR` draws the same matrix from what came out.
//!
//! Chapters and the order within them stand here. A scenario that is not named comes last in its chapter, by name; a
//! chapter that is not named comes last.

use super::file::Verdict;
use super::validate::Ready;
use crate::checkers::PROPERTIES;
use crate::trace::layout::{PAGE, wrapped};
use kafka::era::Release;
use std::collections::BTreeMap;

/// A directory of scenarios.
struct Chapter {
    name: &'static str,
    about: &'static str,
    order: &'static [&'static str],
}

const CHAPTERS: &[Chapter] = &[
    Chapter {
        name: "replication",
        about: "how records travel, when they are committed, and who counts as in sync",
        order: &[
            "high-watermark-and-leo",
            "isr-shrink-expand",
            "slow-follower",
            "new-replica",
            "returning-replica",
            "min-isr",
            "why-not-read-from-followers",
            "stale-leader",
        ],
    },
    Chapter {
        name: "failover",
        about: "what the controller does when brokers come and go",
        order: &[
            "broker-killed",
            "controller-killed",
            "controller-gone-unseen",
            "zombie-controller",
            "zombie-controller-in-session",
            "controlled-shutdown",
            "late-shutdown",
            "preferred-leader",
            "broker-bounce",
            "restarted-too-soon",
            "stop-replica-late",
        ],
    },
    Chapter {
        name: "truncation",
        about: "where a follower cuts its log before it follows a new leader",
        order: &[
            "high-watermark",
            "high-watermark-two-brokers",
            "divergence",
            "two-quick-elections",
            "leader-that-wrote-nothing",
            "stale-epoch-fetch",
            "same-leader-again",
            "truncation-never-ends",
            "epoch-cache-forgets",
            "diverging-fetch",
            "high-watermark-before-truncation",
            "end-offset-goes-back",
            "follower-halts",
            "follower-wipes-its-log",
            "consumer-skips",
            "epoch-that-is-gone",
        ],
    },
    Chapter {
        name: "isr",
        about: "who is in sync, and who says so",
        order: &[
            "admitted-below-epoch-start",
            "stale-isr-reply",
            "own-write-refused",
            "high-watermark-forgotten",
            "maximal-isr",
            "zkversion-not-equal",
        ],
    },
    Chapter {
        name: "election",
        about: "who may lead, and what it costs when nobody should",
        order: &["isr-of-one", "unclean", "unclean-diverges", "last-replica-standing"],
    },
    Chapter {
        name: "durability",
        about: "what an acknowledgement is worth when machines fail",
        order: &[
            "acks",
            "page-cache",
            "flush-interval",
            "torn-write",
            "corrupt-segment",
            "checkpoint-lost",
            "recovered-not-flushed",
            "directory-not-synced",
            "cut-comes-back",
            "marker-lies",
        ],
    },
    Chapter {
        name: "clients",
        about: "what producers and consumers make of it",
        order: &["retry-duplicates", "reorder-in-flight", "write-ahead-table"],
    },
    Chapter {
        name: "rules",
        about: "small differences between releases, one at a time",
        order: &[
            "idle-follower",
            "member-that-left",
            "preferred-again",
            "leaders-go-home",
            "elected-twice",
            "unclean-at-once",
            "nobody-told",
            "stop-requests",
            "left-waiting",
            "expired-controller",
            "home-while-moving",
            "too-large-by-now",
            "epoch-zero",
            "life-before",
            "stale-epoch-answer",
            "disk-fails",
            "metadata-of-yesterday",
        ],
    },
    Chapter {
        name: "regressions",
        about: "what random runs have shown, and what once was taken for a flaw of Kafka",
        order: &["deleted-and-back"],
    },
];

/// Where a scenario stands in the course: chapter and place, for sorting.
fn place(path: &str) -> (usize, usize, String) {
    let (chapter, name) = path.split_once('/').unwrap_or(("", path));
    let known = CHAPTERS.iter().position(|known| known.name == chapter);
    let order = known.map_or(&[][..], |index| CHAPTERS[index].order);
    let among = order.iter().position(|known| *known == name);
    (known.unwrap_or(CHAPTERS.len()), among.unwrap_or(order.len()), path.to_owned())
}

/// A scenario below the directory: `truncation/high-watermark`.
fn path_of(ready: &Ready, directory: &str) -> String {
    let name = ready.parsed.source.name.as_str();
    let directory = directory.trim_end_matches('/');
    let below = name.strip_prefix(directory).map_or(name, |below| below.trim_start_matches('/'));
    below.trim_end_matches(".json").to_owned()
}

/// What a cell of the matrix is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cell {
    /// A run came to this.
    Came(Verdict),
    /// A run did not reach its end.
    NotReached,
}

/// A scenario of the matrix: its path below the directory, and what came out in each release.
pub type Row = (String, Vec<(Release, Cell)>);

/// The rows that the files demand, in reading order.
pub fn demanded(all: &[Ready], directory: &str) -> Vec<Row> {
    let cells = all.iter().map(|ready| {
        let cells = ready.eras.iter().zip(&ready.scenario().verdicts.0);
        cells.map(|(era, (_, verdict))| (era.release, Cell::Came(verdict.clone()))).collect()
    });
    rows(all, directory, cells)
}

/// The rows of these scenarios, in reading order: for each its cells.
pub fn rows(
    all: &[Ready],
    directory: &str,
    cells: impl IntoIterator<Item = Vec<(Release, Cell)>>,
) -> Vec<Row> {
    let mut rows: Vec<(&Ready, Row)> =
        all.iter().zip(cells).map(|(ready, cells)| (ready, (path_of(ready, directory), cells))).collect();
    rows.sort_by_key(|(_, (path, _))| place(path));
    let marked = |(ready, (path, cells)): (&Ready, Row)| {
        let mark = if ready.scenario().rules.0.is_empty() { "" } else { OVERRIDDEN };
        (format!("{path}{mark}"), cells)
    };
    rows.into_iter().map(marked).collect()
}

/// The letters of the properties that are violated anywhere, in the order of [`PROPERTIES`].
fn letters(rows: &[Row]) -> BTreeMap<&'static str, char> {
    let is_violated = |name: &str| {
        let cells = rows.iter().flat_map(|(_, cells)| cells);
        cells.into_iter().any(|(_, cell)| match cell {
            Cell::Came(verdict) => verdict.violates.iter().any(|violated| violated == name),
            Cell::NotReached => false,
        })
    };
    let names = PROPERTIES.iter().map(|property| property.name).filter(|name| is_violated(name));
    names.zip('A'..='Z').collect()
}

/// The columns: each release, called by its line if it is the only one of that line.
fn columns(rows: &[Row]) -> Vec<(Release, Vec<String>)> {
    let mut lines: BTreeMap<Release, String> = BTreeMap::new();
    for (release, _) in rows.iter().flat_map(|(_, cells)| cells) {
        lines.insert(*release, release.line());
    }
    let is_alone = |line: &String| lines.values().filter(|other| *other == line).count() == 1;
    let label = |(release, line): (&Release, &String)| {
        let label = if is_alone(line) { line.clone() } else { release.to_string() };
        (*release, label.split('.').map(str::to_owned).collect())
    };
    lines.iter().map(label).collect()
}

/// Behind the name of a scenario in which a rule is decided otherwise than its eras do.
const OVERRIDDEN: &str = "*";

/// Characters of a column.
const COLUMN: usize = 3;

/// Scenarios by eras: what breaks in each.
pub fn matrix(rows: &[Row]) -> String {
    let letters = letters(rows);
    let columns = columns(rows);
    let longest = rows.iter().map(|(path, _)| path.rsplit('/').next().unwrap_or(path).chars().count() + 4);
    let room = PAGE.saturating_sub(columns.len() * COLUMN);
    let first = longest.max().unwrap_or(0).min(room);
    let mut text = String::new();
    let mut line = |head: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:<COLUMN$}")).collect();
        if cells.trim().is_empty() || head.chars().count() < first {
            text += format!("{head:<first$}{cells}").trim_end();
        } else {
            text += &format!("{head}\n{}", format!("{:first$}{cells}", "").trim_end());
        }
        text += "\n";
    };
    for number in 0..columns.iter().map(|(_, parts)| parts.len()).max().unwrap_or(0) {
        let part = |(_, parts): &(Release, Vec<String>)| parts.get(number).cloned().unwrap_or_default();
        line("", columns.iter().map(part).collect());
    }
    let mut chapter = "";
    for (path, cells) in rows {
        let (own, name) = path.rsplit_once('/').unwrap_or(("", path));
        if own != chapter {
            line(own, Vec::new());
            chapter = own;
        }
        let cell = |(release, _): &(Release, Vec<String>)| {
            let found = cells.iter().find(|(known, _)| known == release);
            found.map_or(String::new(), |(_, cell)| sign(cell, &letters))
        };
        let head = if own.is_empty() { name.to_owned() } else { format!("  {name}") };
        line(&head, columns.iter().map(cell).collect());
    }
    let mut legend = vec!["· holds".to_owned(), "- loses only what was declared".to_owned()];
    legend.extend(
        letters
            .iter()
            .map(|(name, letter)| (letter, name))
            .collect::<BTreeMap<_, _>>()
            .iter()
            .map(|(letter, name)| format!("{letter} {name}")),
    );
    legend.push("+ and more".to_owned());
    if rows.iter().any(|(path, _)| path.ends_with(OVERRIDDEN)) {
        legend.push(format!("{OVERRIDDEN} with a rule that decides otherwise than the era"));
    }
    // A sign stays on the line of its meaning.
    let legend: Vec<String> = legend.iter().map(|entry| entry.replace(' ', "\u{a0}")).collect();
    for part in wrapped(&legend.join("   ").replace("   ", " \u{a0}\u{a0}"), PAGE) {
        text += &format!("{}\n", part.replace('\u{a0}', " ").trim());
    }
    text
}

/// A cell: the first two properties by their letters, or one and that there are more.
fn sign(cell: &Cell, letters: &BTreeMap<&str, char>) -> String {
    let Cell::Came(verdict) = cell else { return "?".to_owned() };
    let violated: Vec<char> =
        verdict.violates.iter().filter_map(|name| letters.get(name.as_str())).copied().collect();
    match violated[..] {
        [] if verdict.loses.is_empty() => "·".to_owned(),
        [] => "-".to_owned(),
        [one] => one.to_string(),
        [one, two] => format!("{one}{two}"),
        [one, ..] => format!("{one}+"),
    }
}

/// The page of the course.
pub fn page(all: &[Ready], directory: &str) -> String {
    let mut sorted: Vec<(String, &Ready)> =
        all.iter().map(|ready| (path_of(ready, directory), ready)).collect();
    sorted.sort_by_key(|(path, _)| place(path));
    let mut text = INTRODUCTION.to_owned();
    let mut chapter = "";
    for (path, ready) in &sorted {
        let own = path.split_once('/').map_or("", |(own, _)| own);
        if own != chapter {
            let about = CHAPTERS.iter().find(|known| known.name == own).map_or("", |known| known.about);
            text += &match (own, about) {
                ("", _) => "\n### To measure\n\n".to_owned(),
                (own, "") => format!("\n### {own}\n\n"),
                (own, about) => format!("\n### {own}: {about}\n\n"),
            };
            chapter = own;
        }
        text += &entry(path, ready);
    }
    text += LEFT_OUT;
    text += "\n## What breaks where\n\n";
    text += "`trial eras scenarios` draws this from the runs themselves. Read a release from top to bottom; where there is\n\
             no sign the scenario says nothing of that era.\n\n";
    text += &format!("```\n{}```\n", matrix(&demanded(all, directory)));
    text
}

/// One scenario of the page.
fn entry(path: &str, ready: &Ready) -> String {
    let scenario = ready.scenario();
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut parts = vec![format!("[`{name}`]({path}.json): *{}*.", scenario.title.trim_end_matches('.'))];
    parts.extend(scenario.lesson.clone());
    // Eras that come to the same are named together.
    let verdicts = ready.eras.iter().map(|era| era.release).zip(&scenario.verdicts.0);
    let verdicts: BTreeMap<Release, String> =
        verdicts.map(|(release, (_, verdict))| (release, in_words(verdict))).collect();
    let mut outcomes: Vec<(String, Vec<String>)> = Vec::new();
    for (release, outcome) in verdicts {
        match outcomes.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, eras)) => eras.push(release.to_string()),
            None => outcomes.push((outcome, vec![release.to_string()])),
        }
    }
    let overridden: Vec<String> =
        scenario.rules.0.iter().map(|(rule, value)| format!("`{rule}: {value}`")).collect();
    if !overridden.is_empty() {
        parts.push(format!("With the rule {}.", overridden.join(", ")));
    }
    match &outcomes[..] {
        [(outcome, _)] if outcome.is_empty() => parts.push("Holds in every era.".to_owned()),
        _ => {
            for (outcome, eras) in outcomes.iter().filter(|(outcome, _)| !outcome.is_empty()) {
                parts.push(format!("In {} it {outcome}.", listed(eras)));
            }
        }
    }
    let numbers: Vec<&str> =
        scenario.read.iter().map(String::as_str).filter(|read| is_number(read)).collect();
    if !numbers.is_empty() {
        parts.push(format!("{}.", numbers.join(", ")));
    }
    let lines = wrapped(&parts.join(" "), PAGE - 12);
    lines
        .iter()
        .enumerate()
        .map(|(index, line)| format!("{}{line}\n", if index == 0 { "- " } else { "  " }))
        .collect()
}

/// What comes out, as the end of a sentence; nothing if it holds.
fn in_words(verdict: &Verdict) -> String {
    let mut parts = Vec::new();
    if !verdict.violates.is_empty() {
        parts.push(format!("breaks {}", verdict.violates.join(", ")));
    }
    match (verdict.loses.is_empty(), verdict.by) {
        (true, _) => {}
        (false, None) => parts.push(format!("loses {}", verdict.loses.join(", "))),
        (false, Some(by)) => {
            parts.push(format!("loses {}, as `{}` allows", verdict.loses.join(", "), by.name()))
        }
    }
    parts.join(" and ")
}

fn listed(eras: &[String]) -> String {
    match eras {
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
        [] => String::new(),
    }
}

/// Whether it is a KIP or an issue.
fn is_number(read: &str) -> bool {
    let digits = read.strip_prefix("KIP-").or_else(|| read.strip_prefix("KAFKA-"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

const INTRODUCTION: &str = "\
# Scenarios

<!-- Made from the scenario files: TRIAL_BLESS=1 cargo test -p trial --test scenarios course -->

A scenario is one JSON file: a cluster, what happens to it, and for each era of Kafka the verdict that must come
out. It is a test, because a verdict that differs fails; a lesson, because its run is told as a story; and data,
because programs can write it. This page is the course. [REFERENCE.md](REFERENCE.md) is everything a file may say, and
how to make a new one.

```
trial run scenarios/truncation/high-watermark.json                 the story of its first era, all verdicts
trial run scenarios/truncation/high-watermark.json --era 0.11.0    the story of another era
trial run scenarios/truncation/high-watermark.json --seeds 0..100  every era from a hundred seeds
trial eras scenarios/truncation/high-watermark.json                a line per era
trial run scenarios                                                everything
```

(`trial` is `cargo run --release --` in a checkout.) A story asks one question before its turn (`?`) and answers it
where it is resolved (`!`): stop there and think.

## The course

Chapters in reading order, and in each the simple before the strange. The properties that break are the files of
`sim/src/checkers/`, each with its claim.
";

/// Flaws without a scenario, and why.
const LEFT_OUT: &str = "
### Left out

A step of a broker is atomic here. A flaw that lies between two of its threads, or within one pass of one, cannot
happen: *high watermark before truncation* (KAFKA-14704: from 2.8 to 3.4.0 a follower takes the leader's high
watermark over records that the same response tells it to cut; a consumer that reads from followers would have to
come between), and the races of fetcher threads (KAFKA-13207, KAFKA-13266, KAFKA-7786, KAFKA-9654, KAFKA-8012).

A producer here has no `buffer.memory` yet: *buffer full*, where `send` blocks for `max.block.ms` and then fails
because the leader is away, needs it.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn release(text: &str) -> Release {
        kafka::era::Era::parse(text).expect("a release").release
    }

    fn came(violates: &[&str], loses: &[&str]) -> Cell {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
        Cell::Came(Verdict { violates: names(violates), loses: names(loses), by: None })
    }

    #[test]
    fn the_matrix_has_a_column_for_each_release_and_a_sign_for_each_verdict() {
        let rows: Vec<Row> = vec![
            (
                "a/one".to_owned(),
                vec![
                    (release("0.10.2"), came(&["leader-completeness", "candidate-completeness"], &["m1"])),
                    (release("2.8.0"), came(&["bounds"], &[])),
                    (release("2.8.1"), came(&[], &[])),
                ],
            ),
            (
                "a/two".to_owned(),
                vec![(release("3.9"), came(&[], &["m1"])), (release("2.8.0"), Cell::NotReached)],
            ),
        ];
        let text = matrix(&rows);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "       0  2  2  3");
        assert_eq!(lines[1], "       10 8  8  9");
        assert_eq!(lines[2], "       2  0  1");
        assert_eq!(lines[3], "a");
        assert_eq!(lines[4].split_whitespace().collect::<Vec<_>>().len(), 4);
        assert!(lines[4].ends_with('·'), "{text}");
        assert_eq!(lines[5], "  two     ?     -");
        assert!(text.contains("· holds") && text.contains(" bounds"), "{text}");
    }

    #[test]
    fn the_reading_order_comes_first_and_strangers_last() {
        let mut paths =
            ["zoo/a", "truncation/aaa", "truncation/divergence", "truncation/high-watermark", "reference"];
        paths.sort_by_key(|path| place(path));
        assert_eq!(
            paths,
            ["truncation/high-watermark", "truncation/divergence", "truncation/aaa", "reference", "zoo/a"]
        );
    }

    #[test]
    fn numbers_are_kips_and_issues() {
        assert!(is_number("KIP-101") && is_number("KAFKA-7128"));
        assert!(!is_number("src/rules/KIP-101.rs") && !is_number("KIP-"));
    }
}
