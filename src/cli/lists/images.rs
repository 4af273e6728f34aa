//! `catena lists import`: approved images from what AWS prints.
//!
//! `DescribeImages` gives images with their owners. The criteria of allowed images (`GetAllowedImagesSettings`) name
//! owners and names, no image: they say which of the images are approved.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

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
    #[serde(default)]
    marketplace_product_codes: Vec<Value>,
    creation_date_condition: Option<Value>,
    deprecation_time_condition: Option<Value>,
}

impl Criterion {
    /// The first of its conditions that a list cannot follow, and why.
    fn foreign(&self) -> Option<[&'static str; 2]> {
        const MOVES: &str = "which images it admits changes from day to day, and a list does not";
        if !self.marketplace_product_codes.is_empty() {
            Some(["MarketplaceProductCodes", "products of the marketplace are not compared with images here"])
        } else if self.creation_date_condition.is_some() {
            Some(["CreationDateCondition", MOVES])
        } else if self.deprecation_time_condition.is_some() {
            Some(["DeprecationTimeCondition", MOVES])
        } else {
            None
        }
    }
}

impl Criterion {
    fn admits(&self, image: &Image) -> bool {
        let Self { image_providers, image_names, .. } = self;
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

/// What AWS printed. A list has the form of its structs, too, as far as they can tell.
fn printed(text: &str) -> anyhow::Result<Printed> {
    let value: Value = serde_json::from_str(text)?;
    ensure!(value.is_object(), "it is no object with `Images` or `ImageCriteria`");
    Ok(serde_json::from_value(value)?)
}

/// Whether it is an id as EC2 gives them, which no character of a pattern is in.
fn is_image(id: &str) -> bool {
    let digits = id.strip_prefix("ami-").unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// A name as one line, whatever somebody has put into it.
fn one_line(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Import {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let (mut images, mut criteria): (Vec<Image>, Option<Vec<Criterion>>) = (Vec::new(), None);
        for path in &self.files {
            let shown = path.display();
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{shown}`"))?;
            match printed(&text).with_context(|| format!("`{shown}` has another form than AWS prints"))? {
                Printed { images: Some(found), .. } => images.extend(found),
                Printed { image_criteria: Some(found), state, .. } => {
                    ensure!(
                        state.as_deref() != Some("disabled"),
                        "allowed images are disabled in `{shown}`: they approve nothing"
                    );
                    for (criterion, number) in found.iter().zip(1..) {
                        if let Some([condition, why]) = criterion.foreign() {
                            bail!(
                                "criterion {number} of `{shown}` has `{condition}`: {why}. Give the images that it \
                                 admits, and the criteria without it"
                            );
                        }
                    }
                    criteria.get_or_insert_default().extend(found);
                }
                Printed { images: None, image_criteria: None, .. } => {
                    bail!("`{shown}` has neither `Images` nor `ImageCriteria`")
                }
            }
        }
        if images.is_empty() {
            let owners = criteria.iter().flatten().flat_map(|criterion| &criterion.image_providers);
            let owners = owners.map(String::as_str).collect::<Vec<_>>().join(" ");
            ensure!(
                !owners.is_empty(),
                "there is no image in the files given: nothing is added. `aws ec2 describe-images --owners self` \
                 prints those of an account, in one region"
            );
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
        let (before, mut left_out, mut renewed) = (lines.len(), 0, 0);
        for image in images {
            if !admits(&image) {
                left_out += 1;
                continue;
            }
            let owner = if image.alias.is_empty() { &image.owner_id } else { &image.alias };
            ensure!(
                is_image(&image.id),
                "`{}`{} is no id of an image, such as ami-0123456789abcdef0: nothing was added",
                image.id,
                if image.name.is_empty() { String::new() } else { format!(" (`{}`)", one_line(&image.name)) }
            );
            let about = format!("{}, owner {}", one_line(&image.name), one_line(owner));
            let line = self.about.line(&image.id, Some(&about))?;
            match lines.iter_mut().find(|known| known.value == line.value) {
                // What somebody wrote about an image stays; only its last day moves on, as with `lists add`.
                Some(known) if known.until.is_some() && known.until < line.until => {
                    known.until = line.until;
                    renewed += 1;
                }
                Some(_) => {}
                None => lines.push(line),
            }
        }
        let added = lines.len() - before;
        let is_new = !self.output.exists();
        file::write(&self.output, lines)?;
        let shown = self.output.display().to_string();
        let shown = visible(&shown).into_owned();
        output::report(&format!(
            "{added} of {} images added to `{shown}`, {renewed} renewed, {left_out} not admitted\n",
            images.len()
        ));
        if is_new {
            output::report(&file::is_new(&self.output));
        }
        Ok(Outcome::Fine)
    }
}
