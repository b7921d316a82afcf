//! The log: a partition's record batches on disk, byte for byte as Kafka keeps them, and the directory they live in.
//!
//! In reading order: [`batch`] is what a log is made of, as a broker sees it; [`partition_log`] one partition's log,
//! [`read`] how it is read, [`truncate`] how it is cut; [`leader_epochs`] what truncation asks; [`segment`] and
//! [`index`] its files; [`batch_index`] how batches are found; [`recovery`] what happens after a crash;
//! [`checkpoint`] and [`partition_metadata`] small files beside; [`log_manager`] a broker's log directory;
//! [`records`] and [`varint`] what is inside a batch; [`message_set`] the formats before v2, [`conversion`] from one
//! to the other; [`inspect`] a look from outside.

pub mod batch;
pub mod batch_index;
pub mod checkpoint;
pub mod conversion;
pub mod index;
pub mod inspect;
pub mod leader_epochs;
pub mod log_manager;
pub mod message_set;
pub mod partition_log;
pub mod partition_metadata;
pub mod read;
pub mod records;
pub mod recovery;
pub mod segment;
pub mod truncate;
pub mod varint;
