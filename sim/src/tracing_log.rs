//! `tracing` for whoever debugs the machine: kernel and network tell every event, in virtual time, a span per node.
//!
//! `trial --log FILTER`, and `RUST_LOG` in tests. Stories and checkers never read it, and it never changes the hash:
//! when it is off an event costs the reading of one static, and nothing is formatted.
//!
//! | target          | level | what                                              |
//! |-----------------|-------|---------------------------------------------------|
//! | `trial::kernel` | debug | every event: kind, node, number, cause            |
//! | `trial::kernel` | trace | what a node is given, in full, in the node's span |
//! | `trial::net`    | trace | every packet: sent, arrived, held, lost           |

use kafka::node::Input;
use kafka::time::Time;
use std::cell::Cell;
use std::fmt;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing::span::EnteredSpan;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

thread_local! {
    /// Virtual time, as the kernel last said while tracing was on.
    static NOW: Cell<Time> = const { Cell::new(Time::ZERO) };
}

/// Prints virtual time, in milliseconds with three decimals.
#[derive(Copy, Clone, Debug, Default)]
pub struct VirtualTime;

impl FormatTime for VirtualTime {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write_millis(w, NOW.get())
    }
}

fn write_millis(w: &mut impl fmt::Write, at: Time) -> fmt::Result {
    write!(w, "{:>8}.{:03}", at.0 / 1000, at.0 % 1000)
}

/// What prints to `writer`, in virtual time, what `filter` (`debug`, `trial::kernel=trace`, ...) lets through.
///
/// # Errors
/// What is wrong with the filter.
pub fn subscriber<W>(filter: &str, writer: W) -> Result<impl Subscriber + Send + Sync, String>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(with_default(filter)).map_err(|error| error.to_string())?;
    Ok(tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(VirtualTime)
        .with_ansi(false)
        .with_writer(writer)
        .finish())
}

/// madsim warns of std's HashMap whenever it draws a seed for one; only who asks for madsim hears of it.
fn with_default(filter: &str) -> String {
    if filter.contains("madsim") { filter.to_owned() } else { format!("madsim=error,{filter}") }
}

/// Prints to standard error what `filter` lets through (`debug`, `trial::kernel=trace`, ...), for the rest of the
/// process.
///
/// # Errors
/// What is wrong with the filter, or that somebody has set up tracing already.
pub fn set_up(filter: &str) -> Result<(), String> {
    let subscriber = subscriber(filter, std::io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|error| error.to_string())
}

/// What tests call first: `RUST_LOG` decides, and without it there is no output.
pub fn set_up_from_environment() {
    if let Ok(filter) = std::env::var("RUST_LOG") {
        // A second test of the same process finds it set up: that is as good.
        let _ = set_up(&filter);
    }
}

/// Whether anybody might listen.
#[inline]
pub(crate) fn is_on() -> bool {
    LevelFilter::current() >= LevelFilter::DEBUG
}

/// The kernel says what time it is.
#[cold]
#[inline(never)]
pub(crate) fn set_now(now: Time) {
    NOW.set(now);
}

/// Enters a node's span, and tells what the node is given.
#[cold]
#[inline(never)]
pub(crate) fn enter(name: &str, life: u32, input: &Input) -> EnteredSpan {
    let span = tracing::debug_span!(target: "trial::kernel", "node", name, life).entered();
    tracing::trace!(target: "trial::kernel", ?input);
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_printed_in_milliseconds() {
        let mut text = String::new();
        write_millis(&mut text, Time(12_034_005)).unwrap();
        assert_eq!(text, "   12034.005");
    }

    #[test]
    fn madsim_is_heard_only_if_asked_for() {
        assert_eq!(with_default("debug"), "madsim=error,debug");
        assert_eq!(with_default("debug,madsim=warn"), "debug,madsim=warn");
    }

    #[test]
    fn a_bad_filter_is_an_error() {
        assert!(set_up("trial=not-a-level").is_err());
    }
}
