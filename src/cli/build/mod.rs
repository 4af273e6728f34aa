//! `catena build`: content that SIEMs take as it is, for all rules, in one folder.

mod folder;

use std::path::{Path, PathBuf};

use crate::backend::{Emission, External, Externals, ListDelivery, Slice, Target};
use crate::diag::Diagnostics;
use crate::pack::{self, App, Base, Piece, Ruled};
use crate::project::compile::{CompileOptions, compile_file};
use crate::project::{Disk, nearest_environment, tidy};
use crate::source::{Sources, visible};

use super::compile::{Lists, TargetChoice};
use super::forms::{BaselineChoice, DialectChoice, Staged};
use super::layout::LayoutChoice;
use super::report::{self, Format, plural};
use super::session::{self, Checked, SessionOptions};
use super::{Outcome, output};

/// Build content that SIEMs take as it is: Splunk app, Sentinel and Elastic rules, Sigma, SQL of a lake, playbooks.
#[derive(Debug, clap::Args)]
pub(super) struct Build {
    /// Rule files and directories (default: the current directory).
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// The folder to write to. What an earlier build wrote there and this one does not is removed.
    #[arg(short, long, value_name = "DIR", default_value = "dist")]
    output: PathBuf,
    /// Target to build for: spl, sigma, kql, eql, sql or all, which are the four SIEMs; may be repeated.
    #[arg(long, value_name = "TARGET", value_parser = TargetChoice::parse, default_value = "all")]
    target: Vec<TargetChoice>,
    /// Write into a folder that holds files of others, and over files that were changed since the last build.
    #[arg(long)]
    force: bool,
    /// How allowlists are delivered (default: `lists` in the environment file, else auto).
    #[arg(long, value_enum, value_name = "HOW")]
    lists: Option<Lists>,
    /// Where Splunk looks for what must not have come before.
    #[arg(long, value_enum, value_name = "HOW", default_value_t = BaselineChoice::Auto)]
    baseline: BaselineChoice,
    #[command(flatten)]
    staged: Staged,
    /// Write a rule even if its query has false negatives (fidelity `subset`).
    #[arg(long)]
    allow_subset: bool,
    /// Id and folder of the Splunk app.
    #[arg(long, value_name = "ID", value_parser = app_id, default_value = "catena_detections")]
    app_id: String,
    /// Version of the Splunk app.
    #[arg(long, value_name = "X.Y.Z", value_parser = app_version, default_value = "1.0.0")]
    app_version: String,
    /// SQL: the engine of the lake (default: duckdb).
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t, hide_default_value = true)]
    dialect: DialectChoice,
    /// SQL: whose tables the lake has (default: that of `catena.yaml`, or athena).
    #[arg(long, value_enum, value_name = "TABLES")]
    layout: Option<LayoutChoice>,
    #[command(flatten)]
    session: SessionOptions,
}

/// As Splunk wants the id of an app.
fn app_id(text: &str) -> Result<String, String> {
    let is_id = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.len() <= 80;
    if is_id {
        Ok(text.to_owned())
    } else {
        Err("expected letters, digits and `_`, a letter first".to_owned())
    }
}

fn app_version(text: &str) -> Result<String, String> {
    let numbers: Vec<&str> = text.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if numbers.len() == 3 && numbers.iter().all(is_number) {
        Ok(text.to_owned())
    } else {
        Err("expected three numbers such as 1.0.0".to_owned())
    }
}

/// What one file of rules gives.
#[derive(Debug, Default)]
struct Made {
    pieces: Vec<Piece>,
    lists: Vec<(&'static str, Vec<External>)>,
}

impl Build {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let targets = TargetChoice::targets(&self.target);
        let choices = pack::Choices {
            app: App { id: self.app_id.clone(), version: self.app_version.clone() },
            dialect: self.dialect.into(),
        };
        let work = |file: Checked, sources: &Sources, found: &mut Diagnostics| {
            self.pieces(&file, &targets, &choices, sources, found)
        };
        let (mut pieces, mut externals, mut clashes) =
            (Vec::new(), Externals::default(), Diagnostics::default());
        let session = self.session.staging(&self.staged.rules).in_layout(self.layout);
        let found = session::each(&self.paths, &session, &targets, work, |files| {
            for made in files {
                pieces.extend(made.pieces);
                for (target, lists) in made.lists {
                    externals.add(target, lists, &mut clashes);
                }
            }
            Ok(())
        })?;
        let Some(mut found) = found else { return Ok(Outcome::Failure) };
        found.diags.extend(clashes);
        let count = pieces.len();
        let bundle =
            if found.diags.has_errors() { None } else { pack::assemble(pieces, &choices, &mut found.diags) };
        let (outcome, _) = report::show(found.diags, &found.sources, Format::Text, false)?;
        let Some(bundle) = bundle else {
            output::report("nothing was written\n");
            return Ok(outcome);
        };
        anyhow::ensure!(count > 0, "nothing to build: there is no rule in the files given");
        output::finish_files()?;
        let done = folder::write(&self.output, &bundle, self.force)?;
        let shown = self.output.display().to_string();
        output::report(&format!(
            "built {} in {} under {}: {} changed, {} removed\n",
            plural(count, "rule"),
            plural(bundle.files.len(), "file"),
            visible(&shown),
            done.changed,
            done.removed,
        ));
        Ok(outcome)
    }

    /// The pieces of the rules of a file; none of a rule that some target cannot say.
    fn pieces(
        &self,
        file: &Checked,
        targets: &[&'static dyn Target],
        choices: &pack::Choices,
        sources: &Sources,
        found: &mut Diagnostics,
    ) -> Made {
        let options = CompileOptions {
            lists: self.lists.map(ListDelivery::from),
            allow_subset: self.allow_subset,
            baseline: self.baseline.into(),
            dialect: choices.dialect,
            // Scheduled: whoever runs a text binds the slice.
            slice: Slice::Marked,
            ..CompileOptions::default()
        };
        let mut emissions = compile_file(file, targets, options, found);
        let mut made = Made::default();
        let path =
            file.rules.first().and_then(|rule| sources.locate(rule.span)).map(|(path, _)| Path::new(path));
        let base = self.base(path);
        for rule in &file.rules {
            let is_own = |emission: &mut Emission| emission.rule == rule.name.node;
            let own: Vec<Emission> = emissions.extract_if(.., is_own).collect();
            let environment = &file.environment;
            let ruled = Ruled {
                rule,
                catalog: &environment.catalog,
                emissions: &own,
                lookback: environment.settings.lookback,
                base: &base,
            };
            made.pieces.extend(pack::of_rule(&ruled, choices, sources, found));
            made.lists.extend(own.into_iter().map(|emission| (emission.target, emission.lists)));
        }
        made
    }

    /// Where paths begin that are written down: at the folder of the environment file of a rule, whichever file is used
    /// instead of it; without one, at the folder that holds all that was given.
    fn base(&self, rule: Option<&Path>) -> Base {
        let here = std::path::absolute(".").unwrap_or_default();
        let folder = rule.and_then(Path::parent).unwrap_or(Path::new(""));
        let environment = nearest_environment(&Disk, folder);
        let folder = environment.and_then(|file| Some(file.parent()?.to_owned())).or_else(|| {
            let given = |path: &PathBuf| {
                let path = tidy(&std::path::absolute(path).ok()?);
                if path.is_dir() { Some(path) } else { Some(path.parent()?.to_owned()) }
            };
            let mut folders = self.paths.iter().filter_map(given);
            let first = folders.next()?;
            Some(folders.fold(first, |common, other| {
                common.ancestors().find(|above| other.starts_with(above)).unwrap_or(Path::new("/")).to_owned()
            }))
        });
        Base::new(&here, &folder.unwrap_or_default())
    }
}
