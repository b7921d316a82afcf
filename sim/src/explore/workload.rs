//! What applications do: a stream of named records to every partition, and single ones just before something happens.

use super::draw::{Draws, Purpose};
use super::settings::{CONSUMER, Shape};
use crate::scenario::step::{Consume, Produce, StartWord, Step};
use crate::scenario::words::{Many, Partition, Span};
use kafka::command::StartAt;
use kafka::time::Micros;

/// A step at a moment of the plan.
pub type Planned = (Micros, Step);

/// A partition has at most so many records of its stream.
const MOST_RECORDS: u64 = 40;

/// A record, or several, of one of the producers to one of the partitions.
pub fn produce(shape: &Shape, which: usize, to: usize) -> Produce {
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
    // Much of what can go wrong with elections goes wrong only where little is written.
    let most = draws.about(Purpose::Workload, 900).weighed(0, &[(MOST_RECORDS, 3), (5, 1), (2, 1), (1, 1)]);
    for to in 0..shape.partitions.len() {
        let draw = draws.about(Purpose::Workload, to as u32);
        let every = draw.of(0, &[100_000, 250_000, 400_000, 700_000, 1_500_000]);
        let count = (window.0 / every).clamp(most.min(3), most);
        let letter = char::from(b'a' + to as u8);
        let values = (1..=count).map(|number| format!("{letter}{number}")).collect();
        let by = draw.up_to(1, 7) as usize;
        let begins = draw.up_to(2, 300) * 1000;
        if draw.one_in(3, 4) {
            // A batch of several to begin with.
            let values = Some(batch(&format!("{letter}0")));
            planned.push((Micros(begins), Step::Produce(Produce { values, ..produce(shape, by, to) })));
        }
        let step =
            Produce { values: Some(values), every: Some(Span(Micros(every))), ..produce(shape, by, to) };
        planned.push((Micros(begins + 1000), Step::Produce(step)));
    }
    for (index, moment) in moments.iter().enumerate() {
        let draw = draws.about(Purpose::Workload, 1000 + index as u32);
        for number in 0..draw.up_to(0, 3) as usize {
            let place = 1 + 4 * number;
            let to = draw.up_to(place, shape.partitions.len() as u64 - 1) as usize;
            let value = format!("x{}", 1 + index * 4 + number);
            let by = draw.up_to(place + 1, 7) as usize;
            let at = (moment.0 + draw.up_to(place + 2, 1_500) * 1000).saturating_sub(500_000);
            let step = if draw.one_in(place + 3, 4) {
                Produce { values: Some(batch(&value)), ..produce(shape, by, to) }
            } else {
                Produce { value: Some(value), ..produce(shape, by, to) }
            };
            planned.push((Micros(at), Step::Produce(step)));
        }
    }
    planned.extend(ends(draws, shape, window));
    planned
}

/// The values of a batch of several records.
pub fn batch(value: &str) -> Vec<String> {
    ["", "+", "++"].map(|more| format!("{value}{more}")).to_vec()
}

/// The second consumer asks again and again where a partition ends.
fn ends(draws: &Draws, shape: &Shape, window: Micros) -> Vec<Planned> {
    if !shape.second_consumer {
        return Vec::new();
    }
    let draw = draws.about(Purpose::Workload, 901);
    let every = draw.of(0, &[150_000, 400_000, 1_000_000]);
    let (of, _) = shape.partitions[draw.up_to(1, shape.partitions.len() as u64 - 1) as usize];
    let start = Some(StartWord(StartAt::Latest));
    let consume = Consume { by: Some(CONSUMER.to_owned()), from: Many(vec![Partition(of)]), start };
    let from = draw.up_to(2, window.0 / 2);
    let count = ((window.0 - from) / every).min(MOST_RECORDS);
    (0..count).map(|number| (Micros(from + number * every), Step::Consume(consume.clone()))).collect()
}
