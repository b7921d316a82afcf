//! The end of a plan: safety has been watched all along, now liveness is.
//!
//! Faults stop: what is held is let go, links heal, whoever stands still goes on, disks work, processors and links are
//! fast again. A healthy core of brokers is chosen and started; whoever is down outside of it stays down. Then
//! the cluster has its time: sessions end, followers are thrown out and come back, producers give up or are answered.
//! At the end the properties of liveness ([`LIVENESS`]) say whether it has come to rest; what stands in the way and is
//! nobody's fault is an excuse, computed from the state ([`crate::checkers::excuse`]).

use super::draw::{Draws, Purpose};
use super::settings::{METADATA_AGE, Shape, broker};
use crate::scenario::step::{DiskStep, Fault, Link, SlowCpu, SlowLink, Step};
use crate::scenario::words::{Many, Role, Span};
use kafka::time::Micros;

/// What is judged at the end of every plan.
pub const LIVENESS: [&str; 6] = [
    "isr-refills",
    "high-watermark-arrives",
    "log-start-arrives",
    "leader-arrives",
    "sends-are-answered",
    "consumers-arrive",
];

/// The steps that end a plan whose faults were `steps`.
pub fn settle(draws: &Draws, shape: &Shape, steps: &[Step]) -> Vec<Step> {
    let has = |is: fn(&Step) -> bool| any(steps, is);
    let mut last = Vec::new();
    if has(|step| matches!(step, Step::Hold(_) | Step::Delay(_) | Step::Drop(_))) {
        last.push(Step::Release("all".to_owned()));
    }
    let mut all: Vec<Role> = shape.broker_names().into_iter().map(Role::Node).collect();
    let brokers = all.clone();
    all.push(Role::Node("zookeeper".to_owned()));
    all.extend(shape.producers.iter().map(|(name, _)| Role::Node(name.clone())));
    if has(|step| matches!(step, Step::Cut(_))) {
        last.push(Step::Heal(Link { from: Many(brokers.clone()), to: Many(all) }));
    }
    if has(|step| matches!(step, Step::SlowLink(_))) {
        let mut others = brokers.clone();
        others.push(Role::Node("zookeeper".to_owned()));
        let (from, to) = (Many(brokers.clone()), Many(others));
        let fast = Some(Span(Micros(1000)));
        last.push(Step::SlowLink(SlowLink {
            from,
            to,
            latency: fast,
            jitter: fast,
            bandwidth: None,
            one_way: false,
        }));
    }
    for node in &brokers {
        if has(|step| matches!(step, Step::SlowCpu(_))) {
            last.push(Step::SlowCpu(SlowCpu { node: node.clone(), factor: 1 }));
        }
        if has(|step| matches!(step, Step::Disk(_))) {
            last.push(Step::Disk(DiskStep { at: node.clone(), fault: Fault::Mended }));
            last.push(Step::Disk(DiskStep { at: node.clone(), fault: Fault::Slow(1) }));
        }
        last.push(Step::Resume(node.clone()));
    }
    last.push(Step::Resume(Role::Node("consumer-1".to_owned())));
    // Who comes back too soon finds its znode of the life before, and ends: he is started again when that has gone.
    for wait in [Some(shape.session.0 + 1_000_000), None] {
        for id in core(draws, shape) {
            last.push(Step::Restart(Role::Node(broker(id))));
        }
        last.extend(wait.map(|micros| Step::RunFor(Span(Micros(micros)))));
    }
    last.push(Step::RunFor(Span(patience(shape, has(|step| matches!(step, Step::Drop(_)))))));
    last
}

/// Whether there is such a step, also among those of triggers.
fn any(steps: &[Step], is: fn(&Step) -> bool) -> bool {
    let within = |step: &Step| matches!(step, Step::When(when) if any(&when.steps, is));
    steps.iter().any(|step| is(step) || within(step))
}

/// The brokers that run in the end: all of them in half of the runs, else all but one.
fn core(draws: &Draws, shape: &Shape) -> Vec<u32> {
    let draw = draws.about(Purpose::Core, 0);
    let gone =
        (shape.brokers > 2 && draw.one_in(0, 2)).then(|| draw.up_to(1, u64::from(shape.brokers) - 1) as u32);
    (0..shape.brokers).filter(|id| Some(*id) != gone).collect()
}

/// What a controller waits for the answer to a request that got lost on a connection that stands: the default of
/// the brokers' `request.timeout.ms`; no plan sets a longer one.
const REQUEST_TIMEOUT: Micros = Micros::from_millis(30_000);

/// How long the cluster has: whoever waits for somebody waits at most so long, a few times over. `lost`: whether messages
/// may have got lost.
fn patience(shape: &Shape, lost: bool) -> Micros {
    let longest = shape.session.max(shape.lag).max(shape.socket).max(METADATA_AGE);
    let missed = if lost { REQUEST_TIMEOUT } else { Micros::ZERO };
    Micros(20_000_000 + 2 * longest.0 + missed.0)
}
