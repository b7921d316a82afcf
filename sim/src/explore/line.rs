//! The line by which a trial is drawn again: `trial replay era=2.8.0 profile=elections seed=4711 version=0.1.0
//! plan=0123456789abcdef`.
//!
//! Plans are drawn alike by one version, on any machine. The version and the hash of the plan say so: a version that draws
//! another plan does not run it, and says that the file in `found/` still does.

use super::profile::Profile;
use super::trial::Question;
use crate::scenario::eras::{self, Override};
use crate::scenario::problem::{Problem, list, near};
use kafka::era::Release;
use std::fmt;

/// What names a trial.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The release.
    pub era: Release,
    /// The profile.
    pub profile: Profile,
    /// The seed.
    pub seed: u64,
    /// Rules that are decided otherwise.
    pub rules: Vec<Override>,
    /// The version that drew it.
    pub version: String,
    /// The hash of the plan.
    pub plan: u64,
}

/// Words of a line.
const KEYS: [&str; 6] = ["era", "profile", "seed", "rule", "version", "plan"];

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { era, profile, seed, rules, version, plan } = self;
        write!(f, "trial replay era={era} profile={profile} seed={seed}")?;
        for (rule, value) in rules {
            write!(f, " rule={rule}={value}")?;
        }
        write!(f, " version={version} plan={plan:016x}")
    }
}

/// What a line asks for. Its version and its plan's hash may be left out.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What was explored.
    pub question: Question,
    /// The seed.
    pub seed: u64,
    /// The version that drew it.
    pub version: Option<String>,
    /// The hash of the plan.
    pub plan: Option<u64>,
}

/// Whether words are those of a line, rather than the name of a file.
pub fn is_line(words: &[String]) -> bool {
    words.len() > 1 || words.iter().any(|word| word.contains('='))
}

/// Reads the words of a line. `trial replay` in front of them may have been copied with it, and the remark behind; all may
/// be one word, in quotes.
///
/// # Errors
/// The first word that is none, and what it should have been.
pub fn read(words: &[String]) -> Result<Asked, Problem> {
    let (mut era, mut profile, mut seed, mut version, mut plan) = (None, None, None, None, None);
    let mut rules: Vec<Override> = Vec::new();
    let words = words.iter().flat_map(|word| word.split_whitespace());
    let words = words.take_while(|word| !word.starts_with('#'));
    for word in words.filter(|word| !matches!(*word, "trial" | "replay" | "shrink" | "why")) {
        let Some((key, value)) = word.split_once('=') else {
            return Err(Problem::new(format!("`{word}` is no word of a replay line"))
                .help(format!("expected KEY=VALUE, with one of {}", list(&KEYS))));
        };
        let is_twice = match key {
            "era" => era.replace(eras::read(value)?).is_some(),
            "profile" => profile.replace(read_profile(value)?).is_some(),
            "seed" => seed.replace(read_seed(value)?).is_some(),
            "version" => version.replace(value.to_owned()).is_some(),
            "plan" => plan.replace(read_hash(value)?).is_some(),
            "rule" => {
                let Some((rule, value)) = value.split_once('=') else {
                    return Err(Problem::new(format!("`{word}` names no value; expected rule=NAME=VALUE")));
                };
                let is_twice = rules.iter().any(|(known, _)| known == rule);
                rules.push((rule.to_owned(), value.to_owned()));
                is_twice
            }
            _ => return Err(Problem::new(format!("a replay line has no `{key}`")).near_or_list(key, KEYS)),
        };
        if is_twice {
            return Err(Problem::new(format!("`{key}` stands twice in this line")));
        }
    }
    let missing = |key: &str| {
        Problem::new(format!("`{key}` is missing in this line"))
            .help("as in: trial replay era=2.8.0 profile=elections seed=4711")
    };
    let mut era = era.ok_or_else(|| missing("era"))?;
    eras::override_rules(&mut era, &rules).map_err(|(_, problem)| problem)?;
    let question =
        Question { era, rules, profile: profile.ok_or_else(|| missing("profile"))?, properties: Vec::new() };
    Ok(Asked { question, seed: seed.ok_or_else(|| missing("seed"))?, version, plan })
}

impl Asked {
    /// Whether this version draws the plan that was asked for.
    ///
    /// # Errors
    /// If it draws another one.
    pub fn check_plan(&self, drawn: u64) -> Result<(), Problem> {
        match self.plan {
            Some(wanted) if wanted != drawn => {
                let own = env!("CARGO_PKG_VERSION");
                let problem = Problem::new(format!(
                    "this is another plan: the line says {wanted:016x}, and seed {} draws {drawn:016x}",
                    self.seed
                ));
                Err(match &self.version {
                    Some(version) if version != own => problem.help(format!(
                        "the line was printed by version {version}, and this is {own}: plans are drawn alike by one version only"
                    )),
                    _ => problem.help("is the whole line copied? or was it printed by another build?"),
                }
                .help("the file that was found with it still runs: trial replay found/FILE"))
            }
            _ => Ok(()),
        }
    }
}

/// Reads a profile's name.
///
/// # Errors
/// If there is none of this name.
pub fn read_profile(text: &str) -> Result<Profile, Problem> {
    let names = Profile::ALL.map(Profile::name);
    Profile::parse(text).ok_or_else(|| {
        let problem = Problem::new(format!("there is no profile `{text}`"));
        let problem = match near(text, names) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        };
        problem.help(format!("expected one of {}", list(&names)))
    })
}

fn read_seed(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| {
        Problem::new(format!("`{text}` is no seed"))
            .help(format!("expected a whole number from 0 to {}", u64::MAX))
    })
}

fn read_hash(text: &str) -> Result<u64, Problem> {
    let is_hash = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| u64::from_str_radix(text, 16).ok()).flatten().ok_or_else(|| {
        Problem::new(format!("`{text}` is no hash of a plan")).help("expected 16 hexadecimal digits")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_line_reads_as_it_prints() {
        let line = Line {
            era: kafka::era::Era::parse("2.8.0").unwrap().release,
            profile: Profile::Elections,
            seed: u64::MAX,
            rules: vec![("truncation".to_owned(), "to-epoch-end".to_owned())],
            version: "0.1.0".to_owned(),
            plan: 0x0123_4567_89ab_cdef,
        };
        let text = line.to_string();
        assert_eq!(
            text,
            "trial replay era=2.8.0 profile=elections seed=18446744073709551615 rule=truncation=to-epoch-end \
             version=0.1.0 plan=0123456789abcdef"
        );
        let asked = read(&words(&text)).unwrap();
        let Asked { question, seed, version, plan } = asked;
        let again = Line {
            era: question.era.release,
            profile: question.profile,
            seed,
            rules: question.rules,
            version: version.unwrap(),
            plan: plan.unwrap(),
        };
        assert_eq!(again, line);
        let copied = read(&[format!("{line}  # acked-durable: KIP-101 (truncation)")]).unwrap();
        assert_eq!(copied.seed, seed);
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        for (text, expected) in [
            ("era=2.8.0 profile=elections", "`seed` is missing"),
            ("era=7.7 profile=elections seed=1", "7.7"),
            ("era=2.8.9 profile=elections seed=1", "2.8 has 2.8.0, 2.8.1"),
            ("era=2.8.0 profile=election seed=1", "did you mean `elections`?"),
            ("era=2.8.0 profile=elections seed=-1", "`-1` is no seed"),
            ("era=2.8.0 profile=elections seed=99999999999999999999", "is no seed"),
            ("era=2.8.0 profile=elections sed=1", "did you mean `seed`?"),
            ("era=2.8.0 profile=elections seed=1 seed=1", "`seed` stands twice"),
            ("era=2.8.0 profile=elections seed=1 plan=12", "`12` is no hash"),
            ("era=2.8.0 profile=elections seed=1 rule=truncation", "expected rule=NAME=VALUE"),
            ("era=2.8.0 profile=elections seed=1 rule=truncatoin=x", "there is no rule `truncatoin`"),
            ("era=2.8.0 profile=elections seed=1 and more", "`and` is no word"),
        ] {
            let said = read(&words(text)).unwrap_err().to_string();
            assert!(said.contains(expected), "{text}: {said}");
        }
        let asked =
            read(&words("era=2.8.0 profile=elections seed=1 version=0.0.9 plan=0000000000000001")).unwrap();
        assert!(asked.check_plan(1).is_ok());
        let said = asked.check_plan(2).unwrap_err().to_string();
        assert!(said.contains("0000000000000001") && said.contains("version 0.0.9"), "{said}");
    }
}
