//! The order of passes, each to its own fixpoint, all of them until none finds anything more.
//!
//! What fails from every seed must go on doing so. What hangs on its seed is first made less, as far as it fails from that
//! one; then conditions make it fail from more, and those are kept.

use super::bench::Bench;
use super::{Crew, cluster, conditions, records, roles, steps, waits};
use crate::scenario::file::Scenario;

/// Seeds that tell how robust a plan is.
pub const ROBUST: u64 = 20;

/// All passes.
pub fn all<C: Crew>(bench: &mut Bench<'_, C>) {
    bench.seeds = failing(bench);
    let is_robust = bench.seeds.len() as u64 == ROBUST;
    if !is_robust {
        // What fails from some seeds fails from them by luck.
        bench.seeds.clear();
    }
    steps::cut_the_end(bench);
    if !is_robust {
        fewer(bench);
        calm(bench);
        conditions::all(bench);
        bench.seeds = failing(bench);
    }
    smaller(bench);
    calm(bench);
    bench.same_verdict = true;
    bench.seeds = failing(bench);
    to_a_fixpoint(bench, |bench| {
        conditions::all(bench);
        waits::longer(bench);
        bench.seeds = failing(bench);
        calm(bench);
        smaller(bench);
        // A role makes a plan hang on what it is about: not before all that can go has gone.
        roles::all(bench);
    });
}

/// Less of everything, but nothing that makes what is left less certain: settings, holds and waits stay as they are.
fn fewer<C: Crew>(bench: &mut Bench<'_, C>) {
    to_a_fixpoint(bench, |bench| {
        big_pieces(bench);
        each(bench, "records", records::fewer);
    });
}

/// What only makes a plan smaller, until nothing does.
fn smaller<C: Crew>(bench: &mut Bench<'_, C>) {
    to_a_fixpoint(bench, |bench| {
        big_pieces(bench);
        each(bench, "replicas", cluster::fewer_replicas);
        each(bench, "settings", cluster::fewer_settings);
        each(bench, "network and disks", cluster::plainer);
        each(bench, "records", records::fewer);
        each(bench, "steps", steps::plainer);
        each(bench, "conditions", conditions::plainer);
        each(bench, "waits", waits::shorter);
        waits::not_met(bench);
    });
}

fn big_pieces<C: Crew>(bench: &mut Bench<'_, C>) {
    steps::drop_chunks(bench);
    each(bench, "clients", cluster::fewer_clients);
    each(bench, "topics", cluster::fewer_topics);
    each(bench, "partitions", cluster::fewer_partitions);
    each(bench, "brokers", cluster::fewer_brokers);
}

/// Passes again and again, until they change nothing or the search is stopped.
fn to_a_fixpoint<'b, C: Crew>(bench: &mut Bench<'b, C>, passes: impl Fn(&mut Bench<'b, C>)) {
    loop {
        let before = bench.plan().clone();
        passes(bench);
        if bench.stopped || *bench.plan() == before {
            return;
        }
    }
}

/// Seed 0 and no drawn ties, where it still fails: then nothing hangs on chance.
fn calm<C: Crew>(bench: &mut Bench<'_, C>) {
    each(bench, "seed", cluster::calmer);
}

/// The seeds from which the plan fails.
pub fn failing<C: Crew>(bench: &mut Bench<'_, C>) -> Vec<u64> {
    let (case, held) = (bench.case(), &*bench);
    let verdict = held.verdict();
    let all = bench.crew.all(ROBUST as usize, &|seed| held.fails_from(&case, seed as u64, verdict));
    bench.count("seeds", ROBUST);
    (0..ROBUST).zip(all).filter_map(|(seed, fails)| fails.then_some(seed)).collect()
}

/// Takes the first of the candidates that is as it must be, makes new ones of that, until none is.
pub fn each<C: Crew>(
    bench: &mut Bench<'_, C>,
    pass: &'static str,
    candidates: impl Fn(&Scenario) -> Vec<Scenario>,
) {
    while bench.first(pass, &candidates(bench.plan())).is_some() {}
}
