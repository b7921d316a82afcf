//! What applications do: a stream of named records to every partition, and single ones just before something happens.

use super::draw::{Draws, Purpose};
use super::settings::Shape;
use crate::scenario::step::{Produce, Step};
use crate::scenario::words::{Partition, Span};
use kafka::time::Micros;

/// A step at a moment of the plan.
pub type Planned = (Micros, Step);

/// A partition has at most so many records of its stream.
const MOST_RECORDS: u64 = 40;

fn produce(shape: &Shape, which: usize, to: usize) -> Produce {
    let (partition, _) = &shape.partitions[to];
    Produce {
        to: Partition(*partition),
        value: None,
        values: None,
        count: None,
        size: None,
        acks: None,
        by: Some(shape.producers[which % shape.producers.len()].0.clone()),
        key: None,
        every: None,
    }
}

/// Draws what is sent in the window of faults, with single records near `moments`.
pub fn workload(draws: &Draws, shape: &Shape, window: Micros, moments: &[Micros]) -> Vec<Planned> {
    let mut planned = Vec::new();
    for to in 0..shape.partitions.len() {
        let draw = draws.about(Purpose::Workload, to as u32);
        let every = draw.of(0, &[100_000, 250_000, 400_000, 700_000, 1_500_000]);
        let count = (window.0 / every).clamp(3, MOST_RECORDS);
        let letter = char::from(b'a' + to as u8);
        let values = (1..=count).map(|number| format!("{letter}{number}")).collect();
        let by = draw.up_to(1, 7) as usize;
        let step =
            Produce { values: Some(values), every: Some(Span(Micros(every))), ..produce(shape, by, to) };
        planned.push((Micros(draw.up_to(2, 300) * 1000), Step::Produce(step)));
    }
    for (index, moment) in moments.iter().enumerate() {
        let draw = draws.about(Purpose::Workload, 1000 + index as u32);
        for number in 0..draw.up_to(0, 3) as usize {
            let place = 1 + 4 * number;
            let to = draw.up_to(place, shape.partitions.len() as u64 - 1) as usize;
            let value = format!("x{}", 1 + index * 4 + number);
            let by = draw.up_to(place + 1, 7) as usize;
            let at = (moment.0 + draw.up_to(place + 2, 1_500) * 1000).saturating_sub(500_000);
            let step = Produce { value: Some(value), ..produce(shape, by, to) };
            planned.push((Micros(at), Step::Produce(step)));
        }
    }
    planned
}
