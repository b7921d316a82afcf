//! A recording, held against what the simulated cluster does.
//!
//! 1. Each step is played plainly first. If what it shows differs, the races that are open in it are decided otherwise,
//!    one way after another, until all is equal; if none helps, an earlier step may have gone another way that looked
//!    the same.
//! 2. The budget of steps played is bounded. If it is spent, the difference told is that of the deepest step reached,
//!    played plainly.

use super::facts::{About, Facts, NOTHING};
use super::file::{Operation, Recording, Step};
use super::look;
use super::play::Player;
use super::race::{self, Race};
use super::then::{Seen, Whole};
use crate::scenario::source::Path;
use kafka::ids::TopicPartition;

/// Steps that may be played for one recording.
pub const BUDGET: u32 = 1500;

/// What a comparison came to.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Facts that were compared and are equal.
    pub equal: usize,
    /// What was forced: step (from 1) and how.
    pub forced: Vec<(usize, String)>,
    /// Where it differs, if it does.
    pub difference: Option<Difference>,
}

/// A step in which ours and the recording differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Which step, from 1; one more than there are for the end.
    pub step: usize,
    /// The recording's words for it.
    pub words: String,
    /// Where it stands: `file:line`.
    pub place: String,
    /// Each fact that differs: what about, the recording's side, ours, where it stands.
    pub facts: Vec<(String, String, String, String)>,
}

/// Plays a recording and compares.
pub fn compare(recording: &Recording) -> Comparison {
    compare_within(recording, BUDGET)
}

/// The same, with so many steps to play at most.
///
/// # Panics
/// If it may play none.
pub fn compare_within(recording: &Recording, budget: u32) -> Comparison {
    assert!(budget > 0, "nothing is compared without playing");
    crate::kernel::host::host(0, || {
        let mut search = Search { recording, budget, deepest: None };
        let mut player = Player::new(recording);
        match search.from(0, &mut player) {
            Some((equal, mut forced)) => {
                forced.reverse();
                Comparison { equal, forced, difference: None }
            }
            None => {
                let ((equal, forced), difference) =
                    search.deepest.expect("what fails has a first difference");
                Comparison { equal, forced, difference: Some(difference) }
            }
        }
    })
}

/// What ours shows after a step.
pub struct Shown {
    /// The recording's words for the step.
    pub words: String,
    /// What callers were told, and what the cluster shows.
    pub facts: Facts,
}

/// Plays a recording plainly, whatever it shows.
pub fn show(recording: &Recording) -> Vec<Shown> {
    crate::kernel::host::host(0, || {
        let mut player = Player::new(recording);
        let mut all = Vec::new();
        for step in &recording.steps {
            let mut facts = player.step(step, &Race::default());
            facts.extend(player.facts());
            all.push(Shown { words: step.words.clone(), facts });
        }
        if recording.last.is_some() {
            let race = race::of_the_end(&player.running()).swap_remove(0);
            player.stop(&race);
            all.push(Shown { words: "all brokers are stopped".to_owned(), facts: player.facts() });
        }
        all
    })
}

struct Search<'a> {
    recording: &'a Recording,
    budget: u32,
    /// Of the deepest step that failed: what was equal before it, what was forced, what differs.
    deepest: Option<(Found, Difference)>,
}

/// Facts that were equal, and what was forced, last step first.
type Found = (usize, Vec<(usize, String)>);

impl<'a> Search<'a> {
    fn from(&mut self, index: usize, player: &mut Player<'a>) -> Option<Found> {
        self.go(index, player, 0, &mut Vec::new())
    }

    fn go(
        &mut self,
        index: usize,
        player: &Player<'a>,
        before: usize,
        trail: &mut Vec<(usize, String)>,
    ) -> Option<Found> {
        let step = self.recording.steps.get(index);
        let races = match (step, &self.recording.last) {
            (Some(step), _) => race::of_step(step, self.recording),
            (None, Some(_)) => race::of_the_end(&player.running()),
            (None, None) => return Some((before, Vec::new())),
        };
        for race in races {
            if self.budget == 0 {
                return None;
            }
            self.budget -= 1;
            let mut player = player.clone();
            let (equal, differs) = match (step, &self.recording.last) {
                (Some(step), _) => played(&mut player, step, &race),
                (None, Some(last)) => {
                    player.stop(&race);
                    difference(last, &player.facts())
                }
                (None, None) => unreachable!("then there is nothing to play"),
            };
            if !differs.is_empty() {
                self.note(index, before, trail, differs);
                continue;
            }
            if step.is_none() {
                let forced = race.in_words().map(|words| (index + 1, words));
                return Some((before + equal, forced.into_iter().collect()));
            }
            let forced = race.in_words().map(|words| (index + 1, words));
            let length = trail.len();
            trail.extend(forced.clone());
            let rest = self.go(index + 1, &player, before + equal, trail);
            trail.truncate(length);
            if let Some((equal, mut all)) = rest {
                all.extend(forced);
                return Some((equal, all));
            }
        }
        None
    }

    /// Keeps the first difference of the deepest step.
    fn note(&mut self, index: usize, equal: usize, trail: &[(usize, String)], differs: Vec<Differs>) {
        if self.deepest.as_ref().is_some_and(|(_, deepest)| deepest.step > index) {
            return;
        }
        let (words, path) = match self.recording.steps.get(index) {
            Some(step) => (step.words.clone(), step.path.clone()),
            None => ("all brokers are stopped".to_owned(), Path::default().key("final")),
        };
        let place = self.recording.place(&path);
        let facts = differs
            .into_iter()
            .map(|one| {
                let at = one.place.map_or(place.clone(), |path| self.recording.place(&path));
                (one.about.to_string(), one.recorded, one.ours, at)
            })
            .collect();
        let difference = Difference { step: index + 1, words, place, facts };
        self.deepest = Some(((equal, trail.to_vec()), difference));
    }
}

/// One fact that differs.
struct Differs {
    about: About,
    recorded: String,
    ours: String,
    place: Option<Path>,
}

/// Plays a step: how many facts are equal, and those that differ.
fn played(player: &mut Player<'_>, step: &Step, race: &Race) -> (usize, Vec<Differs>) {
    let told = player.step(step, race);
    let mut differs = Vec::new();
    let mut equal = 0;
    for (index, (operation, path)) in step.operations.iter().enumerate() {
        let about = About::Told(index);
        let ours = told.get(&about);
        let recorded = match recorded_answer(operation) {
            Some(recorded) => recorded,
            None if is_tool(operation) => NOTHING.to_owned(),
            None => continue,
        };
        let ours = ours.map_or(NOTHING, String::as_str);
        if same_answer(&recorded, ours) {
            equal += 1;
        } else {
            differs.push(Differs { about, recorded, ours: ours.to_owned(), place: Some(path.clone()) });
        }
    }
    if let Some(then) = &step.then {
        let (same, more) = difference(then, &player.facts());
        equal += same;
        differs.extend(more);
    }
    (equal, differs)
}

fn is_tool(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::CreateTopic { .. }
            | Operation::Set(..)
            | Operation::DeleteZnode(_)
            | Operation::Reassign(_)
    )
}

/// What the recording says that a caller was told.
fn recorded_answer(operation: &Operation) -> Option<String> {
    match operation {
        Operation::Produce { told, .. } => told.as_ref().map(|told| told.join(", ")),
        Operation::EpochEnds(_, answers) => {
            let answers: Vec<String> = answers.iter().map(|(epoch, end)| format!("{epoch}: {end}")).collect();
            Some(answers.join("; "))
        }
        Operation::ReadAll(_, values) => values.as_ref().map(|values| values.join(" ")),
        _ => None,
    }
}

/// Whether two answers are the same; code 6 has two names.
fn same_answer(recorded: &str, ours: &str) -> bool {
    let newest = |text: &str| text.replace("NotLeaderForPartitionException", "NotLeaderOrFollowerException");
    newest(recorded) == newest(ours)
}

/// How many facts are equal, and those that differ.
fn difference(seen: &Seen, ours: &Facts) -> (usize, Vec<Differs>) {
    let mut equal = 0;
    let mut differs = Vec::new();
    for (about, recorded) in &seen.facts {
        let is = ours.get(about).map_or(NOTHING, String::as_str);
        if look::same(about, recorded, is) {
            equal += 1;
        } else {
            let place = seen.places.get(about).cloned();
            let (about, recorded, ours) = (about.clone(), recorded.clone(), is.to_owned());
            differs.push(Differs { about, recorded, ours, place });
        }
    }
    for (about, is) in ours {
        if !seen.facts.contains_key(about) && must_be_seen(about, &seen.whole) {
            let (about, recorded, ours) = (about.clone(), NOTHING.to_owned(), is.clone());
            differs.push(Differs { about, recorded, ours, place: None });
        }
    }
    (equal, differs)
}

/// Whether a recording that lists so much would have listed this.
fn must_be_seen(about: &About, whole: &[Whole]) -> bool {
    let topic = |of: &TopicPartition| of.topic;
    match about {
        About::State(of) => whole.contains(&Whole::States(topic(of))),
        About::Metadata(of) => whole.contains(&Whole::Metadata(topic(of))),
        About::Log(of, _) => whole.contains(&Whole::Logs(topic(of))),
        _ => false,
    }
}
