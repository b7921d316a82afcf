//! Editing steps by the names they mention: a node, a topic or a partition goes, or is called otherwise.
//!
//! Works on the JSON of a step, where a name is a text or a key wherever it stands: `broker-1`, `t-0`, `leader of t-0`. Ids
//! of brokers stand as numbers in few places, which are known.

use crate::scenario::file::Scenario;
use crate::scenario::step::Step;
use serde_json::{Map, Value};

/// The names that a text mentions: `leader of t-0` mentions `t-0`.
fn mentioned(text: &str) -> &str {
    text.split_once(" of ").map_or(text, |(_, of)| of)
}

/// Whether a step mentions a name for which `is` holds.
pub fn mentions(step: &Step, is: &dyn Fn(&str) -> bool) -> bool {
    fn walk(value: &Value, is: &dyn Fn(&str) -> bool) -> bool {
        match value {
            Value::String(text) => is(mentioned(text)),
            Value::Array(all) => all.iter().any(|value| walk(value, is)),
            Value::Object(entries) => entries.iter().any(|(key, value)| is(key) || walk(value, is)),
            _ => false,
        }
    }
    walk(&json(step), is)
}

/// Steps without what mentions such a name: in a list only the mention goes, if something is left.
pub fn without(steps: &[Step], is: &dyn Fn(&str) -> bool) -> Vec<Step> {
    fn trim(value: &Value, is: &dyn Fn(&str) -> bool) -> Option<Value> {
        match value {
            Value::String(text) => (!is(mentioned(text))).then(|| value.clone()),
            Value::Array(all) => {
                let left: Vec<Value> = all.iter().filter_map(|value| trim(value, is)).collect();
                (!left.is_empty() || all.is_empty()).then_some(Value::Array(left))
            }
            Value::Object(entries) => {
                let mut left = Map::new();
                for (key, value) in entries {
                    if !is(key) {
                        left.insert(key.clone(), trim(value, is)?);
                    }
                }
                (!left.is_empty() || entries.is_empty()).then_some(Value::Object(left))
            }
            value => Some(value.clone()),
        }
    }
    let trimmed = steps.iter().filter_map(|step| trim(&json(step), is));
    trimmed.filter_map(|value| serde_json::from_value(value).ok()).collect()
}

/// A scenario in which names are called otherwise, and broker ids are others. `None` if that makes no scenario.
pub fn renamed(
    scenario: &Scenario,
    name: &dyn Fn(&str) -> Option<String>,
    id: &dyn Fn(i64) -> i64,
) -> Option<Scenario> {
    let value = serde_json::to_value(scenario).ok()?;
    serde_json::from_value(rename(&value, "", name, id)).ok()
}

/// Keys under which numbers are broker ids.
const IDS: &[&str] = &["assignment", "reassign", "isr", "leader"];

fn rename(
    value: &Value,
    under: &str,
    name: &dyn Fn(&str) -> Option<String>,
    id: &dyn Fn(i64) -> i64,
) -> Value {
    match value {
        Value::String(text) => {
            let own = mentioned(text);
            let role = &text[..text.len() - own.len()];
            name(own).map_or_else(|| value.clone(), |new| Value::String(format!("{role}{new}")))
        }
        Value::Number(number) if IDS.contains(&under) => match number.as_i64() {
            Some(own) if own >= 0 => Value::from(id(own)),
            _ => value.clone(),
        },
        Value::Array(all) => Value::Array(all.iter().map(|value| rename(value, under, name, id)).collect()),
        Value::Object(entries) => {
            let renamed = entries.iter().map(|(key, value)| {
                let under = if IDS.contains(&under) && under != "leader" { under } else { key.as_str() };
                (name(key).unwrap_or_else(|| key.clone()), rename(value, under, name, id))
            });
            Value::Object(renamed.collect())
        }
        value => value.clone(),
    }
}

fn json(step: &Step) -> Value {
    serde_json::to_value(step).expect("a step is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<Step> {
        serde_json::from_str(text).expect("steps")
    }

    #[test]
    fn what_mentions_a_name_goes_and_lists_keep_the_rest() {
        let all = steps(
            r#"[{"kill": "broker-1"}, {"kill": "leader of t-0"}, {"cut": {"from": "broker-0", "to": ["broker-1", "broker-2"]}},
               {"run_until": {"isr": {"of": "t-0", "is": ["broker-1"]}}}, {"run_for": "1s"}]"#,
        );
        let left = without(&all, &|name| name == "broker-1");
        assert_eq!(
            left,
            steps(
                r#"[{"kill": "leader of t-0"}, {"cut": {"from": "broker-0", "to": ["broker-2"]}}, {"run_for": "1s"}]"#
            )
        );
        assert_eq!(without(&all, &|name| name == "t-0").len(), 3);
        assert!(mentions(&all[1], &|name| name == "t-0") && !mentions(&all[4], &|name| name == "t-0"));
    }

    #[test]
    fn names_and_ids_change_together() {
        let text = r#"{
          "title": "t", "cluster": { "controller_at": "broker-3", "brokers": ["broker-1", "broker-3"],
            "topics": { "t": { "assignment": [[3, 1]], "min.insync.replicas": 1 } } },
          "steps": [
            { "run_until": { "state": { "of": "t-0", "leader": 3, "leader_epoch": 3, "isr": [3, 1] } } },
            { "reassign": { "t-0": [1, 3] } }, { "kill": "broker-3" }
          ],
          "verdicts": { "2.0": "holds" }
        }"#;
        let scenario: Scenario = serde_json::from_str(text).expect("a scenario");
        let name = |name: &str| (name == "broker-3").then(|| "broker-0".to_owned());
        let changed = renamed(&scenario, &name, &|id| if id == 3 { 0 } else { id }).expect("a scenario");
        let expected =
            text.replace("broker-3", "broker-0").replace("[3, 1]", "[0, 1]").replace("[1, 3]", "[1, 0]");
        let expected = expected.replace(r#""leader": 3"#, r#""leader": 0"#);
        assert_eq!(changed, serde_json::from_str(&expected).expect("a scenario"));
    }
}
