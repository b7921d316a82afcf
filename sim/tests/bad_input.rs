//! What bad input gets: exactly one error, with its place where there is one, and exit code 2 (1 where a condition
//! was not met in a run). All messages stand in one snapshot, to be read.

use insta::{assert_snapshot, with_settings};
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Output};

/// A scenario that is good, in which each case puts one thing wrong.
const GOOD: &str = r#"{
  "title": "t",
  "cluster": {
    "controller": "zookeeper",
    "brokers": 3,
    "topics": { "orders": { "assignment": [[0, 2, 1]], "min.insync.replicas": 1 } },
    "clients": { "producer-1": { "acks": "all" }, "consumer-1": { "assign": "orders-0" } }
  },
  "steps": [
    { "produce": { "to": "orders-0", "value": "m1", "acks": "all" } },
    { "run_until": { "acked": "m1", "within": "10s" } },
    { "hold": { "api": "Fetch", "from": "broker-1", "as": "late" } },
    { "kill": "leader of orders-0" },
    { "expect": { "replica": { "at": "broker-1", "of": "orders-0", "log": ["m1@0"] } } },
    { "release": "late" },
    { "run_for": "1s" }
  ],
  "sees": ["BecameLeader"],
  "verdicts": { "2.8": "holds", "0.10.2": "holds" }
}
"#;

/// (what is wrong, what stands in the good one, what stands there instead).
const CASES: &[(&str, &str, &str)] = &[
    ("a misspelt verb", "\"kill\"", "\"kil\""),
    ("a misspelt condition", "\"acked\"", "\"aked\""),
    ("a misspelt key", "\"title\"", "\"titel\""),
    ("a misspelt argument", "\"value\": \"m1\"", "\"valeu\": \"m1\""),
    ("two verbs in one step", "\"run_for\": \"1s\"", "\"run_for\": \"1s\", \"say\": \"x\""),
    ("a step without a verb", "\"run_for\": \"1s\"", ""),
    ("a missing argument", "\"to\": \"orders-0\", ", ""),
    ("an unknown setting of a topic", "min.insync.replicas", "min.insync.replica"),
    (
        "a setting that one era does not have yet",
        "\"acks\": \"all\" }",
        "\"acks\": \"all\", \"delivery.timeout.ms\": 120000 }",
    ),
    ("a value that a setting cannot have", "\"min.insync.replicas\": 1", "\"min.insync.replicas\": \"two\""),
    ("a setting given an object", "\"min.insync.replicas\": 1", "\"min.insync.replicas\": {}"),
    ("a value of the wrong type", "\"log\": [\"m1@0\"]", "\"log\": 5"),
    ("a number that is no whole one", "\"brokers\": 3", "\"brokers\": 2.5"),
    (
        "a list where an object belongs",
        "{ \"acked\": \"m1\", \"within\": \"10s\" }",
        "{ \"leader\": [\"orders-0\", null, null] }",
    ),
    ("an object where a word belongs", "\"zookeeper\"", "{ \"zookeeper\": null }"),
    ("no brokers", "\"brokers\": 3", "\"brokers\": 0"),
    ("a broker that does not exist", "\"at\": \"broker-1\"", "\"at\": \"broker-17\""),
    ("a role of nothing", "leader of orders-0", "leadr of orders-0"),
    ("a node that is none", "leader of orders-0", "the leader"),
    (
        "a verb for brokers, a client named",
        "{ \"kill\": \"leader of orders-0\" }",
        "{ \"shutdown\": \"producer-1\" }",
    ),
    ("ZooKeeper killed", "leader of orders-0", "zookeeper"),
    ("a topic that does not exist", "\"to\": \"orders-0\"", "\"to\": \"order-0\""),
    ("a partition that does not exist", "\"to\": \"orders-0\"", "\"to\": \"orders-1\""),
    ("a topic where a partition belongs", "\"to\": \"orders-0\"", "\"to\": \"orders\""),
    ("an assignment to an unknown broker", "[[0, 2, 1]]", "[[0, 2, 3]]"),
    ("an assignment with a broker twice", "[[0, 2, 1]]", "[[0, 2, 2]]"),
    ("an assignment of nothing", "[[0, 2, 1]]", "[]"),
    ("a partition without replicas", "[[0, 2, 1]]", "[[]]"),
    ("a ragged assignment", "[[0, 2, 1]]", "[[0, 2, 1], [1]]"),
    ("more replicas than brokers", "\"assignment\": [[0, 2, 1]]", "\"replication-factor\": 4"),
    ("an assignment said twice", "\"assignment\"", "\"partitions\": 1, \"assignment\""),
    ("two topics of one name", "\"topics\": {", "\"topics\": { \"orders\": {},"),
    ("a key twice", "\"title\": \"t\",", "\"title\": \"t\", \"title\": \"t\","),
    ("a topic with a bad name", "\"orders\": {", "\"or/ders\": {"),
    ("a span without a unit", "\"1s\"", "\"1\""),
    ("a span that is none", "\"1s\"", "\"soon\""),
    ("a span that is too long", "\"1s\"", "\"1000h\""),
    ("an unknown API", "\"Fetch\"", "\"Fetsh\""),
    ("a release of nothing", "\"release\": \"late\"", "\"release\": \"lat\""),
    ("a value that nobody produces", "\"acked\": \"m1\"", "\"acked\": \"m2\""),
    (
        "a value produced twice",
        "{ \"run_for\": \"1s\" }",
        "{ \"produce\": { \"to\": \"orders-0\", \"value\": \"m1\" } }",
    ),
    ("a producer with two acks", "\"acks\": \"all\" } }", "\"by\": \"producer-1\", \"acks\": 1 } }"),
    ("an undeclared producer", "\"acks\": \"all\" } }", "\"by\": \"producer-2\" } }"),
    ("a client that is neither", "\"producer-1\": {", "\"prod-1\": {"),
    ("a producer that reads", "\"producer-1\": {", "\"producer-1\": { \"assign\": \"orders-0\","),
    ("an unknown fact", "BecameLeader", "BecameLeeder"),
    ("an unknown era", "\"2.8\":", "\"2.88\":"),
    (
        "brokers of two message formats",
        "\"brokers\": 3,",
        "\"brokers\": 3, \"eras\": { \"broker-1\": \"0.10.2\" },",
    ),
    ("an era twice", "\"0.10.2\":", "\"2.8.2\":"),
    ("an era without ZooKeeper", "\"2.8\":", "\"4.0\":"),
    ("an unknown property", "\"2.8\": \"holds\"", "\"2.8\": { \"violates\": [\"leader-completness\"] }"),
    ("an unknown verdict", "\"2.8\": \"holds\"", "\"2.8\": \"hold\""),
    ("a verdict of nothing", "\"2.8\": \"holds\"", "\"2.8\": {}"),
    ("no verdicts", "\"2.8\": \"holds\", \"0.10.2\": \"holds\"", ""),
    ("an unknown rule", "\"sees\"", "\"rules\": { \"truncatoin\": \"on-fetch\" }, \"sees\""),
    ("an unknown value of a rule", "\"sees\"", "\"rules\": { \"truncation\": \"on-fech\" }, \"sees\""),
    ("an unknown mechanism", "\"sees\"", "\"in_force\": [\"weak-is\"], \"sees\""),
    ("a question without an answer", "\"run_for\": \"1s\"", "\"ask\": \"Is m1 safe?\""),
    ("an answer without a question", "\"run_for\": \"1s\"", "\"answer\": \"Yes.\""),
    (
        "a question before the last is answered",
        "{ \"release\": \"late\" }",
        "{ \"ask\": \"Is m1 safe?\" }, { \"ask\": \"Is it?\" }",
    ),
    ("an empty sentence", "\"run_for\": \"1s\"", "\"say\": \" \""),
    ("a sentence for no era", "\"run_for\": \"1s\"", "\"say\": {}"),
    ("a sentence for an unknown era", "\"run_for\": \"1s\"", "\"say\": { \"2.88\": \"x\" }"),
    ("a sentence that is none", "\"run_for\": \"1s\"", "\"say\": 5"),
    (
        "a question in a trigger",
        "\"run_for\": \"1s\"",
        "\"when\": { \"acked\": \"m1\", \"do\": [{ \"ask\": \"Is it?\" }, { \"answer\": \"Yes.\" }] }",
    ),
    ("a cell of a log that is none", "m1@0", "m1@zero"),
    ("a number of the wrong kind", "\"acks\": \"all\" } }", "\"acks\": 2 } }"),
    ("a bad node in a list", "\"leader of orders-0\" }", "[\"broker-0\", \"Broker-1\"] }"),
    (
        "a node cut off from itself",
        "{ \"kill\": \"leader of orders-0\" }",
        "{ \"cut\": { \"from\": \"broker-0\", \"to\": \"broker-0\" } }",
    ),
    ("KRaft", "\"zookeeper\"", "\"kraft\""),
    (
        "an argument beside its verb",
        "\"run_for\": \"1s\"",
        "\"power_off\": \"broker-0\", \"survives\": \"nothing\"",
    ),
    (
        "a span beside its condition",
        "\"run_for\": \"1s\"",
        "\"run_until\": { \"acked\": \"m1\" }, \"within\": \"5s\"",
    ),
    ("a step that is a text", "{ \"run_for\": \"1s\" }", "\"run_for\""),
    ("an era before the first", "\"0.10.2\":", "\"0.10.1\":"),
    ("an era that its line does not have", "\"2.8\":", "\"2.8.3\":"),
    ("a loss of batches that nobody sends", "\"2.8\": \"holds\"", "\"2.8\": { \"loses\": [\"19 batches\"] }"),
    ("a record called like batches", "\"value\": \"m1\"", "\"value\": \"2 batches\""),
    ("a recording", "\"title\": \"t\",", "\"kafka\": \"2.8.2\","),
    ("a comma too many", "\"title\": \"t\",", "\"title\": \"t\",,"),
    ("a comma too few", "\"title\": \"t\",", "\"title\": \"t\""),
    ("something behind the end", "\"holds\" }\n}", "\"holds\" }\n} }"),
];

/// Cases of whole files: (what is wrong, bytes).
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let mut not_utf8 = GOOD.as_bytes().to_vec();
    let title = GOOD.find("\"t\"").expect("it has a title");
    not_utf8[title + 1] = 0xfe;
    vec![
        ("an empty file", Vec::new()),
        ("a file of white space", b" \n\n".to_vec()),
        ("a truncated file", GOOD.as_bytes()[..400].to_vec()),
        ("a truncated text", GOOD.as_bytes()[..10].to_vec()),
        ("bytes that are not UTF-8", not_utf8),
        ("a byte order mark", [b"\xef\xbb\xbf", GOOD.as_bytes()].concat()),
        ("nested deeply", vec![b'['; 100_000]),
        (
            "nested deeply where it counts",
            format!("{{\"steps\": {}", "{\"expect\":{\"not\":".repeat(50_000)).into_bytes(),
        ),
        ("no object", b"[1, 2]".to_vec()),
        ("a text", b"\"scenario\"".to_vec()),
        ("one long line", format!("{{ \"title\": \"{}\", \"stepps\": [] }}", "x".repeat(3000)).into_bytes()),
    ]
}

fn trial(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trial"));
    let output = command.args(arguments).current_dir(directory).env("NO_COLOR", "1").output();
    output.expect("the command starts")
}

/// One error and nothing else, and this exit code.
fn expect_error(what: &str, output: &Output, code: i32) -> String {
    let said = one_error(what, output, code);
    assert!(output.stdout.is_empty(), "{what}: {}", String::from_utf8_lossy(&output.stdout));
    said
}

/// One error, and this exit code.
fn one_error(what: &str, output: &Output, code: i32) -> String {
    let said = String::from_utf8(output.stderr.clone()).expect("errors are text");
    assert_eq!(output.status.code(), Some(code), "{what}: {said}");
    assert_eq!(said.matches("error:").count(), 1, "{what}: {said}");
    assert!(!said.contains("panicked"), "{what}: {said}");
    said
}

#[test]
fn every_bad_file_gets_one_error_with_its_place() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut told = String::new();
    let file = directory.path().join("x.json");
    std::fs::write(&file, GOOD).expect("the file is written");
    let good = trial(directory.path(), &["run", "x.json", "--era", "2.8"]);
    assert_ne!(good.status.code(), Some(2), "{}", String::from_utf8_lossy(&good.stderr));
    for (what, old, new) in CASES {
        assert!(GOOD.contains(old), "{what}: the good one has no {old}");
        std::fs::write(&file, GOOD.replacen(old, new, 1)).expect("the file is written");
        let said = expect_error(what, &trial(directory.path(), &["run", "x.json"]), 2);
        assert!(said.contains("x.json:"), "{what}: no place: {said}");
        writeln!(told, "# {what}\n{said}").expect("a string takes all");
    }
    for (what, bytes) in files() {
        std::fs::write(&file, bytes).expect("the file is written");
        let said = expect_error(what, &trial(directory.path(), &["run", "x.json"]), 2);
        writeln!(told, "# {what}\n{said}").expect("a string takes all");
    }
    with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        assert_snapshot!("bad_files", told);
    });
}

#[test]
fn every_bad_call_gets_one_error() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    std::fs::write(path.join("x.json"), GOOD).expect("the file is written");
    std::fs::write(path.join("short.json"), &GOOD[..GOOD.len() / 2]).expect("the file is written");
    std::fs::create_dir(path.join("directory.json")).expect("the directory is made");
    std::fs::write(path.join("README.md"), "# Trial\n").expect("the file is written");
    let steps = GOOD.find("\"steps\"").expect("steps")..GOOD.find("\"sees\"").expect("sees");
    std::fs::write(path.join("empty.json"), GOOD.replacen(&GOOD[steps], "\"steps\": [], ", 1))
        .expect("the file is written");
    let huge = std::fs::File::create(path.join("huge.json")).expect("the file is made");
    huge.set_len(100_000_000).expect("it grows");
    let calls: &[(&str, &[&str])] = &[
        ("no such file", &["run", "nothere.json"]),
        ("a directory instead of a file", &["run", "directory.json"]),
        ("a file of 100 MB", &["run", "huge.json"]),
        ("an era that Kafka never made", &["run", "x.json", "--era", "7.7"]),
        ("an era that cannot run here", &["run", "x.json", "--era", "4.1"]),
        ("an unknown rule", &["run", "x.json", "--rule", "trunkation=on-fetch"]),
        ("an unknown value of a rule", &["run", "x.json", "--rule", "truncation=whatever"]),
        ("a rule without a value", &["run", "x.json", "--rule", "truncation"]),
        ("seeds that are none", &["run", "x.json", "--seeds", "5..5"]),
        ("a setting that Kafka does not have", &["run", "x.json", "--set", "min.insync.replica=1"]),
        ("a setting of nobody", &["run", "x.json", "--set", "order.min.insync.replicas=1"]),
        ("a producer's setting of a topic", &["run", "x.json", "--set", "orders.acks=1"]),
        ("a value that a given setting cannot have", &["run", "x.json", "--set", "min.insync.replicas=two"]),
        (
            "a given setting that one era does not have",
            &["run", "x.json", "--set", "delivery.timeout.ms=120000"],
        ),
        ("a setting without a value", &["run", "x.json", "--set", "acks"]),
        ("a seed below nothing", &["run", "x.json", "--seed", "-1"]),
        ("eras of nothing", &["eras"]),
        ("a ladder of no rule", &["eras", "--list", "broker-epok"]),
        ("a text that is no scenario", &["run", "README.md"]),
        ("a scenario without steps", &["run", "empty.json"]),
        ("an unknown command", &["rum", "x.json"]),
        ("no file", &["run"]),
        ("a new file over an old one", &["new", "x"]),
        ("a new file nowhere", &["new", "nowhere/x"]),
        ("a search in an era that Kafka never made", &["explore", "--era", "2.8.7"]),
        ("a search by an unknown profile", &["explore", "--profile", "election"]),
        ("a search for an unknown property", &["explore", "--property", "acked-durabel"]),
        ("a search with an unknown rule", &["explore", "--rule", "trunkation=on-fetch"]),
        ("a search of no trials", &["explore", "--trials", "0"]),
        ("a search for no time", &["explore", "--for", "10"]),
        ("a search beyond the last seed", &["explore", "--trials", "10", "--seed", "18446744073709551610"]),
        ("what is found has nowhere to go", &["explore", "--trials", "5", "--found", "x.json"]),
        ("nothing to replay", &["replay"]),
        ("a found file that is not there", &["replay", "found/nothere.json"]),
        ("a found file that is cut short", &["replay", "short.json"]),
        ("a line without a seed", &["replay", "era=2.8.0", "profile=elections"]),
        ("a line of an unknown era", &["replay", "era=2.8.9", "profile=elections", "seed=1"]),
        ("a line of an unknown profile", &["replay", "era=2.8.0", "profile=elektions", "seed=1"]),
        ("a line with a seed that is none", &["replay", "era=2.8.0", "profile=elections", "seed=x"]),
        ("a line with an unknown word", &["replay", "era=2.8.0", "profil=elections", "seed=1"]),
        (
            "a line of another plan",
            &["replay", "era=2.8.0", "profile=elections", "seed=1", "version=0.0.1", "plan=0123456789abcdef"],
        ),
        ("an event that never comes", &["replay", "x.json", "--until", "999999999"]),
        ("an event that is none", &["replay", "x.json", "--until", "foo"]),
        ("two files to replay", &["replay", "x.json", "short.json"]),
        ("a file below a directory with a sign in its name", &["replay", "run=3/x.json"]),
        ("a file without a name", &["replay", ""]),
        (
            "a line with an unknown property",
            &["replay", "era=2.8.0", "profile=elections", "property=acked-durabel"],
        ),
        ("an era without a name", &["run", "x.json", "--era", ""]),
        (
            "a rule decided twice in a search",
            &["explore", "--rule", "truncation=to-epoch-end", "--rule", "truncation=to-high-watermark"],
        ),
        (
            "a rule decided twice in a run",
            &["run", "x.json", "--rule", "truncation=to-epoch-end", "--rule", "truncation=to-epoch-end"],
        ),
        (
            "a rule decided twice in a line",
            &[
                "replay",
                "era=2.8.0",
                "profile=elections",
                "seed=1",
                "rule=truncation=on-fetch",
                "rule=truncation=to-epoch-end",
            ],
        ),
        ("a search from no seed", &["explore", "--seed", "abc"]),
        ("a search from a seed below nothing", &["explore", "--seed", "-1"]),
        ("a search beyond all seeds", &["explore", "--seed", "99999999999999999999"]),
        ("a search for less than no time", &["explore", "--for", "-1s"]),
        ("a search of fewer than no trials", &["explore", "--trials", "-5"]),
        ("what is found has no directory to go to", &["explore", "--trials", "5", "--found", "x.json/found"]),
        ("a search that writes nothing, and where to", &["explore", "--twice", "--found", "found"]),
        (
            "a search beyond the last seed, and where to",
            &["explore", "--trials", "2", "--seed", "18446744073709551615", "--found", "found"],
        ),
        ("a seed to explain that is none", &["why", "x.json", "--seed", "x"]),
        ("moments that are none", &["why", "x.json", "--moments", "x"]),
        ("futures below nothing", &["why", "x.json", "--futures", "-1"]),
        ("what allows a loss, misspelt", &["shrink", "x.json", "--property", "unclean-elections"]),
        ("a loss that no property names", &["shrink", "x.json", "--property", "undeclared-loss"]),
        ("a run that never ends", &["why", "x.json", "--property", "never-ends"]),
        ("a museum without a book", &["museum", "--file", "nothere.json"]),
        ("a book that is a directory", &["museum", "--file", "directory.json"]),
        ("a book that is cut short", &["museum", "--file", "short.json"]),
        ("a release of the table", &["museum", "--era", "2.8.0"]),
        (
            "mutations of one release",
            &["museum", "--planted", "--trials", "5", "--era", "2.8.0", "--file", "m.json"],
        ),
        ("nothing to be counted anew", &["museum", "--anew", "--file", "m.json"]),
        ("a filter that is none", &["--log", "a=b=c", "run", "x.json"]),
    ];
    let mut told = String::new();
    for (what, arguments) in calls {
        let said = expect_error(what, &trial(path, arguments), 2);
        writeln!(told, "# {what}\n{said}").expect("a string takes all");
    }
    assert!(!path.join("found").exists(), "what is refused leaves nothing behind");
    with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        assert_snapshot!("bad_calls", told);
    });
}

#[test]
fn what_only_a_run_can_know_has_its_own_exit_codes() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let with = |steps: &str| {
        let (head, tail) = (GOOD.find("\"steps\"").expect("steps"), GOOD.find("\"sees\"").expect("sees"));
        std::fs::write(
            path.join("x.json"),
            format!("{}\"steps\": [{steps}],\n  {}", &GOOD[..head], &GOOD[tail..]),
        )
        .expect("the file is written");
        trial(path, &["run", "x.json", "--era", "2.8"])
    };
    // A role that nobody holds at that moment: the file asks for what cannot be.
    let produce = r#"{ "produce": { "to": "orders-0", "value": "m1" } }"#;
    let output = with(&format!(
        r#"{produce}, {{ "kill": "broker-1" }}, {{ "kill": "broker-2" }}, {{ "run_for": "40s" }},
           {{ "kill": "follower of orders-0" }}"#
    ));
    let said = one_error("a role nobody holds", &output, 2);
    assert!(said.contains("no follower of orders-0 runs at this moment"), "{said}");
    assert!(said.contains("x.json:10:"), "{said}");
    assert!(said.contains("at 45000 ms in era 2.8.2, seed 0"), "{said}");
    // The story so far is told first, and no more than that.
    let story = String::from_utf8_lossy(&output.stdout);
    assert!(story.contains("── kill broker-2\n") && story.trim_end().contains("EXPIRES"), "{story}");
    assert!(!story.contains("audit") && !story.contains("verdict"), "{story}");
    let said = one_error(
        "a node that is down killed",
        &with(&format!(r#"{produce}, {{ "kill": "broker-1" }}, {{ "kill": "broker-1" }}"#)),
        2,
    );
    assert!(said.contains("broker-1 is not running at this moment"), "{said}");
    // A condition that is never met: the run has failed.
    let output = with(&format!(
        r#"{produce}, {{ "run_until": {{ "replica": {{ "at": "broker-1", "of": "orders-0", "log_end_offset": 7 }}, "within": "2s" }} }}"#
    ));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let unmet = "not within 2s of virtual time: orders-0 at broker-1: log end offset 7";
    assert_eq!(said.matches(unmet).count(), 1, "{said}");
    assert!(said.contains("verdict: not reached: x.json:9:"), "{said}");
    assert!(said.contains("2.8.2  not reached  NOT AS WRITTEN"), "{said}");
    assert!(
        said.contains("it is so: orders-0 at broker-1: follows broker-0, leader epoch 0, log end offset 1"),
        "{said}"
    );
}

/// A leader with acks=1 that dies with what nobody has fetched: a workload of nameless batches, some of them lost.
const WORKLOAD: &str = r#"{
  "title": "t",
  "cluster": {
    "brokers": 3, "controller_at": "broker-2",
    "topics": { "orders": { "assignment": [[0, 1, 2]], "min.insync.replicas": 1 } },
    "clients": { "producer-1": { "acks": 1 } }
  },
  "steps": [
    { "hold": { "api": "Fetch", "to": "broker-0" } },
    { "run_for": "1s" },
    { "workload": { "to": "orders-0", "every": "10ms", "count": 5 } },
    { "run_for": "1s" },
    { "kill": "broker-0" },
    { "run_until": { "leader": { "of": "orders-0", "is": "broker-1" } } }
  ],
  "verdicts": { "2.8": LOST }
}
"#;

#[test]
fn a_workload_that_is_lost_is_counted_and_can_be_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let with = |lost: &str| {
        std::fs::write(directory.path().join("x.json"), WORKLOAD.replace("LOST", lost))
            .expect("it is written");
        let output = trial(directory.path(), &["run", "x.json"]);
        (output.status.code(), String::from_utf8(output.stdout).expect("a text"))
    };
    for right in [r#"["5 batches"]"#, r#"["batches"]"#] {
        let (code, said) = with(&format!(r#"{{ "loses": {right}, "by": "acks=1" }}"#));
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("verdict: loses 5 batches by acks=1\n"), "{said}");
        assert!(said.contains("#0 … #4 (5 batches)  the first acked at "), "{said}");
    }
    let (code, said) = with(r#"{ "loses": ["4 batches"], "by": "acks=1" }"#);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("5 batches without a name are lost, as acks=1 allows\n"), "{said}");
    assert_eq!(said.matches("without a name").count(), 1, "{said}");
    let (code, said) = with(r#""holds""#);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("came out  loses 5 batches by acks=1\n"), "{said}");
}

#[test]
fn a_setting_is_tried_without_touching_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let lost = r#"{ "loses": ["batches"], "by": "acks=1" }"#;
    std::fs::write(directory.path().join("x.json"), WORKLOAD.replace("LOST", lost)).expect("it is written");
    let with = |arguments: &[&str]| {
        let output = trial(directory.path(), &[&["run", "x.json"], arguments].concat());
        (output.status.code(), String::from_utf8(output.stdout).expect("a text"))
    };
    for whose in ["acks=all", "producer-1.acks=all"] {
        let (code, said) = with(&["--set", whose]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("set: {whose}\n")), "{said}");
        assert!(said.contains("2.8.2  holds  written: loses batches by acks=1\n"), "{said}");
    }
    // With two that must have a record, none is acknowledged at first, and so none is lost.
    for whose in ["min.insync.replicas=2", "orders.min.insync.replicas=2"] {
        let (code, said) = with(&["--set", "acks=all", "--set", whose]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("the longest wait for an acknowledgement: "), "{said}");
    }
    let (_, said) = with(&["--set", "broker-1.min.insync.replicas=2"]);
    assert!(said.contains("the same is written"), "{said}");
    let output = trial(directory.path(), &["eras", "x.json", "--set", "acks=all"]);
    let said = String::from_utf8(output.stdout).expect("a text");
    assert!(said.contains("verdict  written\n2.8.2"), "{said}");
}

#[test]
fn one_run_that_is_broken_off_does_not_stop_the_others() {
    let directory = tempfile::tempdir().expect("a directory");
    let bad =
        WORKLOAD.replace("\"kill\": \"broker-0\"", "\"restart\": \"broker-0\"").replace("LOST", "\"holds\"");
    std::fs::write(directory.path().join("a.json"), bad).expect("it is written");
    let good = WORKLOAD.replace("LOST", r#"{ "loses": ["batches"], "by": "acks=1" }"#);
    std::fs::write(directory.path().join("b.json"), good).expect("it is written");
    let output = trial(directory.path(), &["run", "."]);
    let said = one_error("one of two", &output, 2);
    assert!(said.contains("broker-0 is running at this moment"), "{said}");
    let told = String::from_utf8(output.stdout).expect("a text");
    assert!(
        told.contains("2.8.2  broken off") && told.contains("2.8.2  loses 5 batches by acks=1"),
        "{told}"
    );
    assert!(told.contains("2 scenarios, 2 runs, 1 BROKEN OFF"), "{told}");
}

#[test]
fn a_reader_who_leaves_early_is_no_panic() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("x.json"), GOOD).expect("the file is written");
    let mut child = Command::new(env!("CARGO_BIN_EXE_trial"))
        .args(["schema"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    let directory = tempfile::tempdir().expect("a directory");
    for arguments in [&["schema"][..], &["explore", "--era", "3.9", "--trials", "3"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a disk that is full");
        let mut command = Command::new(env!("CARGO_BIN_EXE_trial"));
        command.args(arguments).current_dir(directory.path()).env("NO_COLOR", "1").stdout(full);
        let output = command.output().expect("the command starts");
        let said = expect_error("a full disk", &output, 2);
        assert!(said.contains("standard output cannot be written: No space left on device"), "{said}");
    }
}

#[test]
fn a_file_is_opened_whatever_its_path() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(directory.path().join("run=3")).expect("a directory");
    for name in ["run=3/x.json", "run=3/x"] {
        std::fs::write(directory.path().join(name), GOOD).expect("it is written");
        let output = trial(directory.path(), &["replay", name]);
        assert_ne!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty());
    }
}

#[test]
fn a_new_scenario_runs_and_holds() {
    let directory = tempfile::tempdir().expect("a directory");
    assert!(trial(directory.path(), &["new", "mine"]).status.success());
    let output = trial(directory.path(), &["run", "mine.json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
