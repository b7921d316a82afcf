//! Runs a scenario in the eras of its verdicts, and says what came out of each.
//!
//! From seed 3, which is any but 0: 0 is calm, without jitter.

fn main() {
    let file = std::env::args().nth(1).unwrap_or_else(|| "scenarios/outlives-its-leader.json".to_owned());
    match trial::scenario(file).seeds(3..4).run() {
        Ok(runs) => {
            for run in runs {
                let result = &run.result;
                println!("{} {:016x} {}", result.era, result.hash, result.verdict);
            }
        }
        Err(problem) => {
            eprint!("{}", problem.render(false));
            std::process::exit(2);
        }
    }
}
