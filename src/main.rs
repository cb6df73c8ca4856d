//! The `scmp-gateway` binary: the commands, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    scmp_gateway::cli::main()
}
