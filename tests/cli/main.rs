//! The commands as their users run them: arguments in; output, words and exit codes out.

mod check;
mod config;
mod export;
mod golden;
mod help;
mod keys;
mod run;
mod sandbox;
mod send;
mod serve;
mod translate;
