//! The `trial` command.

fn main() -> std::process::ExitCode {
    trial::cli::main()
}
