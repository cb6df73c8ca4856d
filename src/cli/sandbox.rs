//! stub
use super::Ended;
#[derive(Debug, clap::Args)]
pub struct Arguments {}
pub fn run(_a: Arguments) -> Ended {
    Ok(std::process::ExitCode::SUCCESS)
}
