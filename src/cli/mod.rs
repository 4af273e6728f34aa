//! The command line: one file a command.
//!
//! In: arguments, files, standard input. Out: results on standard output, diagnostics on standard error, a status:
//! 0 fine, 1 findings, 2 usage or I/O, 130 stopped by the user. Only here are threads and `anyhow` used.

#[cfg(feature = "pack")]
mod build;
#[cfg(feature = "replay")]
mod chart;
mod check;
mod compile;
#[cfg(feature = "replay")]
mod debug;
mod diff;
#[cfg(feature = "replay")]
mod draft;
mod explain;
mod fix;
mod fmt;
mod forms;
mod import;
mod init;
mod instant;
mod ir;
mod layout;
mod left_out;
mod lists;
#[cfg(feature = "replay")]
mod logs;
#[cfg(feature = "lsp")]
mod lsp;
mod man;
mod manifest;
mod names;
mod new;
mod output;
mod page;
#[cfg(feature = "replay")]
mod replay;
mod report;
mod scaffold;
#[cfg(feature = "serve")]
mod serve;
mod session;
mod sources;
mod test;
#[cfg(feature = "replay")]
mod tune;
#[cfg(feature = "replay")]
mod tuned;
#[cfg(feature = "replay")]
mod vary;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Compile chain detection rules to Splunk SPL, Sigma, Microsoft Sentinel KQL and Elastic EQL.
#[derive(Debug, Parser)]
#[command(name = "catena", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print results and errors only: no warnings, no summaries.
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compile rules to queries that are ready to paste into a SIEM.
    Compile(compile::Compile),
    /// Build content that SIEMs take as it is: Splunk app, Sentinel and Elastic rules, Sigma, playbooks.
    #[cfg(feature = "pack")]
    Build(build::Build),
    /// Check rules and report all diagnostics.
    Check(check::Check),
    /// Compare two versions of rules: changes of meaning, events on which they differ, then changes of text.
    Diff(diff::Diff),
    /// Write rule files in the canonical style.
    Fmt(fmt::Fmt),
    /// Check allowlists, add entries to list files, import approved images.
    Lists(lists::Lists),
    /// Run the tests in rule files on the embedded engine.
    Test(test::RunTests),
    /// Run rules over log files on the embedded engine.
    #[cfg(feature = "replay")]
    Replay(replay::Replay),
    /// Step through the events of one chain: which record satisfied what, what waited, what expired.
    #[cfg(feature = "replay")]
    Debug(debug::Debug),
    /// Sweep a window parameter over log files and compare the alerts.
    #[cfg(feature = "replay")]
    Tune(tune::Tune),
    /// Propose a rule from two or more incidents.
    #[cfg(feature = "replay")]
    Draft(draft::Draft),
    /// Explain rules in plain sentences and pictures, or the code of a finding.
    Explain(explain::Explain),
    /// Print the intermediate representation of rules as JSON.
    Ir(ir::Ir),
    /// Serve an editor by the language server protocol, over standard input and output.
    #[cfg(feature = "lsp")]
    Lsp(lsp::Serve),
    /// Serve a playground to browsers of this machine: a rule, its queries, its picture, and events to try it on.
    #[cfg(feature = "serve")]
    Serve(serve::Serve),
    /// List log sources, their fields, and the mapping of each field in each target.
    Sources(sources::ListSources),
    /// Make a project: a rule with tests, lists, two environments, a workflow for continuous integration.
    Init(init::Init),
    /// Write a new rule, allowlist or source to fill in.
    New(new::New),
    /// Read a Sigma correlation with its base rules, or an EQL sequence, into the draft of a rule.
    Import(import::Import),
    /// Print a script that completes commands, options, targets and rule names in a shell.
    Completions(names::Completions),
    /// Write the manual pages.
    Man(man::Man),
}

/// How a command ended, when nothing stopped it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Nothing to complain about.
    Fine,
    /// Findings, or failing tests.
    Findings,
    /// A file could not be read or written.
    Failure,
    /// The user stopped it.
    #[cfg(feature = "replay")]
    Interrupted,
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn run() -> ExitCode {
    // A shell that completes sets a variable; then this answers it and ends the program.
    clap_complete::CompleteEnv::with_factory(Arguments::command).complete();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    if arguments.quiet {
        output::hush();
    }
    let outcome = match arguments.command {
        Command::Compile(command) => command.run(),
        #[cfg(feature = "pack")]
        Command::Build(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Fmt(command) => command.run(),
        Command::Lists(command) => command.run(),
        Command::Test(command) => command.run(),
        #[cfg(feature = "replay")]
        Command::Replay(command) => command.run(),
        #[cfg(feature = "replay")]
        Command::Debug(command) => command.run(),
        #[cfg(feature = "replay")]
        Command::Tune(command) => command.run(),
        #[cfg(feature = "replay")]
        Command::Draft(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Ir(command) => command.run(),
        #[cfg(feature = "lsp")]
        Command::Lsp(command) => command.run(),
        #[cfg(feature = "serve")]
        Command::Serve(command) => command.run(),
        Command::Sources(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::New(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(Arguments::command()),
    };
    match outcome {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Ok(Outcome::Failure) => ExitCode::from(2),
        #[cfg(feature = "replay")]
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) => {
            output::complain(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

fn usage(error: &clap::Error) -> ExitCode {
    match error.print() {
        Ok(()) if !error.use_stderr() => ExitCode::SUCCESS,
        // Help that nobody reads to its end has done its work.
        Err(failed) if !error.use_stderr() && failed.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Ok(()) | Err(_) => ExitCode::from(2),
    }
}
