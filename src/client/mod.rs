//! What producers and consumers share: connections to brokers, requests in flight, metadata (`NetworkClient`).
//!
//! A client knows a few brokers to begin with (`bootstrap.servers`). It asks one of them for metadata, and from the
//! first answer on knows the brokers named in it and no others: it never goes back to the bootstrap list, also if all
//! it knows are dead (KIP-899 offers that from 3.8, off by default until 4.0; left out).
//!
//! 1. [`network`]: one connection per broker, opened when it is needed, closed when a request times out.
//! 2. [`connections`]: what state a connection is in, and when to try again (`ClusterConnectionStates`).
//! 3. [`metadata`]: who leads what, and when to ask again (`Metadata`).
//! 4. [`backoff`]: how long to wait (`ExponentialBackoff`).
//!
//! Left out: `connections.max.idle.ms`, throttling, the ApiVersions request (a peer's release is told on connecting),
//! DNS. Kafka keeps bootstrap connections apart from those to brokers; here a broker has one connection, however it was
//! found.

pub mod backoff;
pub mod connections;
pub mod metadata;
pub mod network;
#[cfg(test)]
pub mod testing;

pub use backoff::ExponentialBackoff;
pub use metadata::{Leader, Metadata};
pub use network::{ClientSettings, NetworkClient, Readiness};
