//! The `catena` program: hands the arguments to the command line and its status to the shell.

fn main() {}
