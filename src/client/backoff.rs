//! How long to wait before trying again (`ExponentialBackoff`; KIP-144 for connections, KIP-580 for requests).

use crate::node::{Entropy, Purpose};
use crate::time::Micros;

/// A wait that doubles with every failure, up to a longest one, and differs by up to a fifth from client to client.
///
/// If the longest wait is no longer than the first one, it is the same every time and nothing is drawn: so it was for
/// connections before 0.11 and for requests before 3.7. The longest wait is never exceeded (older releases let the
/// jitter exceed it by a fifth).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct ExponentialBackoff {
    first: Micros,
    longest: Micros,
}

impl ExponentialBackoff {
    /// From `first` on, doubling up to `longest`.
    pub fn new(first: Micros, longest: Micros) -> ExponentialBackoff {
        ExponentialBackoff { first: first.min(longest), longest }
    }

    /// The wait after `failures` failures that went before this one.
    pub fn wait(&self, failures: u32, entropy: &mut dyn Entropy) -> Micros {
        if self.first == self.longest || self.first == Micros::ZERO {
            return self.first;
        }
        // 2^40 microseconds are twelve days: no wait needs more doublings.
        let doubled = Micros(self.first.0.saturating_mul(1 << failures.min(40))).min(self.longest);
        let fifth = doubled.0 / 5;
        let jitter = entropy.draw(Purpose::BackOff) % (2 * fifth + 1);
        Micros(doubled.0 - fifth + jitter).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u64);

    impl Entropy for Fixed {
        fn draw(&mut self, _: Purpose) -> u64 {
            self.0
        }
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let backoff = ExponentialBackoff::new(Micros(50_000), Micros(1_000_000));
        let shortest: Vec<_> =
            (0..7).map(|failures| backoff.wait(failures, &mut Fixed(0)).0 / 1000).collect();
        assert_eq!(shortest, [40, 80, 160, 320, 640, 800, 800]);
        assert_eq!(backoff.wait(0, &mut Fixed(20_000)), Micros(60_000), "a fifth more");
        assert_eq!(backoff.wait(99, &mut Fixed(400_000)), Micros(1_000_000), "never more than the longest");
        let constant = ExponentialBackoff::new(Micros(2_000), Micros(1_000));
        assert_eq!(constant.wait(5, &mut Fixed(u64::MAX)), Micros(1_000));
        assert_eq!(ExponentialBackoff::new(Micros(0), Micros(5)).wait(3, &mut Fixed(7)), Micros(0));
    }
}
