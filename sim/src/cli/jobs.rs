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

/// Does jobs `0..count` and hands their results over in that order. Stops early when `take` says false.
pub fn in_order<T: Send>(count: usize, job: impl Fn(usize) -> T + Sync, mut take: impl FnMut(T) -> bool) {
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get()).min(count.max(1));
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let bar = ProgressBar::with_draw_target(Some(count as u64), ProgressDrawTarget::hidden());
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len}  {per_sec}  {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let (sender, receiver) = mpsc::sync_channel::<(usize, T)>(threads * 4);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, stop, job) = (sender.clone(), &next, &stop, &job);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
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
                if !stop.load(Ordering::Relaxed) && !bar.suspend(|| take(result)) {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
    });
    bar.finish_and_clear();
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
