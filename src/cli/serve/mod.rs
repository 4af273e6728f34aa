//! `catena serve`: a playground in the browser, for this machine alone.
//!
//! A process of its own does the work on each request, so that a rule that takes too long, too much memory or the
//! whole program down ends with that process.

mod examples;
mod guard;
mod listen;
mod page;
mod playground;
mod show;
mod work;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;

use super::session::SessionOptions;
use super::{Outcome, output};

use playground::Playground;
use work::Task;
use worker::Worker;

/// Serve a playground to browsers of this machine: a rule, its queries, its picture, and events to try it on.
///
/// Nothing is written, and nothing is loaded from elsewhere. Ctrl-C ends it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena serve                       examples to begin with
  catena serve rules                 the rule files of a folder
  catena serve rule.chain --port 0   one rule file, on any free port")]
pub(super) struct Serve {
    /// A rule file, or a folder of rule files; examples if left out.
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// The port to listen on; 0 is any free one.
    #[arg(long, default_value_t = 7318)]
    port: u16,
    /// The longest time that the work on a request may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=3600))]
    timeout: u64,
    #[command(flatten)]
    session: SessionOptions,
    /// Does the work on one request, from standard input to standard output.
    #[arg(long, hide = true, value_enum)]
    work: Option<Task>,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Self { path, port, timeout, session, work } = self;
        let playground = Playground::of(path.as_deref(), session.choices())?;
        if let Some(task) = work {
            return work::work(task, playground);
        }
        let program = std::env::current_exe().context("cannot find this program")?;
        let worker =
            Worker::new(program, std::env::args_os().skip(1).collect(), Duration::from_secs(timeout));
        listen::listen(port, worker, |address| {
            output::print(&format!("Playground: http://{address}/  (Ctrl-C ends it)\n"))
        })?;
        Ok(Outcome::Interrupted)
    }
}
