//! The story of a run, laid out: a heading per step, a lane per broker, one line per fact, the rule that decided at the
//! right, tables of replicas, violations where they happened, the audit at the end.

use super::Zoom;
use super::layout::{balanced, wrapped};
use super::recorder::{Entry, Line, Recorder, Voice};
use crate::checkers::audit::{Audit, Audited, Fate};
use crate::world::nodes::Nodes;
use kafka::ids::{BrokerId, TopicPartition};
use kafka::note::Decided;
use kafka::time::{Micros, Time};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Everything a story is told from.
pub struct Telling<'a> {
    /// The scenario's title.
    pub title: &'a str,
    /// What it is about.
    pub about: &'a [String],
    /// The release, as it is printed.
    pub era: String,
    /// The rules of the era that the scenario is about, by name and value: those that decided are added.
    pub rules: Vec<(String, String)>,
    /// Settings that took the place of the scenario's.
    pub set: &'a [String],
    /// What makes neighbouring eras come out otherwise, a line each.
    pub otherwise: Vec<String>,
    /// What happened.
    pub recorder: &'a Recorder,
    /// The processes at the end.
    pub nodes: &'a Nodes,
    /// How it ended; none if it was broken off.
    pub ending: Option<Ending<'a>>,
    /// How closely one looks.
    pub zoom: Zoom,
    /// Whether to colour.
    pub color: bool,
}

/// How a run ended.
pub struct Ending<'a> {
    /// What became of every record.
    pub audit: &'a Audit,
    /// The longest that anybody waited for an acknowledgement.
    pub longest_wait: Option<(TopicPartition, Micros)>,
    /// The verdict, in words.
    pub verdict: &'a [String],
}

/// No line is wider.
const WIDTH: usize = 118;
/// Where the text of a line begins after lanes and name is computed; continuation lines are indented below it.
const TIME: usize = 6;

/// Within this time the same is no news.
const LATELY: Micros = Micros(1_000_000);
/// A wait for an acknowledgement is worth a word from here on.
const LONG_WAIT: Micros = Micros(1_000_000);

struct Paint {
    color: bool,
}

impl Paint {
    fn wrap(&self, code: &str, text: &str) -> String {
        if self.color && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bold(&self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.wrap("2", text)
    }

    fn red(&self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    fn blue(&self, text: &str) -> String {
        self.wrap("34", text)
    }

    /// Words in capitals stand out: the surprising word of a line.
    fn shout(&self, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let loud = |word: &str| {
            let letters = word.trim_matches(|c: char| !c.is_alphanumeric());
            letters.len() > 2
                && letters.chars().all(|c| c.is_ascii_uppercase())
                && !["ISR", "GC"].contains(&letters)
        };
        text.split(' ')
            .map(|word| if loud(word) { self.wrap("1;33", word) } else { word.to_owned() })
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// The story as text.
pub fn tell(telling: &Telling<'_>) -> String {
    let paint = Paint { color: telling.color };
    let mut out = String::new();
    heading(telling, &paint, &mut out);
    let mut brokers: Vec<BrokerId> = telling.nodes.broker_nodes().map(|(broker, _)| broker).collect();
    brokers.sort();
    let width = |entry: &Entry| match entry {
        Entry::Line(line) if line.zoom <= telling.zoom => line.who.chars().count(),
        _ => 0,
    };
    let who = telling.recorder.entries().iter().map(width).max().unwrap_or(0).max(8);
    let lanes = brokers.len() * 2;
    let ids: Vec<String> = brokers.iter().map(|broker| broker.to_string()).collect();
    let begins = telling.recorder.first_controller().and_then(|broker| telling.nodes.broker_node(broker));
    let begins =
        begins.map_or(String::new(), |node| format!("  {} is the controller", telling.nodes.name(node)));
    let _ = writeln!(out, "{:>TIME$}  {}", "ms", paint.dim(&(ids.join(" ") + &begins)));
    let many = telling.nodes.zookeeper().partitions().len() > 1;
    // Steps with nothing between them.
    let mut steps: Vec<&str> = Vec::new();
    let entries = telling.recorder.entries();
    let repeated = repeated(entries, telling.zoom);
    // What a step reports stands at its end, a few microseconds after the event that violations are found at.
    let mut told = Time::ZERO;
    for (place, entry) in entries.iter().enumerate() {
        if repeated.get(&place) == Some(&None) {
            continue;
        }
        match entry {
            Entry::Step { heading, .. } => {
                steps.push(heading);
                continue;
            }
            Entry::Line(line) if line.zoom > telling.zoom => continue,
            Entry::Table { .. } if !is_shown(entries, place, many) => continue,
            _ => headings(&std::mem::take(&mut steps), &paint, &mut out),
        }
        match entry {
            Entry::Step { .. } => {}
            Entry::Words { voice, text } => words(*voice, text, &paint, &mut out),
            Entry::Line(line) => {
                let more = repeated.get(&place).copied().flatten();
                print_line(line, more, who, lanes, &paint, &mut out);
                told = line.at;
            }
            Entry::Table { partition, rows } => {
                if many {
                    let indent = TIME + 3 + lanes;
                    let _ = writeln!(out, "{:indent$}{}", "", paint.wrap("36", &partition.to_string()));
                }
                table(rows, TIME + 2 + lanes + 1, &paint, &mut out);
            }
            Entry::Violated { at, property, report } => {
                violated((*at).max(told), property, report, &paint, &mut out);
            }
        }
    }
    headings(&steps, &paint, &mut out);
    if let Some(ending) = &telling.ending {
        audit(ending.audit, &paint, &mut out);
        if let Some((partition, waited)) = ending.longest_wait.filter(|(_, waited)| *waited >= LONG_WAIT) {
            let waited = waited.millis();
            let _ =
                writeln!(out, "        the longest wait for an acknowledgement: {waited} ms ({partition})");
        }
        for line in ending.verdict {
            for (index, part) in wrapped(line, WIDTH - 2).iter().enumerate() {
                let _ = writeln!(out, "{}{part}", if index == 0 { "" } else { "  " });
            }
        }
    }
    out
}

/// Facts that repeat themselves, such as a producer's attempts that are refused again and again: by its place, a line that
/// is left out (none), or how often its fact was repeated and until when.
fn repeated(entries: &[Entry], zoom: Zoom) -> BTreeMap<usize, Option<(u32, Time)>> {
    let mut found: BTreeMap<usize, Option<(u32, Time)>> = BTreeMap::new();
    if zoom > Zoom::Story {
        return found;
    }
    let mut last: BTreeMap<(&str, String), (usize, Time)> = BTreeMap::new();
    for (place, entry) in entries.iter().enumerate() {
        let Entry::Line(line) = entry else { continue };
        if !line.once || line.zoom > zoom {
            continue;
        }
        let (first, before) = last.entry((line.who.as_str(), line.text())).or_insert((place, line.at));
        if *first != place && line.at.since(*before) <= LATELY {
            found.insert(place, None);
            let (count, until) = found.entry(*first).or_default().get_or_insert((0, line.at));
            (*count, *until) = (*count + 1, line.at);
        } else {
            *first = place;
        }
        *before = line.at;
    }
    found
}

/// Whether an entry is a table with something to look at. One of records without names stands only beside others.
fn is_shown(entries: &[Entry], place: usize, many: bool) -> bool {
    let Entry::Table { rows, .. } = &entries[place] else { return false };
    if !is_bare(rows, many) {
        return true;
    }
    let beside = |entry: &&Entry| matches!(entry, Entry::Table { .. });
    let before = entries[..place].iter().rev().take_while(beside);
    let mut tables = before.chain(entries[place + 1..].iter().take_while(beside));
    let is_full = |entry: &Entry| matches!(entry, Entry::Table { rows, .. } if !is_bare(rows, many));
    rows.iter().any(|row| row[3].contains('#')) && tables.any(is_full)
}

/// Whether a table shows nothing to look at: of several partitions, one without a record; or records without names.
fn is_bare(rows: &[[String; 4]], many: bool) -> bool {
    let unnamed = |cell: &str| cell.starts_with('#') || ["|", "…"].contains(&cell);
    let bare = rows.iter().flat_map(|row| row[3].split_whitespace()).all(unnamed);
    let traffic = rows.iter().any(|row| row[3].contains('#'));
    bare && (many || traffic)
}

/// Steps that follow each other with nothing between them: as many in a line as there is room for.
fn headings(steps: &[&str], paint: &Paint, out: &mut String) {
    const ROOM: usize = WIDTH - 3;
    let mut lines: Vec<String> = Vec::new();
    for step in steps {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 4 + step.chars().count() <= ROOM => {
                line.push_str(" ── ");
                line.push_str(step);
            }
            _ => lines.push((*step).to_owned()),
        }
    }
    for line in lines {
        for (index, part) in wrapped(&line, ROOM).iter().enumerate() {
            let mark = if index == 0 { "──" } else { "  " };
            let _ = writeln!(out, "{}", paint.blue(&format!("{mark} {part}")));
        }
    }
}

fn heading(telling: &Telling<'_>, paint: &Paint, out: &mut String) {
    let _ = writeln!(out, "{}", paint.bold(telling.title));
    for line in telling.about {
        for part in balanced(line, WIDTH) {
            let _ = writeln!(out, "  {part}");
        }
    }
    let mut rules = telling.rules.clone();
    for Decided { rule, value } in telling.recorder.decided() {
        if !rules.iter().any(|(name, _)| name == rule) {
            rules.push(((*rule).to_owned(), (*value).to_owned()));
        }
    }
    let indent = 4 + telling.era.len();
    let mut line = format!("era {}", telling.era);
    let room = if rules.is_empty() { "" } else { "   rules that decided:" };
    line.push_str(room);
    for (rule, value) in rules {
        let next = format!("  {rule}: {value}");
        if line.chars().count() + next.chars().count() > WIDTH {
            let _ = writeln!(out, "{line}");
            line = format!("{:indent$} ", "");
        }
        line.push_str(&next);
    }
    let _ = writeln!(out, "{line}");
    let set = (!telling.set.is_empty()).then(|| format!("set: {}", telling.set.join("   ")));
    for line in set.iter().chain(&telling.otherwise) {
        for part in wrapped(line, WIDTH - indent - 3) {
            let _ = writeln!(out, "{:indent$}   {part}", "");
        }
    }
    let partitions = telling.nodes.zookeeper().partitions();
    let lanes = match partitions.len() {
        1 => "L leader  f follower  · neither",
        _ => "0-9 partitions it leads",
    };
    let legend =
        format!("{lanes}  # down  z paused        log cells are value@leader-epoch; | is the high watermark");
    let _ = writeln!(out, "{}", paint.dim(&legend));
    let marks = marks(telling);
    if !marks.is_empty() {
        let _ = writeln!(out, "{}", paint.dim(&marks.join("  ")));
    }
    let _ = writeln!(out);
}

/// What the marks in the tables of this story mean.
fn marks(telling: &Telling<'_>) -> Vec<&'static str> {
    let many = telling.nodes.zookeeper().partitions().len() > 1;
    let entries = telling.recorder.entries();
    let shown = (0..entries.len()).filter(|place| is_shown(entries, *place, many));
    let cells = shown.flat_map(|place| match &entries[place] {
        Entry::Table { rows, .. } => rows.iter().flat_map(|row| row[3].split_whitespace()).collect(),
        _ => Vec::new(),
    });
    let cells: Vec<&str> = cells.collect();
    let has = |is: &dyn Fn(&str) -> bool| cells.iter().any(|cell| is(cell));
    let mut marks = Vec::new();
    if has(&|cell| cell.starts_with('#')) {
        marks.push("#12 the record at offset 12, which has no name");
    }
    if has(&|cell| cell == "…") {
        marks.push("… what came before");
    }
    if has(&|cell| cell == "?") {
        marks.push("? what is on that disk its next start will find out");
    }
    if has(&|cell| cell.ends_with('!')) {
        marks.push("! fails its CRC");
    }
    marks
}

/// The author's words: `»` says, `?` asks, `!` answers.
fn words(voice: Voice, text: &str, paint: &Paint, out: &mut String) {
    let (mark, code) = match voice {
        Voice::Says => ("»", ""),
        Voice::Asks => ("?", "1;35"),
        Voice::Answers => ("!", "1;32"),
    };
    for (index, part) in wrapped(text, WIDTH - 5).iter().enumerate() {
        let line = format!("{} {part}", if index == 0 { mark } else { " " });
        let line = if code.is_empty() { line } else { paint.wrap(code, &line) };
        let _ = writeln!(out, "   {line}");
    }
}

fn print_line(
    line: &Line,
    more: Option<(u32, Time)>,
    who: usize,
    lanes: usize,
    paint: &Paint,
    out: &mut String,
) {
    let indent = TIME + 2 + lanes + 1 + who + 2;
    let rule = line.decided.map(|decided| format!("rule {}: {}", decided.rule, decided.value));
    let mut text = line.text();
    if let Some((count, until)) = more {
        text += &format!(" ({count} more until {} ms)", until.millis());
    }
    let mut parts = wrapped(&text, WIDTH - indent);
    let head = format!("{:>TIME$}  {:<lanes$} {:<who$}  ", line.at.millis(), line.lanes, line.who);
    let first = parts.remove(0);
    let used = head.chars().count() + first.chars().count();
    let rule = match rule {
        None => String::new(),
        Some(rule) if used + 3 + rule.chars().count() <= WIDTH => {
            let gap = (WIDTH - used - rule.chars().count()).max(3);
            format!("{:gap$}{}", "", paint.dim(&rule))
        }
        Some(rule) => {
            parts.push(format!("({rule})"));
            String::new()
        }
    };
    let _ = writeln!(out, "{head}{}{rule}", paint.shout(&first));
    for part in parts {
        let _ = writeln!(out, "{:indent$}{}", "", paint.shout(&part));
    }
}

fn table(rows: &[[String; 4]], indent: usize, paint: &Paint, out: &mut String) {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (one, two, three) = (width(0), width(1), width(2));
    for [broker, role, epoch, log] in rows {
        let row = format!("{:indent$}{broker:<one$}  {role:<two$}  {epoch:<three$}  {log}", "");
        let row: String = row.chars().take(WIDTH + 2).collect();
        let _ = writeln!(out, "{}", paint.wrap("36", row.trim_end()));
    }
}

fn violated(at: Time, property: &str, report: &[String], paint: &Paint, out: &mut String) {
    let _ = writeln!(out, "{:>TIME$}  {}", at.millis(), paint.red(&format!("VIOLATED {property}")));
    for line in report {
        for part in wrapped(line, WIDTH - 8) {
            let _ = writeln!(out, "        {part}");
        }
    }
}

/// What a record is called: by its name, or its offset.
fn called(record: &Audited) -> String {
    match record.batch.filter(|_| record.name.ends_with(" bytes")) {
        Some(batch) => format!("#{}", batch.base_offset),
        None => record.name.to_string(),
    }
}

/// What became of the records that have names, and of the others by number.
fn audit(audit: &Audit, paint: &Paint, out: &mut String) {
    let named = |name: &str| !name.ends_with(" bytes");
    let mut rows: Vec<[String; 4]> = Vec::new();
    // What has no name and shares its fate is told as one.
    let mut nameless: Vec<(usize, Vec<&Audited>)> = Vec::new();
    let told = audit.records.iter();
    for record in told.filter(|record| named(&record.name) || matches!(record.fate, Fate::Lost { .. })) {
        let copies = match (&record.copies[..], record.batch) {
            ([], _) => "no copy".to_owned(),
            (copies, _) => copies.join(", "),
        };
        let fate = match &record.fate {
            Fate::Kept => "kept".to_owned(),
            Fate::Duplicate(offset) => format!("kept as a duplicate at offset {offset}"),
            Fate::KeptFrom(start) => format!("kept from offset {start} on; the operator deleted the rest"),
            Fate::Deleted(start) => format!("deleted by the operator, below log start offset {start}"),
            Fate::TopicDeleted => "deleted by the operator, with its topic".to_owned(),
            Fate::NotPromised => "not promised".to_owned(),
            Fate::Waiting => "waits for a leader".to_owned(),
            Fate::Lost { declared: Some(declared), how } => format!("lost, as {declared} allows: {how}"),
            Fate::Lost { declared: None, how } => format!("LOST: {how}"),
        };
        let row = [called(record), record.told.to_string(), copies, fate];
        if named(&record.name) {
            rows.push(row);
            continue;
        }
        let alike = |known: &[String; 4]| known[2..] == row[2..];
        match nameless
            .iter_mut()
            .find(|(place, all)| all[0].partition == record.partition && alike(&rows[*place]))
        {
            Some((_, all)) => all.push(record),
            None => {
                nameless.push((rows.len(), vec![record]));
                rows.push(row);
            }
        }
    }
    for (place, all) in nameless.into_iter().filter(|(_, all)| all.len() > 1) {
        let (first, last) = (all[0], all[all.len() - 1]);
        rows[place][0] = format!("{} … {} ({} batches)", called(first), called(last), all.len());
        rows[place][1] = format!("the first {}", first.told);
    }
    let unnamed = audit.records.iter().filter(|record| !named(&record.name));
    let (mut sent, mut kept) = (0, 0);
    for record in unnamed {
        sent += 1;
        kept += u32::from(record.fate.is_kept());
    }
    if rows.is_empty() && sent == 0 {
        return;
    }
    let _ = writeln!(out, "{}", paint.blue("── audit: what became of every record"));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (one, two, three) = (width(0), width(1), width(2));
    const SHOWN: usize = 24;
    for [name, told, copies, fate] in rows.iter().take(SHOWN) {
        let row = format!("        {name:<one$}  {told:<two$}  {copies:<three$}  ");
        let room = WIDTH.saturating_sub(row.chars().count());
        // What does not fit beside the row stands below it.
        let below = room < 30 && fate.chars().count() > room;
        let indent = if below { 10 + one } else { row.chars().count() };
        if below {
            let _ = writeln!(out, "{}", row.trim_end());
        }
        for (index, part) in wrapped(fate, WIDTH - indent).iter().enumerate() {
            let head = if index == 0 && !below { row.clone() } else { format!("{:indent$}", "") };
            let _ = writeln!(out, "{head}{}", paint.shout(part));
        }
    }
    if rows.len() > SHOWN {
        let _ = writeln!(out, "        … and {} more", rows.len() - SHOWN);
    }
    if sent > 0 {
        let _ = writeln!(
            out,
            "        of {sent} batches of the workload, {kept} are in the current leader's log"
        );
    }
}
