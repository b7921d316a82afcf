//! Many runs: on as many threads as there are processors, results in the order of the jobs, a progress bar for people.
//!
//! Each trial is single-threaded and has its own host, so trials can be side by side; the only place that starts
//! threads.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
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
        usize::MAX => (None, "{spinner} {pos} in {elapsed}  {per_sec}  {msg}"),
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

#[cfg(test)]
mod tests {
    use super::in_order;

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
