//! What mends a case: rules of later releases, known flaws kept away, or a later release as a whole.

use super::case::Case;
use super::change::{Change, overrides};
use super::known::Known;
use kafka::era::Release;
use std::fmt;
use std::sync::Arc;

/// What makes a case fail.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Cause {
    /// A later release decides this otherwise.
    Rule(Change),
    /// Something else that this release changed.
    Release(Release),
    /// A flaw that no release with ZooKeeper mends, by its name.
    Known(&'static str),
}

impl Cause {
    /// The KIP or KAFKA number; of a release its version.
    pub fn source(&self) -> String {
        match self {
            Cause::Rule(change) => change.source.to_owned(),
            Cause::Release(release) => release.to_string(),
            Cause::Known(name) => known(name).source.to_owned(),
        }
    }

    /// The name of the rule or of the known flaw.
    pub fn name(&self) -> &'static str {
        match self {
            Cause::Rule(change) => change.rule,
            Cause::Release(_) => "the release",
            Cause::Known(name) => name,
        }
    }

    /// What it is, in a sentence.
    pub fn about(&self) -> &'static str {
        match self {
            Cause::Rule(change) => change.value_before().about,
            Cause::Release(_) => "Something that this release changed beside the rules.",
            Cause::Known(name) => known(name).about,
        }
    }
}

fn known(name: &str) -> &'static Known {
    Known::named(name).expect("a cause is a known flaw")
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.source(), self.name())
    }
}

/// What mends a case.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Cure {
    /// Rules decided as a later release decides them.
    pub rules: Vec<Change>,
    /// Known flaws that are kept away.
    pub known: Vec<&'static Known>,
    /// A later release as a whole; its rules are those that decide there. There may be none: then it is something else that
    /// the release changed, such as the default of a setting.
    pub release: Option<Release>,
}

impl Cure {
    /// These rules.
    pub fn rules(rules: &[Change]) -> Cure {
        Cure { rules: rules.to_vec(), ..Cure::default() }
    }

    /// The case, mended; `None` if there is nothing in it that could be.
    pub fn given_to(&self, case: &Case) -> Option<Case> {
        let mut case = case.clone();
        for known in &self.known {
            case = known.without(&case)?;
        }
        match self.release {
            Some(release) => case = case.in_release(release),
            None => case.rules.extend(overrides(&self.rules)),
        }
        Some(case)
    }

    /// What makes it fail, then.
    pub fn causes(&self) -> Vec<Cause> {
        let mut causes: Vec<Cause> = self.rules.iter().cloned().map(Cause::Rule).collect();
        if let (Some(release), true) = (self.release, self.rules.is_empty()) {
            causes.push(Cause::Release(release));
        }
        causes.extend(self.known.iter().map(|known| Cause::Known(known.name)));
        causes.sort();
        causes
    }
}

impl fmt::Display for Cure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cure { rules, known, release } = self;
        let mut parts: Vec<String> = rules.iter().map(Change::to_string).collect();
        if let (Some(release), true) = (release, rules.is_empty()) {
            parts.push(format!("something that {release} changed beside the rules"));
        }
        parts.extend(
            known.iter().map(|known| format!("the known flaw {} ({}) kept away", known.name, known.source)),
        );
        f.write_str(&parts.join(" together with "))?;
        match (release, rules.is_empty()) {
            (Some(_), false) => f.write_str(", with the messages of that release"),
            _ => Ok(()),
        }
    }
}

/// Why something fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// This makes it hold.
    MendedBy(Cure),
    /// Nothing later mends it, and no flaw is known by which it fails. What removed the last copy.
    Unattributed(Option<Arc<str>>),
}

impl Reason {
    /// What mends it.
    pub fn cure(&self) -> Option<&Cure> {
        match self {
            Reason::MendedBy(cure) => Some(cure),
            Reason::Unattributed(_) => None,
        }
    }

    /// The one rule that mends it alone.
    pub fn one_rule(&self) -> Option<&Change> {
        match self.cure() {
            Some(Cure { rules, known, release: None }) if known.is_empty() => match &rules[..] {
                [change] => Some(change),
                _ => None,
            },
            _ => None,
        }
    }

    /// The rules that decide, as they are later.
    pub fn changes(&self) -> &[Change] {
        self.cure().map_or(&[], |cure| &cure.rules)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::MendedBy(cure) => {
                match (&cure.known[..], cure.rules.is_empty() && cure.release.is_none()) {
                    ([known], true) => {
                        write!(
                            f,
                            "no release with ZooKeeper mends it; known flaw {} ({})",
                            known.name, known.source
                        )
                    }
                    _ => write!(f, "mended by {cure}"),
                }
            }
            Reason::Unattributed(Some(why)) => write!(f, "no later release mends it; {why}"),
            Reason::Unattributed(None) => write!(f, "no later release mends it"),
        }
    }
}
