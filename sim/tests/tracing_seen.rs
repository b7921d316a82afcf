//! Looking on changes nothing. Alone in its process: whether a trace point is on is one static for all threads, and a
//! test beside this one could switch it off.

mod probe;

use probe::busy::{run, workload};
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

#[test]
fn looking_on_changes_nothing_and_shows_virtual_time() {
    let unseen = run(&mut workload(2), 2, |_, _| ());
    let seen = Output::default();
    let subscriber = trial::tracing_log::subscriber("trace", seen.clone()).unwrap();
    let traced = tracing::subscriber::with_default(subscriber, || run(&mut workload(2), 2, |_, _| ()));
    assert_eq!(traced, unseen);
    let text = String::from_utf8(seen.0.lock().unwrap().clone()).unwrap();
    let line = text.lines().find(|line| line.contains("Request") && line.contains("probe-2")).unwrap();
    assert!(
        line.trim_start().starts_with(|first: char| first.is_ascii_digit()) && line.contains("DEBUG"),
        "{line}"
    );
    assert!(text.contains("node{name=\"probe-1\" life=1}: trial::kernel: input="), "{}", &text[..2000]);
    assert!(text.contains("trial::net: sent"), "{}", &text[..2000]);
}

/// Where a test's traces go.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Output {
    type Writer = Output;

    fn make_writer(&self) -> Output {
        self.clone()
    }
}
