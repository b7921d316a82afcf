//! Defaults that changed from release to release: where one matters, it is written down as the failing release has it.
//!
//! The verdicts of a scenario are to tell of the rule that the failure hangs on. Left to defaults, they would tell of
//! those, too: a producer that says nothing has `acks=1` up to 2.8 and `acks=all` from 3.0 on.

use super::Crew;
use super::tell::{came, releases};
use crate::scenario::file::Scenario;
use crate::scenario::words::{Setting, Table};
use kafka::config::{ConfigKind, DefaultValue, default_of, has_an_effect, names};
use kafka::era::{Era, Release};

/// A setting that is not given: of all brokers, or of the client of this number.
struct Default {
    client: Option<usize>,
    name: &'static str,
    value: &'static str,
}

/// The scenario with the defaults that matter to a verdict. It comes to the same in the failing release.
pub fn written_down<C: Crew>(scenario: &Scenario, failing: Release, crew: &C) -> Scenario {
    let mut chosen = changing(scenario, failing);
    let all: Vec<Release> = releases().collect();
    let verdicts = |chosen: &[Default], among: &[Release]| came(&with(scenario, chosen), among, crew);
    let (wanted, bare) = (verdicts(&chosen, &all), verdicts(&[], &all));
    let differ = all.iter().zip(wanted.iter().zip(&bare)).filter(|(_, (wanted, bare))| wanted != bare);
    let (differ, wanted): (Vec<Release>, Vec<_>) =
        differ.map(|(release, (wanted, _))| (*release, wanted)).unzip();
    if differ.is_empty() {
        return scenario.clone();
    }
    for index in (0..chosen.len()).rev() {
        let left_out = chosen.remove(index);
        if verdicts(&chosen, &differ).iter().ne(wanted.iter().copied()) {
            chosen.insert(index, left_out);
        }
    }
    with(scenario, &chosen)
}

/// What is not given and differs among the releases, all of which have it.
fn changing(scenario: &Scenario, failing: Release) -> Vec<Default> {
    let clients = scenario.cluster.clients.0.iter().enumerate().map(|(index, (_, client))| {
        let kind = if client.assign.is_some() { ConfigKind::Consumer } else { ConfigKind::Producer };
        (Some(index), kind, &client.settings)
    });
    let places = std::iter::once((None, ConfigKind::Broker, &scenario.cluster.settings)).chain(clients);
    let mut all = Vec::new();
    for (client, kind, given) in places {
        for name in names(kind, &Era::of(failing)) {
            if !has_an_effect(kind, name) || given.names().any(|known| known == name) {
                continue;
            }
            let value = |release: Release| match default_of(kind, &Era::of(release), name) {
                Some(DefaultValue::Value(value)) => Some(value),
                _ => None,
            };
            let values: Option<Vec<&str>> = releases().map(value).collect();
            let own = value(failing);
            if let (Some(values), Some(own)) = (values, own)
                && values.iter().any(|value| *value != own)
            {
                all.push(Default { client, name, value: own });
            }
        }
    }
    all
}

fn with(scenario: &Scenario, chosen: &[Default]) -> Scenario {
    let mut scenario = scenario.clone();
    for Default { client, name, value } in chosen {
        let settings: &mut Table<Setting> = match client {
            None => &mut scenario.cluster.settings,
            Some(index) => &mut scenario.cluster.clients.0[*index].1.settings,
        };
        settings.0.push(((*name).to_owned(), Setting((*value).to_owned())));
    }
    scenario
}
