//! Many runs: on as many threads as there are processors, results in the order of the jobs, a progress bar for people.
//!
//! Each trial is single-threaded and has its own host, so trials can be side by side; the only place that starts
//! threads.

use crate::shrink::{Crew, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

/// A bar appears after this long.
const PATIENCE: Duration = Duration::from_secs(1);

/// How jobs are done.
#[derive(Copy, Clone, Debug)]
pub struct Jobs<'a> {
    /// How many.
    pub count: usize,
    /// How many at a time; as many as there are processors, if left out.
    pub threads: Option<usize>,
    /// None is begun after this time.
    pub at_most: Option<Duration>,
    /// None is begun once this is set; what has begun is finished.
    pub stop: &'a AtomicBool,
}

/// Does jobs `0..count` and hands their results over in that order. Stops early when `take` says false.
pub fn in_order<T: Send>(count: usize, job: impl Fn(usize) -> T + Sync, mut take: impl FnMut(T) -> bool) {
    let stop = AtomicBool::new(false);
    let jobs = Jobs { count, threads: None, at_most: None, stop: &stop };
    side_by_side(&jobs, job, |result, bar| bar.suspend(|| take(result)));
}

/// Does jobs and hands their results over in the order of their numbers, with the progress bar. Stops early when `take`
/// says false. Returns how long it took.
pub fn side_by_side<T: Send>(
    jobs: &Jobs<'_>,
    job: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(T, &ProgressBar) -> bool,
) -> Duration {
    let count = jobs.count;
    let processors = || std::thread::available_parallelism().map_or(1, |count| count.get());
    let threads = jobs.threads.unwrap_or_else(processors).min(count.max(1));
    let next = AtomicUsize::new(0);
    let enough = AtomicBool::new(false);
    let (length, template) = match count {
        // As many as there are seeds: somebody else says when it is enough.
        count if count > usize::MAX / 2 => (None, "{spinner} {pos} in {elapsed}  {per_sec}  {msg}"),
        count => (Some(count as u64), "{bar:40} {pos} of {len}  {per_sec}  {eta} left  {msg}"),
    };
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden());
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let (sender, receiver) = mpsc::sync_channel::<(usize, T)>(threads * 4);
    let is_late = || jobs.at_most.is_some_and(|time| bar.elapsed() >= time);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, enough, job, is_late) = (sender.clone(), &next, &enough, &job, &is_late);
            scope.spawn(move || {
                while !enough.load(Ordering::Relaxed) && !jobs.stop.load(Ordering::Relaxed) && !is_late() {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count || sender.send((index, job(index))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut wanted = 0;
        let mut shown = false;
        for (index, result) in receiver {
            if !shown && bar.elapsed() > PATIENCE {
                shown = true;
                // Hidden by itself where standard error is no terminal.
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            bar.inc(1);
            waiting.insert(index, result);
            while let Some(result) = waiting.remove(&wanted) {
                wanted += 1;
                if !enough.load(Ordering::Relaxed) && !take(result, &bar) {
                    enough.store(true, Ordering::Relaxed);
                }
            }
        }
    });
    let elapsed = bar.elapsed();
    bar.finish_and_clear();
    elapsed
}

/// A stop-watch.
pub struct Watch(ProgressBar);

impl Watch {
    /// One that runs from now on.
    pub fn start() -> Watch {
        Watch(ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()))
    }

    /// How long it has run.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// How long a job takes.
pub fn timed<T>(job: impl FnOnce() -> T) -> (T, Duration) {
    let watch = Watch::start();
    let result = job();
    (result, watch.elapsed())
}

/// Candidates of the shrinker, side by side. Which one is taken does not depend on who is ready first.
pub struct Processors;

impl Crew for Processors {
    fn first<T: Send>(&self, count: usize, job: &(dyn Fn(usize) -> Option<T> + Sync)) -> Option<(usize, T)> {
        let (next, found) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
        let results = Mutex::new(BTreeMap::new());
        on_all_processors(count, &|| {
            loop {
                let index = next.fetch_add(1, Ordering::SeqCst);
                // Every job before the first that gives something is done: indices are handed out in order.
                if index >= count || index > found.load(Ordering::SeqCst) {
                    return;
                }
                if let Some(result) = job(index) {
                    found.fetch_min(index, Ordering::SeqCst);
                    results.lock().unwrap_or_else(PoisonError::into_inner).insert(index, result);
                }
            }
        });
        results.into_inner().unwrap_or_else(PoisonError::into_inner).pop_first()
    }

    fn all<T: Send>(&self, count: usize, job: &(dyn Fn(usize) -> T + Sync)) -> Vec<T> {
        let next = AtomicUsize::new(0);
        let results = Mutex::new(BTreeMap::new());
        on_all_processors(count, &|| {
            loop {
                let index = next.fetch_add(1, Ordering::SeqCst);
                if index >= count {
                    return;
                }
                let result = job(index);
                results.lock().unwrap_or_else(PoisonError::into_inner).insert(index, result);
            }
        });
        results.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }
}

/// Lets every processor work, as far as there are jobs.
fn on_all_processors(count: usize, work: &(dyn Fn() + Sync)) {
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get()).min(count);
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
}

/// Says how far a long search has come, and ends it when its time is over.
pub struct Meter {
    bar: ProgressBar,
    budget: Duration,
    shown: bool,
}

impl Meter {
    /// A search that may take so long.
    pub fn new(budget: Duration) -> Meter {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Meter { bar, budget, shown: false }
    }

    /// Tells how far it has come. Says whether there is time left.
    pub fn tell(&mut self, progress: &Progress) -> bool {
        if !self.shown && self.bar.elapsed() > PATIENCE {
            self.shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        let Progress { pass, tries, steps } = progress;
        self.bar.set_message(format!("{steps} steps, {tries} tries: {pass}"));
        self.bar.tick();
        !self.is_over()
    }

    /// Whether its time is over.
    pub fn is_over(&self) -> bool {
        self.bar.elapsed() >= self.budget
    }

    /// How long it took.
    pub fn elapsed(&self) -> Duration {
        self.bar.elapsed()
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{Processors, in_order};
    use crate::shrink::{Alone, Crew};

    #[test]
    fn the_first_that_gives_something_is_the_same_on_all_processors() {
        for wanted in [0, 1, 7, 63, 64] {
            let job = |index: usize| (index >= wanted && index % 3 != 1).then_some(index);
            assert_eq!(Processors.first(64, &job), Alone.first(64, &job));
        }
        assert_eq!(Processors.all(100, &|index| index * index), Alone.all(100, &|index| index * index));
        assert_eq!(Processors.first(0, &|_| Some(())), None);
    }

    #[test]
    fn results_come_in_the_order_of_the_jobs_and_stop_when_told() {
        let mut seen = Vec::new();
        in_order(
            100,
            |index| index * 2,
            |result| {
                seen.push(result);
                true
            },
        );
        assert_eq!(seen, (0..100).map(|index| index * 2).collect::<Vec<_>>());
        let mut seen = 0;
        in_order(
            1_000_000,
            |index| index,
            |_| {
                seen += 1;
                seen < 10
            },
        );
        assert_eq!(seen, 10);
    }
}
