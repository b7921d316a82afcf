//! A scenario as text, in the style of the files in `scenarios/`.
//!
//! Two spaces a level, one step a line. What fits a line stands on one; of what does not, an object of one entry stays
//! with what it holds (`{ "run_until": { "all": [`), a list of words fills lines, anything else takes a line for each entry. The steps, the cluster's
//! parts, the lines of `about` and the verdicts always have lines of their own. What is left out of a file stands for its
//! default, and is left out here.

use super::file::Scenario;
use serde_json::Value;

/// No line is longer, unless a single text is.
const WIDTH: usize = 120;

/// The text of a scenario file. Reading it gives an equal scenario.
pub fn write(scenario: &Scenario) -> String {
    let value = serde_json::to_value(scenario).expect("a scenario is JSON");
    let Value::Object(entries) = value else { unreachable!("a scenario is an object") };
    let mut text = String::from("{\n");
    let last = entries.len() - 1;
    for (index, (key, value)) in entries.iter().enumerate() {
        let apart = matches!(key.as_str(), "about" | "cluster" | "steps" | "verdicts");
        let comma = if index < last { "," } else { "" };
        text += &format!("  {}: ", quoted(key));
        match value {
            Value::Object(_) | Value::Array(_) if apart => spread(value, 2, &mut text),
            value => block(value, 2, comma.len(), &mut text),
        }
        text += &format!("{comma}\n");
    }
    text + "}\n"
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// On one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Array(all) => format!("[{}]", all.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}: {}", quoted(key), inline(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

/// On one line if it fits behind what stands on it already, with `after` characters more; else on several.
fn block(value: &Value, indent: usize, after: usize, text: &mut String) {
    let line = inline(value);
    let before = text.rsplit('\n').next().unwrap_or_default().chars().count();
    match value {
        Value::Array(_) | Value::Object(_) if before + line.chars().count() + after > WIDTH => {}
        _ => {
            *text += &line;
            return;
        }
    }
    match value {
        Value::Array(all) if all.iter().all(|one| !one.is_array() && !one.is_object()) => {
            fill(all, indent, text);
        }
        Value::Object(entries) if entries.len() == 1 => {
            let (key, value) = entries.iter().next().expect("there is one");
            *text += &format!("{{ {}: ", quoted(key));
            block(value, indent, after + 2, text);
            *text += " }";
        }
        value => spread(value, indent, text),
    }
}

/// As many words on a line as fit.
fn fill(words: &[Value], indent: usize, text: &mut String) {
    let margin = " ".repeat(indent + 2);
    let mut line = margin.clone();
    text.push('[');
    for (index, word) in words.iter().enumerate() {
        let comma = if index + 1 < words.len() { "," } else { "" };
        let word = format!("{word}{comma}");
        if line.len() > margin.len() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            *text += &format!("\n{line}");
            line.clone_from(&margin);
        }
        let space = if line.len() > margin.len() { " " } else { "" };
        line += &format!("{space}{word}");
    }
    *text += &format!("\n{line}\n{}]", &margin[2..]);
}

/// A line for each entry.
fn spread(value: &Value, indent: usize, text: &mut String) {
    let (entries, open, close): (Vec<(Option<&String>, &Value)>, _, _) = match value {
        Value::Array(all) => (all.iter().map(|value| (None, value)).collect(), '[', ']'),
        Value::Object(all) => (all.iter().map(|(key, value)| (Some(key), value)).collect(), '{', '}'),
        value => unreachable!("{value} has no entries"),
    };
    text.push(open);
    let margin = " ".repeat(indent);
    for (index, (key, value)) in entries.iter().enumerate() {
        let comma = if index + 1 < entries.len() { "," } else { "" };
        *text += &format!("\n{margin}  ");
        if let Some(key) = key {
            *text += &format!("{}: ", quoted(key));
        }
        block(value, indent + 2, comma.len(), text);
        *text += comma;
    }
    if !entries.is_empty() {
        *text += &format!("\n{margin}");
    }
    text.push(close);
}
