//! From text to a [`Scenario`]: serde's errors, put as a person would.
//!
//! 1. An empty file and a byte order mark are named as such.
//! 2. serde_json reads the text into the types; `serde_path_to_error` keeps the way to where it stopped.
//! 3. What serde says is taken apart into what is wrong, the near miss, and what was expected, and the place is marked.
//! 4. What has been read is checked as a whole ([`super::validate`]).

use super::file::Scenario;
use super::problem::{Problem, near};
use super::source::{Path, Positions, Source};
use std::ops::Range;
use std::sync::Arc;

/// A scenario, its text, and where things stand in it.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// Its text.
    pub source: Arc<Source>,
    /// Where everything stands in the text.
    pub positions: Arc<Positions>,
}

/// Reads the text of a scenario.
///
/// # Errors
/// The first problem there is.
pub fn parse(source: Arc<Source>) -> Result<Parsed, Problem> {
    let text = source.text.as_str();
    if text.trim().is_empty() {
        return Err(Problem::new(format!("{} is empty; expected a scenario", source.name))
            .help("`trial new NAME` writes one to begin with"));
    }
    if text.starts_with('\u{feff}') {
        return Err(Problem::new("the file begins with a byte order mark")
            .at(&source, 0..0)
            .label("remove it"));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let scenario: Scenario = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        translate(&source, error.inner(), &path)
    })?;
    json.end().map_err(|error| translate(&source, &error, ""))?;
    let positions = Arc::new(Positions::of(text));
    Ok(Parsed { scenario: Arc::new(scenario), source, positions })
}

/// Reads a scenario file and checks it for its own eras and the one `asked` for.
///
/// # Errors
/// The first problem there is.
pub fn read(
    path: &std::path::Path,
    asked: Option<&kafka::era::Era>,
    overrides: &[super::eras::Override],
) -> Result<super::validate::Ready, Problem> {
    read_with(path, asked, overrides, &[])
}

/// The same, with settings that take the place of those of the file.
///
/// # Errors
/// The first problem there is.
pub fn read_with(
    path: &std::path::Path,
    asked: Option<&kafka::era::Era>,
    overrides: &[super::eras::Override],
    given: &[super::given::Given],
) -> Result<super::validate::Ready, Problem> {
    let parsed = parse(Source::read(path)?)?;
    if parsed.scenario.steps.is_empty() {
        let place = parsed.positions.find(&Path::default().key("steps"));
        let problem = Problem::new("nothing happens here: there are no steps").at(&parsed.source, place);
        return Err(problem.help("`trial new NAME` writes a scenario to begin with"));
    }
    super::validate::validate_with(parsed, asked, overrides, given)
}

/// What keeps a text from being JSON.
pub(crate) fn not_json(source: &Arc<Source>, error: &serde_json::Error) -> Problem {
    translate(source, error, "")
}

/// What serde says, in our words.
fn translate(source: &Arc<Source>, error: &serde_json::Error, path: &str) -> Problem {
    let said = error.to_string();
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    let end = source.byte_of(error.line(), error.column());
    let place = token_before(&source.text, end);
    let problem = match parts(said) {
        Said::Unknown { given: "kraft", .. } => Problem::new("clusters with KRaft are not there yet")
            .help("expected \"zookeeper\", with an era up to 3.9"),
        // The first keys of a recording.
        Said::Unknown { given: "story" | "kafka" | "mode", .. } if source.text.contains("\"kafka\"") => {
            Problem::new("this is no scenario, but looks like a recording of a real cluster")
                .help(format!("play it with `trial compare {}`", source.name))
        }
        Said::Unknown { what, given, expected } => {
            let problem = Problem::new(format!("there is no {what} `{given}`")).label("unknown");
            let known: Vec<&str> = expected.iter().map(String::as_str).collect();
            match near(given, known.iter().copied()) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!("expected one of {}", super::problem::list(&known))),
            }
        }
        Said::Plain(text) if error.is_eof() => {
            Problem::new(format!("the file ends too early: {}", lower_eof(text)))
                .label("the end")
                .help("is it truncated? every { and [ needs its } and ]")
        }
        Said::Plain("recursion limit exceeded") => Problem::new("this is nested too deeply").label("here"),
        Said::Plain(text) if error.is_syntax() => {
            let problem = Problem::new(format!("this is not JSON: {text}")).label("here");
            match source.name.ends_with(".json") {
                true => problem,
                false => {
                    problem.help("a scenario is a .json file; `trial new NAME` writes one to begin with")
                }
            }
        }
        Said::Plain(text) => Problem::new(in_our_words(text)),
    };
    // The key itself has been named already.
    let around = match parts(said) {
        Said::Unknown { given, .. } => {
            path.strip_suffix(given).map_or(path, |path| path.trim_end_matches('.'))
        }
        Said::Plain(_) => path,
    };
    let problem = if around.is_empty() || around == "." || error.is_syntax() || error.is_eof() {
        problem
    } else {
        problem.help(format!("in `{around}`"))
    };
    let place = match error.is_data() {
        true => what_is_wrong(&source.text, said, place),
        false => place,
    };
    problem.at(source, place)
}

enum Said<'a> {
    Unknown { what: &'static str, given: &'a str, expected: Vec<String> },
    Plain(&'a str),
}

/// Takes "unknown variant `kil`, expected one of `say`, `kill`" apart.
fn parts(said: &str) -> Said<'_> {
    for (prefix, what) in [("unknown variant `", "choice"), ("unknown field `", "key")] {
        let Some(rest) = said.strip_prefix(prefix) else { continue };
        let Some((given, expected)) = rest.split_once("`, ") else { continue };
        let expected: Vec<String> = expected.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let what = match what {
            "choice" if expected.iter().any(|name| name == "run_until") => "verb",
            "choice" if expected.iter().any(|name| name == "acked") => "condition",
            other => other,
        };
        return Said::Unknown { what, given, expected };
    }
    Said::Plain(said)
}

/// serde names our types; whoever writes a file knows objects and words.
fn in_our_words(text: &str) -> String {
    if let Some(field) = text.strip_prefix("missing field ") {
        return format!("{field} is missing");
    }
    let (said, expected) = text.split_once(", expected ").unwrap_or((text, ""));
    let expected = match expected {
        "" => return text.to_owned(),
        name if name.starts_with("struct ") => "an object",
        other => other,
    };
    let said = said.replace(": map", ": an object").replace(": sequence", ": a list");
    format!("{said}, expected {}", expected.replace("a sequence", "a list").replace("a map", "an object"))
}

fn lower_eof(text: &str) -> String {
    text.replace("EOF while parsing", "in the middle of")
}

/// serde_json stops behind what is wrong, and sometimes behind what closes it: then the last token before that is marked
/// which the message names.
fn what_is_wrong(text: &str, said: &str, place: Range<usize>) -> Range<usize> {
    if !matches!(text.get(place.clone()), Some("}" | "]" | ",")) {
        return place;
    }
    let quoted = |mark: char| said.split(mark).nth(1).filter(|named| !named.is_empty());
    let Some(named) = quoted('`').or_else(|| quoted('"')) else { return place };
    // Not further back than the object or list that is being closed.
    let before = &text[..place.start];
    let (string, bare) = (format!("\"{named}\""), named);
    let found = before.rfind(&string).map(|start| start..start + string.len());
    let is_number = bare.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    let found = match is_number || bare == "true" || bare == "false" {
        true => before.rfind(bare).map(|start| start..start + bare.len()),
        false => found,
    };
    let near = |found: &Range<usize>| !text[found.end..place.start].contains('\n');
    found.filter(near).unwrap_or(place)
}

/// The token that ends at `end`, which is where serde_json stops, or what stands there.
fn token_before(text: &str, end: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let mut end = end.min(bytes.len());
    while end > 0 && bytes[end - 1].is_ascii_whitespace() {
        end -= 1;
    }
    let mut start = end;
    if end > 0 && bytes[end - 1] == b'"' {
        start = end - 1;
        while start > 0 && (bytes[start - 1] != b'"' || (start > 1 && bytes[start - 2] == b'\\')) {
            start -= 1;
        }
        start = start.saturating_sub(1);
    } else {
        let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+' | b'_');
        while start > 0 && inside(bytes[start - 1]) {
            start -= 1;
        }
        if start == end {
            start = end.saturating_sub(1);
        }
    }
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    // A string that began on another line is no token to mark.
    if text[start..end].contains('\n') { end..end } else { start..end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        parse(Source::of("x.json", text)).unwrap_err().to_string()
    }

    const REST: &str = r#""title": "t", "cluster": {"brokers": 1}, "verdicts": {"2.0": "holds"}"#;

    #[test]
    fn errors_name_place_near_miss_and_expectation() {
        let said = problem(&format!("{{{REST},\n\"steps\": [{{\"kil\": \"broker-0\"}}]}}"));
        assert_eq!(said, "x.json:2:12: there is no verb `kil`; did you mean `kill`?; in `steps[0]`");
        let said = problem(&format!("{{{REST}, \"steps\": [{{\"kill\": 5}}]}}"));
        assert!(said.contains("invalid type: integer `5`, expected a node such as"), "{said}");
        let said = problem(&format!("{{{REST}, \"steps\": [{{\"kill\": \"broker-0\", \"say\": \"x\"}}]}}"));
        assert!(said.contains("`say` does not belong here: a step is one verb"), "{said}");
        let said = problem(&format!("{{{REST}, \"steps\": [{{}}]}}"));
        assert!(said.contains("there is nothing here: a step is one verb"), "{said}");
        let said = problem(&format!("{{{REST}, \"stepps\": []}}"));
        assert!(said.contains("there is no key `stepps`; did you mean `steps`?"), "{said}");
        let said = problem(&format!("{{{REST}}}"));
        assert!(said.contains("`steps` is missing"), "{said}");
        let said = problem(&format!("{{{REST}"));
        assert!(said.contains("ends too early: in the middle of an object"), "{said}");
        let said = problem(&format!("{{{REST}, \"steps\": []}} {{"));
        assert!(said.contains("this is not JSON: trailing characters"), "{said}");
        assert!(problem(&"[".repeat(100_000)).starts_with("x.json:1:1: "));
        assert!(problem(&format!("{{\"steps\": {}", "[".repeat(100_000))).contains("x.json:1:"));
        assert!(problem(" \n").contains("is empty"));
    }

    #[test]
    fn a_condition_may_stand_beside_other_keys_only_where_it_may() {
        let steps = r#"[
            {"run_until": {"within": "5s", "acked": "m1"}},
            {"when": {"alive": "broker-0", "do": [{"kill": "broker-0"}]}},
            {"expect": [{"not": {"alive": "broker-0"}}, {"all": []}]},
            {"expect": {"read": "m1"}}
        ]"#;
        assert!(parse(Source::of("x.json", &format!("{{{REST}, \"steps\": {steps}}}"))).is_ok());
        for (steps, expected) in [
            (
                r#"[{"run_until": {"acked": "a", "within": "5s", "within": "5s"}}]"#,
                "`within` stands here twice",
            ),
            (r#"[{"run_until": {"within": "5s"}}]"#, "there is nothing here: a condition is one claim"),
            (r#"[{"when": {"acked": "m1"}}]"#, "`do` is missing"),
            (r#"[{"expect": []}]"#, "the list is empty"),
            (r#"[{"expect": {"acked": "a", "failed": "b"}}]"#, "`failed` does not belong here"),
        ] {
            let said = problem(&format!("{{{REST}, \"steps\": {steps}}}"));
            assert!(said.contains(expected), "{said}");
        }
    }
}
