//! What the benchmarks share: the allocator of the command itself, and a stop-watch.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The shortest of so many runs, in seconds: what it takes when nobody disturbs it.
#[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn shortest(rounds: usize, run: impl Fn()) -> f64 {
    let time = |_| {
        let begin = std::time::Instant::now();
        run();
        begin.elapsed().as_secs_f64()
    };
    (0..rounds).map(time).fold(f64::INFINITY, f64::min)
}
