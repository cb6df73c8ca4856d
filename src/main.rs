//! The `scmp-gateway` binary: the commands, nothing else.

use std::process::ExitCode;

/// A request makes some hundred small blocks and frees them soon, what it is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    scmp_gateway::cli::main()
}
