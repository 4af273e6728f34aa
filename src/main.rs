//! The `catena` program: hands the arguments to the command line and its status to the shell.

use std::process::ExitCode;

/// Compiling makes many small texts; this allocator hands them out faster than most systems' own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    catena::cli::run()
}
