//! What happened, for people: the recorded events of a run, stories at three zooms, tables.

pub mod recorder;
