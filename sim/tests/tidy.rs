//! The rules of the design that a grep can check.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in its workspace")
}

/// Every file below `directory` with this extension: path from the root, text.
fn files(directory: &str, extension: &str) -> Vec<(String, String)> {
    fn walk(directory: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        let Ok(entries) = std::fs::read_dir(directory) else { return };
        for entry in entries {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                walk(&path, extension, found);
            } else if path.extension().is_some_and(|own| own == extension) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(directory), extension, &mut found);
    found.sort();
    let text = |path: PathBuf| {
        let name = path.strip_prefix(root()).expect("it was found there").display().to_string();
        (name, std::fs::read_to_string(&path).expect("the file can be read"))
    };
    found.into_iter().map(text).collect()
}

fn sources() -> Vec<(String, String)> {
    let all: Vec<(String, String)> = ["src", "sim/src", "sim/tests", "sim/benches"]
        .into_iter()
        .flat_map(|directory| files(directory, "rs"))
        .collect();
    assert!(all.len() > 50, "the sources are where they are looked for");
    all
}

/// What stands before the tests of a file.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

fn nothing(found: Vec<String>, what: &str) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn no_file_is_longer_than_700_lines() {
    let long = sources().into_iter().filter(|(_, text)| text.lines().count() > 700);
    nothing(
        long.map(|(name, text)| format!("{name}: {}", text.lines().count())).collect(),
        "too long, split by concept",
    );
}

#[test]
fn every_source_file_is_on_the_map() {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the map");
    let words: std::collections::BTreeSet<&str> =
        map.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.')).collect();
    let is_named = |name: &str| {
        let path = Path::new(name);
        let (file, stem) = (path.file_name().and_then(|file| file.to_str()), path.file_stem());
        let (file, stem) =
            (file.unwrap_or_default(), stem.and_then(|stem| stem.to_str()).unwrap_or_default());
        let directory = path.parent().and_then(|parent| parent.file_name()).and_then(|name| name.to_str());
        // Tests beside their code are spoken of together; a checker goes by its property's name, and a file of a folder
        // whose table names them without their ending by its stem.
        stem == "tests"
            || stem.ends_with("_tests")
            || directory.is_some_and(|directory| directory == "tests" || directory.ends_with("_tests"))
            || words.contains(file)
            || words.contains(stem)
            || words.contains(stem.replace('_', "-").as_str())
    };
    let all = files("src", "rs").into_iter().chain(files("sim/src", "rs")).map(|(name, _)| name);
    nothing(all.filter(|name| !is_named(name)).collect(), "not on the map, ARCHITECTURE.md");
}

#[test]
fn every_file_says_what_it_is() {
    let silent = sources().into_iter().filter(|(_, text)| !text.starts_with("//! "));
    nothing(silent.map(|(name, _)| name).collect(), "without a module header");
}

#[test]
fn nothing_is_left_unfinished() {
    // Put together here, so that this file does not find itself.
    let words = [
        ["to", "do!("].concat(),
        ["unimple", "mented!("].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X"].concat(),
    ];
    let mut found = Vec::new();
    for (name, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word.as_str())) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    nothing(found, "left unfinished");
}

#[test]
fn the_repository_stands_alone() {
    // Every file that is text, but for what is built.
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).expect("the directory can be read") {
            let path = entry.expect("the entry can be read").path();
            let name = path.file_name().expect("an entry has a name");
            if path.is_dir() && name != "target" && name != ".git" {
                walk(&path, found);
            } else if path.is_file() && name != ".git" {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(root(), &mut found);
    let text = |path: PathBuf| {
        let name = path.strip_prefix(root()).expect("it was found there").display().to_string();
        std::fs::read_to_string(&path).ok().map(|text| (name, text))
    };
    let all: Vec<(String, String)> = found.into_iter().filter_map(text).collect();
    assert!(all.len() > 400, "the files are where they are looked for: {}", all.len());
    let paths = ["work", "farm", "root", "home"].map(|directory| format!("/{directory}/"));
    let mut found = Vec::new();
    for (name, text) in all {
        for (number, line) in text.lines().enumerate() {
            let is_path = |path: &String| {
                line.find(path.as_str()).is_some_and(|at| {
                    let before = line[..at].chars().next_back();
                    before.is_none_or(|before| !before.is_alphanumeric() && before != '.')
                })
            };
            if paths.iter().any(is_path) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    nothing(found, "paths of a machine");
}

#[test]
fn only_era_compares_releases() {
    let mut found = Vec::new();
    for (name, text) in sources() {
        if name == "src/era.rs" || !(name.starts_with("src") || name.starts_with("sim/src")) {
            continue;
        }
        for (number, line) in without_tests(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            let compares = ["<", ">", "<=", ">="].iter().any(|sign| {
                code.contains(&format!("release {sign} ")) || code.contains(&format!(" {sign} Release::"))
            });
            if compares {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    nothing(found, "compares releases outside era.rs");
}

#[test]
fn only_rules_decide_by_the_values_of_a_rule() {
    // `rule! { ... Truncation("truncation") { ToHighWatermark("to-high-watermark", ...`
    let mut values = Vec::new();
    for (_, text) in files("src/rules", "rs") {
        let Some(body) = text.split("\nrule! {").nth(1).and_then(|body| body.split("\n}").next()) else {
            continue;
        };
        let mut lines =
            body.lines().map(str::trim).filter(|line| !line.starts_with("//") && line.contains("(\""));
        let name = |line: &str| line.split("(\"").next().unwrap_or_default().to_owned();
        let Some(rule) = lines.next().map(name) else { continue };
        values.extend(lines.map(|line| format!("{rule}::{}", name(line))));
    }
    assert!(values.len() > 40, "the rules are where they are looked for: {values:?}");
    let mut found = Vec::new();
    for (name, text) in files("src", "rs").into_iter().chain(files("sim/src", "rs")) {
        if name.starts_with("src/rules") || name.contains("tests") {
            continue;
        }
        for (number, line) in without_tests(&text).lines().enumerate() {
            let names = |value: &String| {
                line.match_indices(value.as_str()).any(|(at, _)| {
                    let end = line[at + value.len()..].chars().next();
                    let begin = line[..at].chars().next_back();
                    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
                    !inside(end) && !inside(begin)
                })
            };
            if values.iter().any(names) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    nothing(found, "decides by the value of a rule outside src/rules");
}

#[test]
fn scenarios_and_snapshots_mirror_each_other() {
    // A scenario that traces no era (a benchmark) has only its table.
    let scenarios: Vec<(String, bool)> = files("scenarios", "json")
        .into_iter()
        .map(|(name, text)| {
            let name = name.trim_start_matches("scenarios/").trim_end_matches(".json").to_owned();
            (name, !text.contains("\"trace\": []"))
        })
        .collect();
    assert!(!scenarios.is_empty(), "there are scenarios");
    let snapshots: Vec<String> = files("snapshots", "snap")
        .into_iter()
        .map(|(name, _)| name.trim_start_matches("snapshots/").trim_end_matches(".snap").to_owned())
        .collect();
    let mut found = Vec::new();
    for (scenario, is_told) in &scenarios {
        for (wanted, needed) in [(scenario.clone(), *is_told), (format!("{scenario}.eras"), true)] {
            if needed && !snapshots.contains(&wanted) {
                found.push(format!("snapshots/{wanted}.snap is missing: TRIAL_BLESS=1 writes it"));
            }
        }
    }
    for snapshot in &snapshots {
        let owner = scenarios.iter().any(|(scenario, is_told)| {
            let rest = snapshot.strip_prefix(scenario.as_str());
            rest.is_some_and(|rest| rest.starts_with('.') || (rest.is_empty() && *is_told))
        });
        if !owner {
            found.push(format!("snapshots/{snapshot}.snap has no scenario"));
        }
    }
    nothing(found, "scenarios and snapshots");
}

/// A story is read at one sitting: this many lines and columns at most, with what `trial run` prints around it.
#[test]
fn every_story_fits_its_page() {
    const LINES: usize = 150;
    const COLUMNS: usize = 120;
    let snapshots = files("snapshots", "snap");
    let body = |text: &str| text.lines().skip(4).map(str::to_owned).collect::<Vec<String>>();
    let mut found = Vec::new();
    for (name, text) in &snapshots {
        let lines = body(text);
        if let Some(wide) = lines.iter().find(|line| line.chars().count() > COLUMNS) {
            found.push(format!("{name}: {} columns: {wide}", wide.chars().count()));
        }
        // The first story of a scenario stands between two lines that identify the run, and the verdict of every
        // era follows it between empty lines.
        let table = name.trim_end_matches("snap").to_owned() + "eras.snap";
        let eras = |text: &str| body(text).iter().filter(|line| line.starts_with(char::is_numeric)).count();
        let around = snapshots.iter().find(|(name, _)| *name == table).map_or(0, |(_, text)| 4 + eras(text));
        if lines.len() + around > LINES {
            found.push(format!("{name}: {} lines, of which {around} around it", lines.len() + around));
        }
    }
    nothing(found, "longer than a page");
}

#[test]
fn the_core_cannot_name_the_simulator() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let after = manifest.split("[dependencies]").nth(1).expect("it has dependencies");
    let dependencies = after.split("\n[").next().unwrap_or(after);
    let names: Vec<&str> =
        dependencies.lines().filter_map(|line| line.split('=').next()).map(str::trim).collect();
    for name in names.into_iter().filter(|name| !name.is_empty() && !name.starts_with('#')) {
        let allowed = ["bytes", "rand_core", "crc32c", "imbl", "flate2", "lz4_flex", "snap", "zstd"];
        assert!(
            allowed.contains(&name),
            "{name} is a new dependency of the core: it does no IO and stays small"
        );
    }
    for (name, text) in files("src", "rs") {
        let code = without_tests(&text);
        for word in ["std::fs", "std::net", "std::thread", "std::env", "println!", "std::io"] {
            assert!(!code.contains(word), "{name} uses {word}: the core does no IO");
        }
    }
}
