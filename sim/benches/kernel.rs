//! How fast the machine is: `cargo bench`.
//!
//! | benchmark                   | what it measures                                                                   |
//! |-----------------------------|------------------------------------------------------------------------------------|
//! | `ping-pong/calm`, `/jitter` | events of the bare kernel: two trivial nodes, fetches of three partitions, 1 KB batches |
//! | `hash/fetch`                | of which the hash: a fetch request and its response written down                   |
//! | `fork/world`                | forking a world whose disks hold 36 files of 1 MB                                  |
//! | `fork/first-step`           | the first steps of a fork: one on each node, each appending to a file              |
//! | `reference/ERA`             | events of the reference run, with all checks and the hash                          |
//! | `shrink/FILE`               | shrinking a scenario, one candidate after the other                                |
//! | `madsim/endpoint`           | messages of madsim's own endpoints, in the same run on the same machine            |
//!
//! Throughput is printed in elements a second: events, messages.

use bytes::Bytes;
mod timing;

use criterion::{BatchSize, Criterion, Throughput};
use kafka::command::Command;
use kafka::disk::{Extent, FileId};
use kafka::era::Era;
use kafka::ids::{BrokerId, CallId, LeaderEpoch, NodeId, Offset, TopicPartition};
use kafka::log::batch::{BatchHeader, RecordBatch};
use kafka::messages::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchedPartition};
use kafka::messages::{Request, Response};
use kafka::node::{Channel, ChannelEvent, Effect, Env, Input, Node};
use kafka::time::{Micros, Time, Timestamp};
use std::hint::black_box;
use std::path::Path;
use timing::shortest;
use trial::kernel::encoding;
use trial::kernel::hash::RunningHash;
use trial::scenario::run::Budget;
use trial::scenario::{parse, run};
use trial::shrink::{Alone, Order, shrink};
use trial::why::case::Case;
use trial::world::nodes::Process;
use trial::world::spec::{DiskSpec, NetworkSpec, NodeKind, NodeSpec, WorldSpec};
use trial::world::{RunOptions, World};

const EVENTS: u64 = 100_000;
const CHANNELS: u8 = 8;
const FILES: usize = 36;
const FILE_SIZE: usize = 1 << 20;

/// Fetches without end on a few channels, or answers.
#[derive(Clone)]
struct Fetcher {
    leader: Option<NodeId>,
    calls: u64,
    batch: RecordBatch,
}

impl Node for Fetcher {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        match input {
            Input::Start => {
                if let Some(to) = self.leader {
                    for number in 0..CHANNELS {
                        env.push(Effect::Connect { to, channel: Channel::Fetcher(number) });
                    }
                }
            }
            Input::Channel {
                channel: Channel::Fetcher(number),
                event: ChannelEvent::Connected { .. },
                ..
            } => {
                self.fetch(number, env);
            }
            Input::Answer { call, .. } => self.fetch(call.part(), env),
            Input::Request { reply_to, .. } => env.reply(reply_to, fetched(&self.batch)),
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Time> {
        None
    }
}

impl Fetcher {
    fn fetch(&mut self, number: u8, env: &mut Env<'_>) {
        let Some(to) = self.leader else { return };
        self.calls += 1;
        env.push(Effect::Send {
            to,
            channel: Channel::Fetcher(number),
            call: CallId::new(number, self.calls),
            version: 12,
            expects_answer: true,
            request: fetch(self.calls),
        });
    }
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("orders", number)
}

fn fetch(calls: u64) -> Request {
    let asked = |number| FetchPartition {
        partition: partition(number),
        fetch_offset: Offset(calls as i64),
        log_start_offset: Some(Offset::ZERO),
        max_bytes: 1 << 20,
        current_leader_epoch: Some(LeaderEpoch(3)),
        last_fetched_epoch: Some(LeaderEpoch(3)),
    };
    FetchRequest {
        replica: BrokerId(2),
        max_wait: Micros(500_000),
        min_bytes: 1,
        max_bytes: 10 << 20,
        rack: None,
        partitions: (0..3).map(asked).collect(),
    }
    .into()
}

fn fetched(batch: &RecordBatch) -> Response {
    let read = |number| FetchedPartition {
        partition: partition(number),
        error: None,
        high_watermark: Offset(7),
        log_start_offset: Some(Offset::ZERO),
        diverging_epoch: None,
        preferred_replica: None,
        records: if number == 0 { vec![batch.clone()] } else { Vec::new() },
    };
    FetchResponse { partitions: (0..3).map(read).collect() }.into()
}

fn batch() -> RecordBatch {
    let records = Bytes::from(vec![7; 1024]);
    let header = BatchHeader {
        base_offset: Offset::ZERO,
        batch_length: 49 + 1024,
        partition_leader_epoch: LeaderEpoch(3),
        magic: 2,
        crc: 0x1234_5678,
        attributes: 0,
        last_offset_delta: 0,
        base_timestamp: Timestamp(0),
        max_timestamp: Timestamp(0),
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        records_count: 1,
    };
    RecordBatch::new(header, records)
}

/// Holds many files, and appends to one when told.
#[derive(Clone, Default)]
struct Hoarder {
    files: Vec<FileId>,
}

impl Node for Hoarder {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        let piece = |size| Extent::plain(Bytes::from(vec![1; size]));
        match input {
            Input::Start => {
                for number in 0..FILES / 3 {
                    let file = env.disk.open(&format!("/file-{number}"), true).expect("a new file");
                    for _ in 0..FILE_SIZE / 1024 {
                        env.disk.append(file, piece(1024)).expect("there is room");
                    }
                    self.files.push(file);
                }
            }
            Input::Command(_) => env.disk.append(self.files[0], piece(1024)).expect("there is room"),
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Time> {
        None
    }
}

fn world(nodes: usize, seed: u64, make: impl Fn(NodeId) -> Process) -> World {
    let node = |index| NodeSpec {
        name: format!("node-{index}"),
        era: Era::parse("2.8.1").expect("a release"),
        kind: NodeKind::Operator,
        starts_at: Time::ZERO,
    };
    let spec = WorldSpec {
        nodes: (0..nodes).map(node).collect(),
        network: NetworkSpec::default(),
        disks: DiskSpec::default(),
        step_cost: Micros(10),
        epoch_millis: 0,
    };
    let options = RunOptions { seed, record: false, check: false };
    World::with_processes(&spec, &options, |node, _| make(node))
}

fn ping_pong(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ping-pong");
    group.throughput(Throughput::Elements(EVENTS));
    for (name, seed) in [("calm", 0), ("jitter", 1)] {
        let batch = batch();
        let start = || {
            let mut world = world(2, seed, |node| {
                let leader = (node.0 == 0).then_some(NodeId(1));
                Process::Custom(Box::new(Fetcher { leader, calls: 0, batch: batch.clone() }))
            });
            while world.events() < 1000 {
                world.step(Time::NEVER).expect("they never stop");
            }
            world
        };
        let run = |mut world: World| {
            let end = world.events() + EVENTS;
            while world.events() < end {
                world.step(Time::NEVER).expect("they never stop");
            }
            world
        };
        group.bench_function(name, |bencher| bencher.iter_batched(start, run, BatchSize::LargeInput));
    }
    group.finish();
}

fn hash(criterion: &mut Criterion) {
    let (request, response) = (fetch(9), fetched(&batch()));
    let mut group = criterion.benchmark_group("hash");
    group.throughput(Throughput::Elements(2));
    group.bench_function("fetch", |bencher| {
        let mut hash = RunningHash::default();
        bencher.iter(|| {
            encoding::request(&mut hash, black_box(&request));
            encoding::response(&mut hash, black_box(&response));
        });
        black_box(hash.value());
    });
    group.finish();
}

fn fork(criterion: &mut Criterion) {
    let mut world = world(3, 0, |_| Process::Custom(Box::new(Hoarder::default())));
    while world.step(Time(1_000_000)).is_some() {}
    for node in 0..3 {
        world.command(NodeId(node), Command::ShutDown);
    }
    let mut group = criterion.benchmark_group("fork");
    group.bench_function("world", |bencher| bencher.iter(|| black_box(world.clone())));
    group.throughput(Throughput::Elements(3));
    group.bench_function("first-step", |bencher| {
        let run = |mut fork: World| {
            for _ in 0..3 {
                fork.step(Time::NEVER).expect("a command is due");
            }
            fork
        };
        bencher.iter_batched(|| world.clone(), run, BatchSize::SmallInput);
    });
    group.finish();
}

/// madsim's own endpoints: one message there, one back, and again.
#[cfg(madsim)]
fn endpoints(criterion: &mut Criterion) {
    use madsim::net::Endpoint;
    use madsim::runtime::Runtime;
    use std::net::SocketAddr;

    const MESSAGES: u64 = 20_000;
    let mut group = criterion.benchmark_group("madsim");
    group.throughput(Throughput::Elements(MESSAGES));
    group.bench_function("endpoint", |bencher| {
        let run = || {
            let runtime = Runtime::with_seed_and_config(1, madsim::Config::default());
            let (one, two): (SocketAddr, SocketAddr) = (([10, 0, 0, 1], 1).into(), ([10, 0, 0, 2], 1).into());
            let answering = runtime.create_node().ip(two.ip()).build();
            let asking = runtime.create_node().ip(one.ip()).build();
            answering.spawn(async move {
                let endpoint = Endpoint::bind(two).await.expect("a free address");
                loop {
                    let (message, from) = endpoint.recv_from_raw(1).await.expect("a message");
                    endpoint.send_to_raw(from, 1, message).await.expect("sent");
                }
            });
            let asked = asking.spawn(async move {
                let endpoint = Endpoint::bind(one).await.expect("a free address");
                madsim::time::sleep(std::time::Duration::from_secs(1)).await;
                for number in 0..MESSAGES / 2 {
                    endpoint.send_to_raw(two, 1, Box::new(number)).await.expect("sent");
                    black_box(endpoint.recv_from_raw(1).await.expect("an answer"));
                }
            });
            runtime.block_on(asked).expect("it ends");
        };
        bencher.iter(run);
    });
    group.finish();
}

#[cfg(not(madsim))]
fn endpoints(criterion: &mut Criterion) {
    let _ = criterion;
}

/// The reference run, `scenarios/reference.json`, in each era of its verdicts: everything on but the recorder.
fn reference_run(criterion: &mut Criterion) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/reference.json");
    let ready = parse::read(Path::new(path), None, &[]).unwrap_or_else(|problem| panic!("{problem}"));
    let mut group = criterion.benchmark_group("reference");
    for era in &ready.eras {
        let run_as = |prepare: &dyn Fn(&mut World)| {
            let run = run::run_prepared(&ready, era, 1, false, Budget::default(), prepare);
            run.unwrap_or_else(|problem| panic!("{problem}"))
        };
        let run = || run_as(&|_| ());
        let result = run();
        let (events, records) = (result.events, result.world.delivered_records());
        let alone = |prepare: &dyn Fn(&mut World)| shortest(ROUNDS, || drop(black_box(run_as(prepare))));
        let whole = alone(&|_| ());
        let share = |without: f64| 100.0 * (1.0 - without / whole);
        println!(
            "reference/{era}: {events} events, {records} records delivered, {:?} simulated",
            result.ended
        );
        println!(
            "  {:.0} us a run, {:.2} M events/s, {:.2} us a delivered record, {:.0} : 1 simulated to real",
            whole * 1e6,
            events as f64 / whole / 1e6,
            whole * 1e6 / records as f64,
            result.ended.0 as f64 / 1e6 / whole,
        );
        println!(
            "  of that the checks are {:.1} %, the hash is {:.1} % (shortest of {ROUNDS} runs with and without)",
            share(alone(&World::stop_checking)),
            share(alone(&World::stop_hashing)),
        );
        group.throughput(Throughput::Elements(events));
        group.bench_function(era.to_string(), |bencher| bencher.iter(&run));
    }
    group.finish();
}

/// Shrinking a scenario by one thread, and what forks save of it.
fn shrinking(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("shrink");
    for (name, release) in [("high-watermark", "0.10.2"), ("diverging-fetch", "2.8.0")] {
        let path = format!("{}/../scenarios/truncation/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let era = Era::parse(release).expect("Kafka made it");
        let ready =
            parse::read(Path::new(&path), Some(&era), &[]).unwrap_or_else(|problem| panic!("{problem}"));
        let run = || {
            let case = Case::of(ready.scenario(), &era, 0);
            let mut go_on = |_: &_| true;
            let order = Order { case, failure: None, most_tries: u64::MAX, go_on: &mut go_on };
            shrink(order, &Alone).unwrap_or_else(|problem| panic!("{problem}"))
        };
        let shrunk = run();
        let (saved, spent) = shrunk.saved;
        println!(
            "shrink/{name}: {} steps become {} in {} tries, {spent} events; forks save {saved} more",
            ready.scenario().steps.len(),
            shrunk.scenario.steps.len(),
            shrunk.tries,
        );
        group.bench_function(name, |bencher| bencher.iter(|| black_box(run())));
    }
    group.finish();
}

/// How often a run is timed.
const ROUNDS: usize = 30;

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    for benchmark in [ping_pong, hash, fork, endpoints, reference_run, shrinking] {
        benchmark(&mut criterion);
    }
    criterion.final_summary();
}
