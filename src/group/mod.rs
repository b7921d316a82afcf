//! Consumer groups on the side of brokers. What a coordinator writes into `__consumer_offsets` stands in [`records`].

pub mod records;
