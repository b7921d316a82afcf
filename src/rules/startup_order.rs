//! Whether a starting broker registers before it runs for controller.
//!
//! Up to 1.0 the controller part starts first (`KafkaHealthcheck` is the last thing to start), so that a broker can
//! be controller before it is alive; from 1.1 (KAFKA-5473) it registers first. The same order holds after a session
//! expiry.

use crate::era::Release;

rule! {
    /// Whether a starting broker registers before it runs for controller.
    StartupOrder("startup-order") {
        /// It runs for controller, then registers.
        ControllerFirst("controller-first", "before KAFKA-5473", [(Release::FIRST, Release::new(1, 1, 0))]),
        /// It registers, then runs for controller.
        RegistersFirst("registers-first", "KAFKA-5473", [(Release::new(1, 1, 0), Release::NEXT)]),
    }
}

/// Whether it registers first.
pub fn registers_first(rule: StartupOrder) -> bool {
    match rule {
        StartupOrder::ControllerFirst => false,
        StartupOrder::RegistersFirst => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn registration_comes_first_from_1_1_on() {
        assert!(!registers_first(StartupOrder::of(Release::new(1, 0, 2))));
        assert!(registers_first(StartupOrder::of(Release::new(1, 1, 0))));
    }
}
