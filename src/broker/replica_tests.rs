//! A leader on its own: what its followers, clients and the controller see of it, era by era.

mod bench;
mod deleting;
mod isr;
mod reading;
mod writing;
