//! Why a plan fails, and why it could have been otherwise.
//!
//! 1. [`failure`]: what is wrong with a run: a property that is violated, or a loss that was declared.
//! 2. [`case`]: a plan, an era and a seed, run leniently, also with a rule decided otherwise or a step left out.
//! 3. [`search`]: what mends it, a [`cure`]: rules that later releases [`change`], [`known`] flaws kept away. It is the
//!    *reason* of a failure. [`causes`]: of every failure of a trial, as `trial explore` has them counted.
//! 4. [`mod@slice`]: the events without which it would not have happened, in the story's words, backwards from the claim.
//! 5. [`otherwise`]: every rule of the next releases, and every step removed, in turn: does it still break?
//! 6. [`chances`]: how likely the failure was, at each moment of the run: where that jumps it was decided.
//! 7. [`report`] puts it into words, and into data.

pub mod case;
pub mod causes;
pub mod chances;
pub mod change;
pub mod cure;
pub mod failure;
pub mod known;
pub mod otherwise;
pub mod report;
pub mod search;
pub mod slice;
