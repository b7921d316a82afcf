//! The `trial` command.

/// A run makes and drops a message at every step: an allocator made for small blocks is a tenth of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    trial::cli::main()
}
