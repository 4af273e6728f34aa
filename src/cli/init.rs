//! `catena init`: a working project to begin with.

use std::path::{Path, PathBuf};

use super::scaffold::{filled, today, write_new};
use super::{Outcome, output};

/// Make a project: a rule with tests, lists, two environments, a workflow for continuous integration.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  catena init detections && cd detections && catena check && catena test")]
pub(super) struct Init {
    /// The folder; nothing in it is overwritten.
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
    /// Author of the first rule.
    #[arg(long, value_name = "NAME", default_value = "Detection engineering")]
    author: String,
}

/// Path and text of each file.
const FILES: &[(&str, &str)] = &[
    ("README.md", include_str!("../../templates/init/README.md")),
    ("catena.yaml", include_str!("../../templates/init/catena.yaml")),
    ("environments/production.yaml", include_str!("../../templates/init/environments/production.yaml")),
    (
        "rules/console_then_access_key.chain",
        include_str!("../../templates/init/rules/console_then_access_key.chain"),
    ),
    ("rules/lists/known_good.chain", include_str!("../../templates/init/rules/lists/known_good.chain")),
    ("rules/lists/key_rotation.csv", include_str!("../../templates/init/rules/lists/key_rotation.csv")),
    (
        ".github/workflows/detections.yml",
        include_str!("../../templates/init/.github/workflows/detections.yml"),
    ),
];

impl Init {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let Self { folder, author } = self;
        let (id, date) = (uuid::Uuid::new_v4().to_string(), today().to_string());
        let author = author.replace(['"', '\\', '\n'], "");
        let values = [("id", id.as_str()), ("date", &date), ("author", &author)];
        let files = FILES
            .iter()
            .map(|(path, text)| (folder.join(path).components().collect(), filled(text, &values)));
        write_new(&files.collect::<Vec<_>>(), "name a new folder, as in `catena init detections`")?;
        let first = match folder.as_path() {
            here if here == Path::new(".") => String::new(),
            there => format!("`cd {}`, ", there.display()),
        };
        output::report(&format!("next: {first}`catena check`, `catena test`, `catena explain rules`\n"));
        Ok(Outcome::Fine)
    }
}
