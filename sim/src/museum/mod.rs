//! The museum: every flaw that the ladder has and a scenario tells of, found again by exploring, unaided.
//!
//! 1. [`flaws`]: the list. A flaw is told by the rule of a later release that mends it, or is a known one that none does.
//! 2. [`work`]: trials of a release are numbered; the number says the profile and the base seed, in turn. So what has been
//!    done is one number, and two runs of 500 trials are one of 1000. A flaw counts as found by a trial that is attributed
//!    to it ([`crate::why::causes`]).
//! 3. [`mod@book`]: what came of it, in a file that later runs go on with. What was counted with another machine or other draws is
//!    stale ([`mod@fingerprint`]).
//! 4. [`planted`]: mutations of our own rules, each of which a checker must find.
//! 5. [`table`]: all that as tables.
//!
//! Who runs trials side by side, and what time they take, is the command's business.

pub mod book;
pub mod fingerprint;
pub mod flaws;
pub mod planted;
pub mod table;
pub mod work;
