//! Scenarios with mistakes in them, made up by proptest: no text makes the parser panic, no scenario that is accepted
//! makes a run panic or hang, and the schema accepts what the parser accepts.

mod json_files;

use proptest::prelude::*;
use regex::Regex;
use serde_json::Value;
use trial::scenario::file;
use trial::scenario::parse::parse;
use trial::scenario::run::{Budget, first_era, run_within};
use trial::scenario::source::Source;
use trial::scenario::validate::validate;

/// A mutated scenario may be long: its run is cut here.
const BUDGET: Budget = Budget { events: 30_000, time: kafka::time::Micros(600_000_000) };

fn scenarios() -> Vec<String> {
    let text = |path| std::fs::read_to_string(path).expect("the file can be read");
    json_files::scenarios().into_iter().map(text).collect()
}

/// The tokens of a JSON text, white space kept with what it follows.
fn tokens(text: &str) -> Vec<String> {
    let token = Regex::new(r#"(?s)("(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+)\s*"#).expect("a regex");
    token.find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

/// One mistake.
#[derive(Clone, Debug)]
enum Mistake {
    Drop(prop::sample::Index),
    Double(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Copy(prop::sample::Index, prop::sample::Index),
    Replace(prop::sample::Index, String),
    Cut(prop::sample::Index),
}

fn mistake() -> impl Strategy<Value = Mistake> {
    let at = any::<prop::sample::Index>;
    let word = prop_oneof![
        Just("null".to_owned()),
        Just("-1".to_owned()),
        Just("0".to_owned()),
        Just("1e9".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("true".to_owned()),
        Just("\"\"".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("\"controller\"".to_owned()),
        Just("\"follower of orders-0\"".to_owned()),
        "\\PC{0,8}",
    ];
    prop_oneof![
        at().prop_map(Mistake::Drop),
        at().prop_map(Mistake::Double),
        (at(), at()).prop_map(|(one, other)| Mistake::Swap(one, other)),
        (at(), at()).prop_map(|(from, to)| Mistake::Copy(from, to)),
        (at(), word).prop_map(|(at, word)| Mistake::Replace(at, word)),
        at().prop_map(Mistake::Cut),
    ]
}

fn make(tokens: &mut Vec<String>, mistake: &Mistake) {
    if tokens.is_empty() {
        return;
    }
    let count = tokens.len();
    match mistake {
        Mistake::Drop(at) => drop(tokens.remove(at.index(count))),
        Mistake::Double(at) => tokens.insert(at.index(count), tokens[at.index(count)].clone()),
        Mistake::Swap(one, other) => tokens.swap(one.index(count), other.index(count)),
        Mistake::Copy(from, to) => tokens[to.index(count)] = tokens[from.index(count)].clone(),
        Mistake::Replace(at, word) => tokens[at.index(count)] = word.clone(),
        Mistake::Cut(at) => tokens.truncate(at.index(count)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mistakes_are_errors_and_never_panics(
        which in any::<prop::sample::Index>(),
        mistakes in prop::collection::vec(mistake(), 1..4),
    ) {
        let all = scenarios();
        let mut tokens = tokens(&all[which.index(all.len())]);
        mistakes.iter().for_each(|mistake| make(&mut tokens, mistake));
        let text = tokens.concat();
        let checked = parse(Source::of("mutated.json", &text)).and_then(|parsed| validate(parsed, None, &[]));
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            let accepted = Schema::new().accepts(&value);
            // Keys that stand twice are gone from `value`: only what is accepted can be compared.
            prop_assert!(accepted || checked.is_err(), "the parser accepts what the schema does not");
        }
        match checked {
            Err(problem) => prop_assert!(problem.render(false).starts_with("error: ")),
            Ok(ready) => {
                let _ = run_within(&ready, first_era(&ready), 1, false, BUDGET);
            }
        }
    }
}

#[test]
fn the_schema_accepts_every_scenario_and_refuses_what_the_grammar_refuses() {
    let schema = Schema::new();
    let all = scenarios();
    for text in &all {
        let value: Value = serde_json::from_str(text).expect("scenarios are JSON");
        assert!(schema.accepts(&value), "{text}");
    }
    let good: Value = serde_json::from_str(&all[0]).expect("scenarios are JSON");
    let wrong: &[(&str, Value)] = &[
        ("/steps/0", serde_json::json!({ "kil": "broker-0" })),
        ("/steps/0", serde_json::json!({ "kill": "broker-0", "say": "x" })),
        ("/steps/0", serde_json::json!({})),
        ("/steps/0", serde_json::json!({ "run_for": "1" })),
        ("/steps/0", serde_json::json!({ "run_until": { "within": "5s" } })),
        ("/steps/0", serde_json::json!({ "run_until": { "acked": "m1", "failed": "m1" } })),
        ("/steps/0", serde_json::json!({ "when": { "acked": "m1" } })),
        ("/steps/0", serde_json::json!({ "expect": [] })),
        ("/steps/0", serde_json::json!({ "produce": { "value": "m" } })),
        ("/steps/0", serde_json::json!({ "produce": { "to": "orders-0", "acks": 2 } })),
        ("/steps/0", serde_json::json!({ "power_off": { "node": "broker-0" } })),
        ("/steps/0", serde_json::json!({ "say": {} })),
        ("/steps/0", serde_json::json!({ "ask": ["Is it?"] })),
        ("/steps/0", serde_json::json!({ "answer": { "else": 5 } })),
        ("/cluster/brokers", serde_json::json!(0)),
        ("/cluster/brokers", serde_json::json!(["broker-01"])),
        ("/cluster/brokers", serde_json::json!({})),
        ("/steps/0", serde_json::json!({ "run_until": { "leader": ["orders-0", null, null] } })),
        ("/steps/0", serde_json::json!({ "disk": { "at": "broker-0", "fault": { "wipe": null } } })),
        ("/steps/0", serde_json::json!({ "disk": { "at": "broker-0", "fault": "slow" } })),
        ("/cluster/controller", serde_json::json!({ "zookeeper": null })),
        ("/cluster/controller", serde_json::json!("kraft")),
        ("/title", serde_json::json!(5)),
        ("/verdicts/2.8", serde_json::json!("hold")),
        ("/verdicts/2.8", serde_json::json!({})),
        ("/verdicts/2.8", serde_json::json!({ "violates": [] })),
        ("/verdicts/2.8", serde_json::json!({ "violates": ["nothing"] })),
        ("/verdicts/2.8", serde_json::json!({ "violates": ["bounds"], "by": "acks=1" })),
    ];
    for (place, value) in wrong {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap_or_else(|| panic!("{place} is there")) = value.clone();
        assert!(!schema.accepts(&bad), "{place}: {value}");
        let parsed = parse(Source::of("bad.json", &bad.to_string()));
        assert!(parsed.and_then(|parsed| validate(parsed, None, &[])).is_err(), "{place}: {value}");
    }
    for (place, value) in [
        ("/steps/0", serde_json::json!({ "power_off": { "node": "broker-0", "survives": "any-subset" } })),
        ("/steps/0", serde_json::json!({ "power_off": "leader of orders-0" })),
        ("/steps/0", serde_json::json!({ "run_until": { "acked": ["a", "b"], "within": "5s" } })),
        ("/steps/0", serde_json::json!({ "when": { "quiet": "1s", "do": [{ "kill": "controller" }] } })),
        ("/steps/0", serde_json::json!({ "disk": { "at": "broker-0", "fault": { "slow": 7 } } })),
        ("/steps/0", serde_json::json!({ "disk": { "at": "broker-0", "fault": "wipe" } })),
        ("/steps/0", serde_json::json!({ "reassign": { "orders-0": [1, 2] } })),
        ("/steps/0", serde_json::json!({ "ask": "Is it?" })),
        ("/steps/0", serde_json::json!({ "answer": { "0.10.2": "No.", "else": "Yes." } })),
        ("/steps/0", serde_json::json!({ "run_until": { "isr": { "of": "orders-0", "is": "broker-0" } } })),
        ("/cluster/brokers", serde_json::json!({ "broker-1": { "broker.rack": "a" } })),
        ("/verdicts/2.8", serde_json::json!({ "loses": ["m1"], "by": "acks=1" })),
    ] {
        let mut other = good.clone();
        *other.pointer_mut(place).unwrap_or_else(|| panic!("{place} is there")) = value.clone();
        assert!(schema.accepts(&other), "{place}: {value}");
        assert!(parse(Source::of("good.json", &other.to_string())).is_ok(), "{place}: {value}");
    }
}

/// As much of a JSON Schema validator as our schema needs. A keyword that it does not know is a failure.
struct Schema {
    root: Value,
}

impl Schema {
    fn new() -> Schema {
        Schema { root: serde_json::from_str(&file::schema()).expect("the schema is JSON") }
    }

    fn accepts(&self, value: &Value) -> bool {
        self.fits(&self.root, value)
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let Value::Object(keywords) = schema else { return schema == &Value::Bool(true) };
        keywords.iter().all(|(keyword, wanted)| self.keyword(keywords, keyword, wanted, value))
    }

    fn keyword(
        &self,
        all: &serde_json::Map<String, Value>,
        keyword: &str,
        wanted: &Value,
        value: &Value,
    ) -> bool {
        let many = |wanted: &Value| wanted.as_array().expect("a list of schemas").clone();
        let length = |wanted: &Value| wanted.as_u64().expect("a length") as usize;
        match (keyword, value) {
            ("$schema" | "title" | "description" | "$defs" | "format" | "default", _) => true,
            ("$ref", _) => {
                let pointer = wanted.as_str().expect("a reference").trim_start_matches('#');
                self.fits(self.root.pointer(pointer).expect("what is referred to"), value)
            }
            ("type", _) => match wanted {
                Value::Array(types) => types.iter().any(|one| is_of(one, value)),
                one => is_of(one, value),
            },
            ("enum", _) => many(wanted).contains(value),
            ("const", _) => wanted == value,
            ("anyOf", _) => many(wanted).iter().any(|one| self.fits(one, value)),
            ("allOf", _) => many(wanted).iter().all(|one| self.fits(one, value)),
            ("oneOf", _) => many(wanted).iter().filter(|one| self.fits(one, value)).count() == 1,
            ("not", _) => !self.fits(wanted, value),
            ("pattern", Value::String(text)) => {
                Regex::new(wanted.as_str().expect("a pattern")).expect("a regex").is_match(text)
            }
            ("minimum", Value::Number(number)) => number.as_f64() >= wanted.as_f64(),
            ("maximum", Value::Number(number)) => number.as_f64() <= wanted.as_f64(),
            ("items", Value::Array(items)) => items.iter().all(|item| self.fits(wanted, item)),
            ("minItems", Value::Array(items)) => items.len() >= length(wanted),
            ("maxItems", Value::Array(items)) => items.len() <= length(wanted),
            ("uniqueItems", Value::Array(items)) => {
                items.iter().enumerate().all(|(index, item)| !items[..index].contains(item))
            }
            ("required", Value::Object(object)) => {
                many(wanted).iter().all(|key| object.contains_key(key.as_str().expect("a key")))
            }
            ("minProperties", Value::Object(object)) => object.len() >= length(wanted),
            ("maxProperties", Value::Object(object)) => object.len() <= length(wanted),
            ("propertyNames", Value::Object(object)) => {
                object.keys().all(|key| self.fits(wanted, &Value::String(key.clone())))
            }
            ("properties", Value::Object(object)) => {
                let known = wanted.as_object().expect("properties");
                object.iter().all(|(key, value)| known.get(key).is_none_or(|schema| self.fits(schema, value)))
            }
            ("additionalProperties", Value::Object(object)) => {
                let known = all.get("properties").and_then(Value::as_object);
                let is_known = |key: &String| known.is_some_and(|known| known.contains_key(key));
                object.iter().all(|(key, value)| is_known(key) || self.fits(wanted, value))
            }
            (
                "pattern"
                | "minimum"
                | "maximum"
                | "items"
                | "minItems"
                | "maxItems"
                | "uniqueItems"
                | "required"
                | "minProperties"
                | "maxProperties"
                | "propertyNames"
                | "properties"
                | "additionalProperties",
                _,
            ) => true,
            _ => panic!("the schema has a keyword that this test does not know: {keyword}"),
        }
    }
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().expect("a type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("{other} is no type"),
    }
}
