//! Rules of a project over logs in memory.
//!
//! In: a project, logs as texts. Out: alerts, and everything found in the rules.
//! Must not know: files of logs; only this file of the folder knows replay, which may use threads.

use crate::catalog::Catalog;
use crate::diag::Findings;
use crate::ir::Rule;
use crate::replay::{Control, LogText, Options, Plan, Report};

use super::{Project, Unusable, session};

/// What came of running a project's rules over logs.
#[derive(Debug)]
pub struct Replayed {
    /// Alerts, and what was read. [`crate::replay::output`] prints them.
    pub report: Report,
    /// Everything found in the rules.
    pub findings: Findings,
}

impl Project {
    /// Runs every rule over logs: raw events of a source, or canonical records, one JSON object a line.
    ///
    /// Rules with errors do not take part; the findings tell. Sources are those of the first file's environment.
    ///
    /// # Errors
    /// See [`Unusable`]; also a rule whose regular expressions are too large for the engine.
    ///
    /// ```
    /// use catena::Project;
    /// use catena::replay::{LogText, Options, output};
    ///
    /// let project = Project::of("key.chain", r#"
    /// rule key_made {
    ///   title "An access key is made after a console sign-in"  description "A key, after a sign-in."
    ///   id "0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0001"  severity medium
    ///   chain {
    ///     step login from aws.cloudtrail where event.action == "ConsoleLogin"
    ///     then within 10m on actor.id
    ///     step key from aws.cloudtrail where event.action == "CreateAccessKey"
    ///   }
    ///   alert { entity account key.actor.id  dedupe 1h by key.actor.id }
    /// }
    /// "#);
    /// let records = r#"
    /// {"source":"aws.cloudtrail","event.time":"2026-01-01T00:00:00Z","event.action":"ConsoleLogin","actor.id":"a"}
    /// {"source":"aws.cloudtrail","event.time":"2026-01-01T00:02:00Z","event.action":"CreateAccessKey","actor.id":"a"}
    /// "#;
    /// let found = project.replay(&[LogText::canonical("records", records.as_bytes())], &Options::default())?;
    /// assert_eq!(found.report.rules[0].alerts.len(), 1);
    /// print!("{}", output::ndjson(&found.report));
    /// # Ok::<(), catena::project::Unusable>(())
    /// ```
    pub fn replay(&self, logs: &[LogText], options: &Options) -> Result<Replayed, Unusable> {
        let session::Session { files, found } = self.open()?;
        let rules: Vec<Rule> = files.iter().flat_map(|file| file.rules.iter().cloned()).collect();
        let none = Catalog::default();
        let catalog = files.first().map_or(&none, |file| &file.environment.catalog);
        let plan = Plan::new(&rules, catalog, options)
            .map_err(|error| Unusable(vec![format!("a rule cannot run: {error}")]))?;
        Ok(Replayed { report: plan.replay_texts(logs, &Control::default()), findings: found.report() })
    }
}
