//! `catena lists import`: approved images from what AWS prints.
//!
//! `DescribeImages` gives images with their owners. The criteria of allowed images (`GetAllowedImagesSettings`) name
//! owners and names, no image: they say which of the images are approved.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use super::add::About;
use super::file;
use crate::cli::{Outcome, output};
use crate::ir::Pattern;
use crate::source::visible;

#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// Output of `aws ec2 describe-images`, and of `aws ec2 get-allowed-images-settings` if there is any; JSON.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The list file to add the images to.
    #[arg(short, long, value_name = "LIST")]
    output: PathBuf,
    #[command(flatten)]
    about: About,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    images: Option<Vec<Image>>,
    image_criteria: Option<Vec<Criterion>>,
    state: Option<String>,
}

/// What of an image matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    #[serde(rename = "ImageId")]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    owner_id: String,
    #[serde(default, rename = "ImageOwnerAlias")]
    alias: String,
}

/// An image is allowed if it fits every condition of one criterion. A condition that is not here is refused rather than
/// passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Criterion {
    #[serde(default)]
    image_providers: Vec<String>,
    #[serde(default)]
    image_names: Vec<String>,
}

impl Criterion {
    fn admits(&self, image: &Image) -> bool {
        let Self { image_providers, image_names } = self;
        let by = |provider: &String| *provider == image.owner_id || *provider == image.alias;
        let called = |name: &String| matches(name, &image.name);
        (image_providers.is_empty() || image_providers.iter().any(by))
            && (image_names.is_empty() || image_names.iter().any(called))
    }
}

/// `*` and `?` as EC2 has them.
fn matches(pattern: &str, text: &str) -> bool {
    let Ok(pattern) = Pattern::parse(&pattern.replace('\\', "\\\\")) else { return false };
    crate::engine::text::Wildcard::new(&pattern, crate::ir::Case::Sensitive).matches(text)
}

impl Import {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let (mut images, mut criteria): (Vec<Image>, Option<Vec<Criterion>>) = (Vec::new(), None);
        for path in &self.files {
            let shown = path.display();
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{shown}`"))?;
            let printed: Printed = serde_json::from_str(&text)
                .with_context(|| format!("`{shown}` has another form than AWS prints"))?;
            match printed {
                Printed { images: Some(found), .. } => images.extend(found),
                Printed { image_criteria: Some(found), state, .. } => {
                    ensure!(
                        state.as_deref() != Some("disabled"),
                        "allowed images are disabled in `{shown}`: they approve nothing"
                    );
                    criteria.get_or_insert_default().extend(found);
                }
                Printed { images: None, image_criteria: None, .. } => {
                    bail!("`{shown}` has neither `Images` nor `ImageCriteria`")
                }
            }
        }
        if images.is_empty() {
            let owners = criteria.iter().flatten().flat_map(|criterion| &criterion.image_providers);
            let owners = owners.cloned().collect::<Vec<_>>().join(" ");
            bail!(
                "there is no image: criteria name owners; add the output of `aws ec2 describe-images --owners {owners}`"
            );
        }
        self.add(&images, criteria.as_deref())
    }

    fn add(&self, images: &[Image], criteria: Option<&[Criterion]>) -> anyhow::Result<Outcome> {
        let admits = |image: &&Image| {
            criteria.is_none_or(|criteria| criteria.iter().any(|criterion| criterion.admits(image)))
        };
        let mut lines = file::read(&self.output)?;
        let (before, mut left_out) = (lines.len(), 0);
        for image in images {
            if !admits(&image) {
                left_out += 1;
                continue;
            }
            let owner = if image.alias.is_empty() { &image.owner_id } else { &image.alias };
            let line = self.about.line(&image.id, Some(&format!("{}, owner {owner}", image.name)))?;
            // What somebody wrote about an image stays.
            if !lines.iter().any(|known| known.value == line.value) {
                lines.push(line);
            }
        }
        let added = lines.len() - before;
        file::write(&self.output, lines)?;
        let shown = self.output.display().to_string();
        let shown = visible(&shown).into_owned();
        output::report(&format!(
            "{added} of {} images added to `{shown}`, {left_out} not admitted\n",
            images.len()
        ));
        Ok(Outcome::Fine)
    }
}
