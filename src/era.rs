//! Eras: a Kafka release, read as a set of rules. The only file that compares versions.
//!
//! Everything that changed from one release to the next is either a *rule* ([`crate::rules`]: a closed enum whose
//! values name the release ranges they are true for) or a *table* of (first release, value). Both are data; this file
//! looks them up. History is not a line: 2.8.0 has a flaw that 2.8.1 mended, so patch releases count and a range
//! belongs to a branch where it must.
//!
//! Left out so far: KRaft and the features an operator sets on their own (`eligible.leader.replicas.version`,
//! `group.version`, `transaction.version`); an era from 4.0 on is known by name but cannot run yet.

use crate::rules::Rules;
use std::fmt;

/// A release of Apache Kafka. `0.10.2.1` has four numbers, `2.8.1` three; they compare in order of version.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    major: u8,
    minor: u8,
    patch: u8,
    fix: u8,
}

/// A half-open range of releases: from the first, up to but not including the second.
pub type ReleaseRange = (Release, Release);

impl Release {
    /// Before every release.
    pub const FIRST: Release = Release { major: 0, minor: 0, patch: 0, fix: 0 };
    /// After every release: the end of a range that is still true today.
    pub const NEXT: Release = Release { major: u8::MAX, minor: 0, patch: 0, fix: 0 };

    /// A release from 1.0.0 on.
    pub const fn new(major: u8, minor: u8, patch: u8) -> Release {
        Release { major, minor, patch, fix: 0 }
    }

    /// A release before 1.0: `new_0(10, 2, 1)` is 0.10.2.1.
    pub const fn new_0(minor: u8, patch: u8, fix: u8) -> Release {
        Release { major: 0, minor, patch, fix }
    }

    /// Whether this release lies in one of the ranges.
    pub fn is_in(self, ranges: &[ReleaseRange]) -> bool {
        ranges.iter().any(|(from, until)| *from <= self && self < *until)
    }

    /// The value of a table of (first release, value), ascending: the newest entry not after this release.
    pub fn look_up<T>(self, rungs: &[(Release, T)]) -> Option<&T> {
        rungs.iter().rev().find(|(since, _)| *since <= self).map(|(_, value)| value)
    }

    /// The line a release belongs to, as it is spoken of: `0.10.2`, `2.8`.
    pub fn line(self) -> String {
        if self.major == 0 {
            format!("0.{}.{}", self.minor, self.patch)
        } else {
            format!("{}.{}", self.major, self.minor)
        }
    }

    /// The releases of the line so called: `2.8` is 2.8.0 up to but not including 2.9.0. Whether Kafka made any is not
    /// asked; `None` only if the text names no line at all.
    pub fn line_range(line: &str) -> Option<ReleaseRange> {
        let numbers: Vec<u8> = line.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
        match numbers[..] {
            [0, minor, patch] => {
                Some((Release::new_0(minor, patch, 0), Release::new_0(minor, patch.checked_add(1)?, 0)))
            }
            [major, minor] if major > 0 => {
                Some((Release::new(major, minor, 0), Release::new(major, minor.checked_add(1)?, 0)))
            }
            _ => None,
        }
    }

    fn same_line(self, other: Release) -> bool {
        (self.major, self.minor) == (other.major, other.minor)
            && (self.major > 0 || self.patch == other.patch)
    }

    fn is_last_of_its_line(self) -> bool {
        !RELEASES.iter().any(|other| self < *other && self.same_line(*other))
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Release { major: 0, minor, patch, fix } => f.pad(&format!("0.{minor}.{patch}.{fix}")),
            Release { major, minor, patch, .. } => f.pad(&format!("{major}.{minor}.{patch}")),
        }
    }
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Every release Kafka has made since 0.10.2, in order of version (3.3.0 was published but never announced).
pub const RELEASES: &[Release] = &[
    Release::new_0(10, 2, 0),
    Release::new_0(10, 2, 1),
    Release::new_0(10, 2, 2),
    Release::new_0(11, 0, 0),
    Release::new_0(11, 0, 1),
    Release::new_0(11, 0, 2),
    Release::new_0(11, 0, 3),
    Release::new(1, 0, 0),
    Release::new(1, 0, 1),
    Release::new(1, 0, 2),
    Release::new(1, 1, 0),
    Release::new(1, 1, 1),
    Release::new(2, 0, 0),
    Release::new(2, 0, 1),
    Release::new(2, 1, 0),
    Release::new(2, 1, 1),
    Release::new(2, 2, 0),
    Release::new(2, 2, 1),
    Release::new(2, 2, 2),
    Release::new(2, 3, 0),
    Release::new(2, 3, 1),
    Release::new(2, 4, 0),
    Release::new(2, 4, 1),
    Release::new(2, 5, 0),
    Release::new(2, 5, 1),
    Release::new(2, 6, 0),
    Release::new(2, 6, 1),
    Release::new(2, 6, 2),
    Release::new(2, 6, 3),
    Release::new(2, 7, 0),
    Release::new(2, 7, 1),
    Release::new(2, 7, 2),
    Release::new(2, 8, 0),
    Release::new(2, 8, 1),
    Release::new(2, 8, 2),
    Release::new(3, 0, 0),
    Release::new(3, 0, 1),
    Release::new(3, 0, 2),
    Release::new(3, 1, 0),
    Release::new(3, 1, 1),
    Release::new(3, 1, 2),
    Release::new(3, 2, 0),
    Release::new(3, 2, 1),
    Release::new(3, 2, 2),
    Release::new(3, 2, 3),
    Release::new(3, 3, 0),
    Release::new(3, 3, 1),
    Release::new(3, 3, 2),
    Release::new(3, 4, 0),
    Release::new(3, 4, 1),
    Release::new(3, 5, 0),
    Release::new(3, 5, 1),
    Release::new(3, 5, 2),
    Release::new(3, 6, 0),
    Release::new(3, 6, 1),
    Release::new(3, 6, 2),
    Release::new(3, 7, 0),
    Release::new(3, 7, 1),
    Release::new(3, 7, 2),
    Release::new(3, 8, 0),
    Release::new(3, 8, 1),
    Release::new(3, 9, 0),
    Release::new(3, 9, 1),
    Release::new(3, 9, 2),
    Release::new(4, 0, 0),
    Release::new(4, 0, 1),
    Release::new(4, 1, 0),
    Release::new(4, 1, 1),
    Release::new(4, 1, 2),
    Release::new(4, 2, 0),
    Release::new(4, 2, 1),
    Release::new(4, 3, 0),
    Release::new(4, 3, 1),
];

/// Releases that still have a ZooKeeper mode.
const ZOOKEEPER: &[ReleaseRange] = &[(Release::FIRST, Release::new(4, 0, 0))];

/// What an operator runs: a release and its rules, of which single ones may be overridden.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Era {
    /// The release.
    pub release: Release,
    /// How it decides.
    pub rules: Rules,
}

/// A text that names no release.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownRelease {
    /// What was given.
    pub given: String,
    /// What is wrong with it.
    pub why: WhyUnknown,
}

/// Why a text names no release.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WhyUnknown {
    /// A version before the first of the ladder.
    BeforeTheFirst,
    /// Its line has other releases.
    NotOfItsLine(String, Vec<Release>),
    /// No version of Kafka at all.
    NoVersion,
}

impl WhyUnknown {
    fn of(given: &str) -> WhyUnknown {
        let numbers = |text: &str| -> Option<Vec<u32>> {
            text.split('.').map(|number| number.parse().ok()).collect::<Option<Vec<u32>>>()
        };
        let Some(version) = numbers(given) else { return WhyUnknown::NoVersion };
        let of_line = |release: &&Release| given.starts_with(&(release.line() + "."));
        let line: Vec<Release> = RELEASES.iter().filter(of_line).copied().collect();
        if let Some(first) = line.first() {
            return WhyUnknown::NotOfItsLine(first.line(), line.clone());
        }
        let first = numbers(&RELEASES[0].to_string()).expect("a release is numbers");
        match version < first && !first.starts_with(&version) {
            true => WhyUnknown::BeforeTheFirst,
            false => WhyUnknown::NoVersion,
        }
    }
}

impl Era {
    /// The era of a release, with the rules that release has.
    pub fn of(release: Release) -> Era {
        Era { release, rules: Rules::of(release) }
    }

    /// Reads a release: `2.8.1`, or a line such as `2.8` or `0.10.2`, which means its last patch release.
    ///
    /// # Errors
    /// If Kafka never made such a release.
    pub fn parse(text: &str) -> Result<Era, UnknownRelease> {
        RELEASES
            .iter()
            .find(|release| {
                release.to_string() == text || (release.line() == text && release.is_last_of_its_line())
            })
            .map(|release| Era::of(*release))
            .ok_or_else(|| UnknownRelease { given: text.to_owned(), why: WhyUnknown::of(text) })
    }

    /// Whether this release can run with ZooKeeper.
    pub fn has_zookeeper(&self) -> bool {
        self.release.is_in(ZOOKEEPER)
    }
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.release, f)
    }
}

impl fmt::Display for UnknownRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = &self.given;
        match &self.why {
            WhyUnknown::BeforeTheFirst => {
                write!(f, "`{given}` is older than the first era, {}", RELEASES[0].line())
            }
            WhyUnknown::NotOfItsLine(line, releases) => {
                let releases: Vec<String> = releases.iter().map(Release::to_string).collect();
                write!(f, "Kafka never made {given}; {line} has {}", releases.join(", "))
            }
            WhyUnknown::NoVersion => write!(f, "Kafka never made a release called `{given}`"),
        }
    }
}

impl std::error::Error for UnknownRelease {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_means_its_last_patch_release() {
        for (given, release) in
            [("0.10.2", "0.10.2.2"), ("2.0", "2.0.1"), ("2.8.0", "2.8.0"), ("0.11.0", "0.11.0.3")]
        {
            assert_eq!(Era::parse(given).map(|era| era.to_string()).as_deref(), Ok(release));
        }
        assert_eq!(Release::line_range("2.8"), Some((Release::new(2, 8, 0), Release::new(2, 9, 0))));
        assert_eq!(Release::line_range("0.10.2"), Some((Release::new_0(10, 2, 0), Release::new_0(10, 3, 0))));
        for no_line in ["2.8.1", "0.10", "", "x.y", "2.255", "2"] {
            assert_eq!(Release::line_range(no_line), None, "{no_line}");
        }
        for (given, said) in [
            ("2.8.3", "Kafka never made 2.8.3; 2.8 has 2.8.0, 2.8.1, 2.8.2"),
            ("0.10.2.9", "Kafka never made 0.10.2.9; 0.10.2 has 0.10.2.0, 0.10.2.1, 0.10.2.2"),
            ("0.10.1", "`0.10.1` is older than the first era, 0.10.2"),
            ("0.8.2", "`0.8.2` is older than the first era, 0.10.2"),
            ("0.10", "Kafka never made a release called `0.10`"),
            ("7.7", "Kafka never made a release called `7.7`"),
        ] {
            assert_eq!(Era::parse(given).unwrap_err().to_string(), said);
        }
        for never in ["2.8.7", "7.7", "0.10", "", "2", "0.10.2.9", "2.8.1.0"] {
            assert!(Era::parse(never).is_err(), "{never}");
        }
    }
}
