//! The `catena` program: hands the arguments to the command line and its status to the shell.

use std::process::ExitCode;

fn main() -> ExitCode {
    catena::cli::run()
}
