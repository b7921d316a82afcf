//! madsim hosts a trial: a runtime of its own, with the trial's seed, stands around the run.
//!
//! The kernel needs nothing of it; its guard rails are what we want: inside, real clocks stand still, entropy is
//! seeded, and an operating system thread cannot be started. Built without `--cfg madsim` the same kernel runs bare,
//! with the same hashes.

/// Runs a trial in its host.
#[cfg(madsim)]
pub fn host<T>(seed: u64, run: impl FnOnce() -> T) -> T {
    let runtime = madsim::runtime::Runtime::with_seed_and_config(seed, madsim::Config::default());
    runtime.block_on(async move { run() })
}

/// Runs a trial: there is no host.
#[cfg(not(madsim))]
pub fn host<T>(seed: u64, run: impl FnOnce() -> T) -> T {
    let _ = seed;
    run()
}

/// Which host this build has, for `trial --version`.
pub fn host_name() -> &'static str {
    if cfg!(madsim) { "madsim" } else { "bare" }
}

/// The host's clock follows the kernel's: called when a stretch of virtual time is over, not at every event.
#[cfg(madsim)]
pub(crate) fn follow(now: kafka::time::Time) {
    if let Some(clock) = madsim::time::TimeHandle::try_current() {
        let now = std::time::Duration::from_micros(now.0);
        clock.advance(now.saturating_sub(clock.elapsed()));
    }
}

/// There is no host whose clock could follow.
#[cfg(not(madsim))]
pub(crate) fn follow(now: kafka::time::Time) {
    let _ = now;
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka::time::Time;

    #[test]
    fn a_run_gives_its_result_and_its_clock_follows() {
        let elapsed = host(7, || {
            follow(Time(2_500_000));
            follow(Time(1_000_000));
            #[cfg(madsim)]
            return madsim::time::TimeHandle::current().elapsed().as_millis();
            #[cfg(not(madsim))]
            return 2500;
        });
        assert_eq!(elapsed, 2500);
        follow(Time(1));
    }
}
