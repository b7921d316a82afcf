//! What is wrong with a run.
//!
//! A run may break several properties, one after the other: a replica in the ISR lacks a record, then leads without it, then
//! the last copy goes. They are one failure, and the strongest of them stands for it: what users were promised before what
//! the protocol promises itself, a lost record before anything else.

use crate::checkers::{PROPERTIES, PropertyKind};
use crate::explore::trial::{NEVER_ENDS, UNDECLARED_LOSS};
use crate::scenario::file::DeclaredLoss;
use crate::scenario::problem::Problem;
use crate::scenario::run::RunResult;
use kafka::log::partition_log::BatchInfo;
use std::fmt;
use std::sync::Arc;

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Failure {
    /// A property is violated.
    Violates(&'static str),
    /// Records are lost, as the operator had declared.
    Loses(DeclaredLoss),
}

impl Failure {
    /// The property of this name, or the declared loss.
    ///
    /// # Errors
    /// If there is neither; if it is a name by which trials fail that break no property.
    pub fn named(name: &str) -> Result<Failure, Problem> {
        if let Some(loss) = DeclaredLoss::parse(name) {
            return Ok(Failure::Loses(loss));
        }
        if let Some(property) = PROPERTIES.iter().find(|property| property.name == name) {
            return Ok(Failure::Violates(property.name));
        }
        let why = match name {
            UNDECLARED_LOSS => "no property is violated, and nothing was declared that allows the loss",
            NEVER_ENDS => "such a run spends its budget, and no property is violated",
            _ => {
                let losses = DeclaredLoss::ALL.map(DeclaredLoss::name);
                let known = PROPERTIES.iter().map(|property| property.name).chain(losses);
                return Err(Problem::new(format!("there is no property `{name}`")).near_or_list(name, known));
            }
        };
        Err(Problem::new(format!("`{name}` can be explored and replayed, neither shrunk nor explained"))
            .help(why)
            .help("`trial replay` tells the run"))
    }

    /// Its name: the property's, or the declaration's.
    pub fn name(&self) -> &'static str {
        match self {
            Failure::Violates(property) => property,
            Failure::Loses(loss) => loss.name(),
        }
    }

    /// All that is wrong with a run, the strongest first.
    pub fn all(result: &RunResult) -> Vec<Failure> {
        let mut all = Vec::new();
        for violation in &result.violations {
            let failure = Failure::Violates(violation.property);
            if !all.contains(&failure) {
                all.push(failure);
            }
        }
        all.sort_by_key(strength);
        for (_, declared) in result.audit.lost() {
            let loss = declared.and_then(DeclaredLoss::parse).map(Failure::Loses);
            if let Some(loss) = loss
                && !all.contains(&loss)
            {
                all.push(loss);
            }
        }
        all
    }

    /// Whether it is about coming to rest in the end.
    pub fn is_of_liveness(&self) -> bool {
        let Failure::Violates(name) = self else { return false };
        PROPERTIES.iter().any(|property| property.name == *name && property.kind == PropertyKind::Liveness)
    }

    /// Whether a run fails so.
    pub fn is_in(&self, result: &RunResult) -> bool {
        match self {
            Failure::Violates(property) => {
                result.violations.iter().any(|violation| violation.property == *property)
            }
            Failure::Loses(loss) => result.audit.lost().any(|(_, declared)| declared == Some(loss.name())),
        }
    }

    /// What removed the last copy of what this is about: a rule's value, a loss of power. `None` if nothing was removed.
    pub fn last_copy(&self, result: &RunResult) -> Option<Arc<str>> {
        let history = &result.world.checks.history;
        let (partition, batch) = self.about(result)?;
        let ghost = history.get(partition)?;
        ghost.last_drop(&batch).map(|drop| Arc::clone(&drop.why))
    }

    /// The batch that this is about, if it is about one that was thrown away or lost.
    pub fn about(&self, result: &RunResult) -> Option<(kafka::ids::TopicPartition, BatchInfo)> {
        let of_audit = || {
            let mut lost = result.audit.lost();
            lost.find_map(|(record, _)| Some((record.partition, record.batch?)))
        };
        match self {
            Failure::Loses(_) => of_audit(),
            Failure::Violates(property) => {
                let violation = result.violations.iter().find(|violation| violation.property == *property)?;
                let ghost = result.world.checks.history.get(violation.partition)?;
                let covers = |batch: &BatchInfo| {
                    batch.base_offset <= violation.offset && violation.offset <= batch.last_offset
                };
                let dropped = ghost.drops.iter().find(|drop| covers(&drop.batch) && drop.at <= violation.at);
                let dropped = dropped.map(|drop| (violation.partition, drop.batch));
                dropped.or_else(|| of_audit().filter(|(_, batch)| covers(batch)))
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Violates(property) => write!(f, "{property}"),
            Failure::Loses(loss) => write!(f, "the loss that {} allows", loss.name()),
        }
    }
}

/// Lost records first, then other promises, then mechanisms; in each in the order of the properties.
fn strength(failure: &Failure) -> (u8, usize) {
    let Failure::Violates(name) = failure else { return (4, 0) };
    let info = PROPERTIES.iter().find(|property| property.name == *name).expect("properties are listed");
    let class = match (info.name, info.kind) {
        ("acked-durable", _) => 0,
        ("log-matching" | "consistent-read" | "no-silent-gap", _) => 1,
        (_, PropertyKind::Promise) => 2,
        _ => 3,
    };
    (class, info.number)
}

/// Names by which a trial fails, the strongest first; what is no property is a loss that nobody explains, or comes last.
pub fn strongest_first(names: &[&'static str]) -> Vec<&'static str> {
    let mut names = names.to_vec();
    names.sort_by_key(|name| match PROPERTIES.iter().any(|property| property.name == *name) {
        true => strength(&Failure::Violates(name)),
        false => (if *name == UNDECLARED_LOSS { 0 } else { 9 }, 0),
    });
    names
}
