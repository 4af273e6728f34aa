//! Logs on the command line: which to read, and reading them under the eyes of the user.
//!
//! In: options. Out: inputs of a replay; a progress bar on a terminal while work is done.
//! Must not know: what is looked for in the logs.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};

use crate::catalog::Catalog;
use crate::replay::Control;
use crate::replay::columns::{names, unknown};
use crate::replay::input::Input;

use super::output;
use super::report::did_you_mean;

/// Which logs to read.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct LogOptions {
    /// Raw events of a source: a log file as the vendor writes it, or a directory of them; may be repeated.
    #[arg(long, value_name = "SOURCE=PATH", value_parser = events)]
    events: Vec<(String, String)>,
    /// Canonical records, one JSON object per line; may be repeated.
    #[arg(long, value_name = "FILE")]
    canonical: Vec<String>,
    /// Columns of flow logs without a header line, in AWS format syntax: `${version} ${account-id} …`.
    #[arg(long, value_name = "FORMAT")]
    flow_format: Option<String>,
}

fn events(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((source, path)) if !source.is_empty() && !path.is_empty() => {
            Ok((source.to_owned(), path.to_owned()))
        }
        _ => Err("expected SOURCE=PATH, such as aws.cloudtrail=logs/".to_owned()),
    }
}

impl LogOptions {
    /// Whether any were named.
    pub(super) fn are_given(&self) -> bool {
        !self.events.is_empty() || !self.canonical.is_empty()
    }

    /// What there is to read.
    pub(super) fn inputs(&self, catalog: &Catalog) -> anyhow::Result<Vec<Input>> {
        for (source, _) in &self.events {
            if catalog.source(source).is_none() {
                let known = catalog.names();
                bail!("there is no source `{source}`{}", did_you_mean(source, known));
            }
        }
        let raw = self.events.iter().cloned().map(|(source, path)| Input { source: Some(source), path });
        let canonical = self.canonical.iter().cloned().map(|path| Input { source: None, path });
        let inputs: Vec<Input> = raw.chain(canonical).collect();
        if inputs.is_empty() {
            bail!("there are no logs: give `--events SOURCE=PATH` or `--canonical FILE`");
        }
        refuse_standard_input_twice(&inputs)?;
        Ok(inputs)
    }

    /// The columns of flow logs without a header line, if they were given.
    pub(super) fn columns(&self, catalog: &Catalog) -> anyhow::Result<Option<Vec<String>>> {
        let Some(format) = &self.flow_format else { return Ok(None) };
        let names = names(format);
        if names.is_empty() {
            bail!("`--flow-format` names no column");
        }
        if let Some((name, known)) = unknown(&names, catalog) {
            let hint = did_you_mean(name, known.iter().map(String::as_str));
            bail!("`--flow-format`: there is no column `{name}`{hint}");
        }
        let twice =
            names.iter().enumerate().find(|(at, name)| names.iter().take(*at).any(|one| one == *name));
        if let Some((_, name)) = twice {
            bail!("`--flow-format` names the column `{name}` twice");
        }
        Ok(Some(names))
    }
}

/// Who reads standard input first leaves nothing of it to the next.
fn refuse_standard_input_twice(inputs: &[Input]) -> anyhow::Result<()> {
    let canonical = || "canonical records".to_owned();
    let sources = inputs.iter().filter(|input| input.path == "-").map(|input| &input.source);
    let sources: BTreeSet<String> = sources.map(|source| source.clone().unwrap_or_else(canonical)).collect();
    if sources.len() > 1 {
        let sources: Vec<String> = sources.into_iter().collect();
        bail!("standard input (`-`) is given for {}, but it can be read only once", sources.join(" and "));
    }
    Ok(())
}

/// Reads while a bar shows the progress on a terminal; Ctrl-C ends the reading, a second one the program.
pub(super) fn watched<T>(work: impl FnOnce(&Control) -> T) -> anyhow::Result<T> {
    let control = Arc::new(Control::default());
    let stop = Arc::clone(&control);
    output::on_stop(move || {
        if stop.stop.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })?;
    if !std::io::stderr().is_terminal() {
        return Ok(work(&control));
    }
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {bytes} read, {bytes_per_sec}")?);
    let done = AtomicBool::new(false);
    let found = std::thread::scope(|scope| {
        // In a thread of its own, so that reading never waits for a terminal.
        let watcher = scope.spawn(|| {
            loop {
                // Before the end is asked for, so that the last bytes are shown as well.
                bar.set_position(control.bytes.load(Ordering::Relaxed));
                if done.load(Ordering::Relaxed) {
                    break;
                }
                std::thread::park_timeout(Duration::from_millis(50));
            }
        });
        let found = work(&control);
        done.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
        found
    });
    bar.finish_and_clear();
    Ok(found)
}
