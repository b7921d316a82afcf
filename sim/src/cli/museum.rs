//! `trial museum`: the table of all flaws that exploring finds, from a file that each run goes on with.

use super::args::{Museum as Arguments, MuseumFormat};
use super::jobs::{Jobs, Meter, Processors, side_by_side, timed};
use super::out::Out;
use super::{Outcome, interrupt};
use crate::museum::book::{Book, Catch, Mutation, Shrunk};
use crate::museum::fingerprint::fingerprint;
use crate::museum::flaws::{FLAWS, Flaw, rung_of, rungs};
use crate::museum::planted::{found_by, mutations};
use crate::museum::table::Museum;
use crate::museum::work::{BASES, PROFILES, Place, question, take, trial};
use crate::scenario::eras;
use crate::scenario::problem::Problem;
use crate::shrink::{Order, shrink};
use crate::why::case::Case;
use crate::why::cure::Cure;
use crate::why::failure::Failure;
use kafka::era::{Era, Release};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The file is written at least as often.
const SAVE: Duration = Duration::from_secs(20);
/// So many trials are shrunk, if the first comes to something else.
const ATTEMPTS: usize = 3;
/// Candidates of the shrinker.
const TRIES: u64 = 100_000;

/// Runs `trial museum`.
pub fn museum(arguments: &Arguments, out: &mut Out) -> Result<Outcome, Problem> {
    let asked: Vec<Release> = arguments
        .era
        .iter()
        .map(|era| Ok(rung_of(eras::read(era)?.release)))
        .collect::<Result<_, Problem>>()?;
    let works = arguments.trials.is_some() || arguments.shrink.is_some();
    if arguments.planted && arguments.trials.is_none() {
        return Err(Problem::new("--planted needs --trials N: so many of each mutation"));
    }
    let mut book = match works && !arguments.file.exists() {
        true => Book::default(),
        false => Book::read(&arguments.file)?,
    };
    let mut hall = Hall { arguments, stop: interrupt::flag()?, fingerprints: BTreeMap::new() };
    if works {
        // What cannot be written is known before the work.
        book.write(&arguments.file)?;
        book.version = env!("CARGO_PKG_VERSION").to_owned();
        let all = rungs();
        let wanted = all.iter().copied().filter(|rung| asked.is_empty() || asked.contains(rung));
        match arguments.trials {
            Some(trials) if arguments.planted => hall.plant(&mut book, trials)?,
            Some(trials) => wanted.clone().try_for_each(|rung| hall.explore(&mut book, rung, trials, out))?,
            None => {}
        }
        if let Some(budget) = arguments.shrink {
            let of_wanted: Vec<Release> = wanted.collect();
            hall.shrink(&mut book, &of_wanted, budget)?;
        }
        book.write(&arguments.file)?;
    }
    let eras = book.rungs.iter().filter_map(|rung| Era::parse(&rung.era).ok().map(|era| (era.release, rung)));
    let stale = eras.filter(|(release, rung)| hall.fingerprint(*release) != rung.fingerprint);
    let museum = Museum { stale: stale.map(|(release, _)| release).collect(), book: &book };
    match arguments.format {
        MuseumFormat::Text => out.text(&museum.text()),
        MuseumFormat::Markdown => out.text(&museum.markdown()),
        MuseumFormat::Json => out.line(&museum.json().to_string()),
    }
    let is_bad = book.rungs.iter().any(|rung| rung.unattributed > 0)
        || book.planted.iter().any(|mutation| mutation.found.is_none());
    Ok(if is_bad { Outcome::Differs } else { Outcome::AsExpected })
}

/// What a run of the command needs.
struct Hall<'a> {
    arguments: &'a Arguments,
    stop: &'static AtomicBool,
    fingerprints: BTreeMap<Release, String>,
}

impl Hall<'_> {
    fn fingerprint(&mut self, release: Release) -> String {
        self.fingerprints.entry(release).or_insert_with(|| fingerprint(release)).clone()
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// So many more trials of a release.
    fn explore(
        &mut self,
        book: &mut Book,
        release: Release,
        trials: usize,
        out: &mut Out,
    ) -> Result<(), Problem> {
        if self.stopped() {
            return Ok(());
        }
        let fingerprint = self.fingerprint(release);
        let (rung, was_stale) = book.continued(release, &fingerprint);
        if was_stale && self.arguments.format == MuseumFormat::Text {
            out.line(&format!("{release}: what was counted is stale; it is counted anew"));
        }
        let from = rung.trials;
        let jobs = Jobs { count: trials, threads: self.arguments.jobs, at_most: None, stop: self.stop };
        let mut saved = Duration::ZERO;
        let mut failed = None;
        side_by_side(
            &jobs,
            |index| timed(|| trial(release, from + index as u64)),
            |(outcome, took), bar| {
                let (rung, _) = book.continued(release, &fingerprint);
                take(rung, &outcome, took.as_micros() as u64);
                bar.set_message(format!(
                    "{release}: {} fail, {} unattributed",
                    rung.failing, rung.unattributed
                ));
                if bar.elapsed() > saved + SAVE {
                    saved = bar.elapsed();
                    failed = book.write(&self.arguments.file).err();
                }
                failed.is_none()
            },
        );
        failed.map_or(Ok(()), Err)?;
        book.write(&self.arguments.file)
    }

    /// Shrinks one trial of each flaw that was found and has none shrunk yet.
    fn shrink(&mut self, book: &mut Book, rungs: &[Release], budget: Duration) -> Result<(), Problem> {
        for flaw in FLAWS {
            let (with, _) = flaw.releases();
            let is_new = |book: &Book| {
                let found = book.rung(with).and_then(|rung| rung.find(&flaw.key()));
                found.is_some_and(|found| found.shrunk.is_none())
            };
            let is_fresh = |hall: &mut Self, book: &Book| {
                let fingerprint = hall.fingerprint(with);
                book.rung(with).is_some_and(|rung| rung.fingerprint == fingerprint)
            };
            if self.stopped() || !rungs.contains(&with) || !is_new(book) || !is_fresh(self, book) {
                continue;
            }
            let shrunk = self.shrunk(book, flaw, with, budget);
            let fingerprint = self.fingerprint(with);
            book.continued(with, &fingerprint).0.find_mut(&flaw.key()).shrunk = shrunk;
            book.write(&self.arguments.file)?;
        }
        Ok(())
    }

    fn shrunk(&self, book: &Book, flaw: &Flaw, with: Release, budget: Duration) -> Option<Shrunk> {
        let found = book.rung(with).and_then(|rung| rung.find(&flaw.key())).expect("it was found");
        let mut places: Vec<Place> = Vec::new();
        for (profile, bases) in found.first.iter().enumerate() {
            let own = (0..BASES).filter_map(|base| Some(Place { profile, base, number: bases[base]? }));
            places.extend(own);
        }
        places.sort_by_key(|place| (place.number, place.profile, place.base));
        places.into_iter().take(ATTEMPTS).find_map(|place| {
            let question = question(with, PROFILES[place.profile]);
            let outcome = question.attributed_trial(place.seed());
            let failing = outcome.failure?;
            let attribution = failing.attribution?;
            // One that fails because of this alone.
            let alone = attribution.0.iter().find(|explained| {
                explained.causes.len() == 1 && explained.causes.iter().all(|cause| flaw.is(cause))
            })?;
            let failure = Failure::named(alone.fails_by[0]).ok()?;
            let case = Case::of(&failing.scenario, &question.era, place.seed());
            let mut meter = Meter::new(budget);
            let stop = self.stop;
            let mut go_on =
                |progress: &crate::shrink::Progress| meter.tell(progress) && !stop.load(Ordering::Relaxed);
            let order = Order { case, failure: Some(failure), most_tries: TRIES, go_on: &mut go_on };
            let shrunk = shrink(order, &Processors);
            meter.finish();
            let shrunk = shrunk.ok()?;
            let causes = shrunk.reason.cure().map(Cure::causes).unwrap_or_default();
            let same = causes.iter().any(|cause| flaw.is(cause));
            let before = failing.scenario.steps.len() as u64;
            let steps = shrunk.scenario.steps.len() as u64;
            (same && !self.stopped()).then(|| Shrunk { line: failing.line.to_string(), before, steps })
        })
    }

    /// Explores each mutation until something finds it, for so many trials at most.
    fn plant(&mut self, book: &mut Book, trials: usize) -> Result<(), Problem> {
        let release = *rungs().last().expect("there are releases");
        let fingerprint = self.fingerprint(release);
        for value in mutations() {
            if self.stopped() {
                break;
            }
            let known = book.planted.iter().position(|known| known.mutation == value.name);
            let known = known.map(|place| book.planted.remove(place));
            let fresh = known.filter(|known| known.fingerprint == fingerprint);
            let mut mutation = fresh.unwrap_or_else(|| Mutation {
                mutation: value.name.to_owned(),
                era: release.to_string(),
                fingerprint: fingerprint.clone(),
                trials: 0,
                found: None,
            });
            let from = mutation.trials;
            if mutation.found.is_none() {
                let jobs =
                    Jobs { count: trials, threads: self.arguments.jobs, at_most: None, stop: self.stop };
                side_by_side(
                    &jobs,
                    |index| found_by(release, value.name, from + index as u64),
                    |found, bar| {
                        bar.set_message(value.name);
                        mutation.trials += 1;
                        mutation.found = found.map(|(line, fails_by)| Catch {
                            line: line.to_string(),
                            fails_by: fails_by.into_iter().map(str::to_owned).collect(),
                        });
                        mutation.found.is_none()
                    },
                );
            }
            book.planted.push(mutation);
            book.write(&self.arguments.file)?;
        }
        Ok(())
    }
}
