//! The documentation runs: rules in it check, predicates in it compile, commands in it print what it says.

use crate::program::{catena, catena_in, catena_with_input, root, scratch};
use crate::replay::golden::data;

pub(crate) struct Block {
    pub(crate) place: String,
    /// The title above it.
    pub(crate) title: String,
    /// What stands behind the fence.
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Block {
    /// The page that it is on.
    pub(crate) fn page(&self) -> &str {
        self.place.rsplit_once(':').unwrap().0
    }
}

/// Every page for users and for those who work on the program.
pub(crate) fn pages() -> Vec<std::path::PathBuf> {
    let is_page = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "md");
    let top = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let below =
        walkdir::WalkDir::new(root().join("docs")).into_iter().map(|entry| entry.unwrap().into_path());
    let mut pages: Vec<_> = top.chain(below).filter(is_page).collect();
    pages.sort();
    pages
}

/// The fenced blocks of all pages of one kind.
pub(crate) fn blocks(kind: &str) -> Vec<Block> {
    all_blocks().into_iter().filter(|block| block.kind == kind).collect()
}

/// The fenced blocks of all pages.
pub(crate) fn all_blocks() -> Vec<Block> {
    let mut found = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let (mut open, mut title): (Option<Block>, _) = (None, String::new());
        for (number, line) in text.lines().enumerate() {
            let place = format!("{}:{}", page.strip_prefix(root()).unwrap().display(), number + 1);
            match (&mut open, line.trim_start().strip_prefix("```")) {
                (None, Some(word)) => {
                    let (title, kind) = (title.clone(), word.trim().to_owned());
                    open = Some(Block { place, title, kind, text: String::new() });
                }
                (Some(_), Some(_)) => found.extend(open.take()),
                (Some(block), None) => block.text.extend([line, "\n"]),
                (None, None) => {
                    assert!(!line.trim_start().starts_with("~~~"), "{place}: blocks begin with ```");
                    if let Some(found) = line.strip_prefix("## ") {
                        found.clone_into(&mut title);
                    }
                }
            }
        }
        assert!(open.is_none(), "{}: a block without an end", page.display());
    }
    found
}

/// A folder in which a command finds what it finds at the root of the repository, and writes where nothing is spoilt.
pub(crate) fn sandbox() -> tempfile::TempDir {
    let folder = scratch("sandbox", &[]);
    for entry in std::fs::read_dir(root()).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        if name != "target" && name != ".git" {
            std::os::unix::fs::symlink(entry.path(), folder.path().join(name)).unwrap();
        }
    }
    folder
}

#[test]
fn rules_in_the_documentation_check() {
    let blocks = blocks("chain");
    assert!(!blocks.is_empty());
    for block in blocks {
        let folder = tempfile::Builder::new().tempdir_in(root().join("docs")).unwrap();
        let name = folder.path().with_extension("chain");
        std::fs::write(&name, &block.text).unwrap();
        let ran = catena(&["check", &name.display().to_string(), "--deny", "warnings"]);
        std::fs::remove_file(&name).unwrap();
        assert_eq!(ran.status, 0, "{}: {}", block.place, ran.err);
    }
}

#[test]
fn predicates_in_the_documentation_check() {
    let blocks = blocks("chain-predicate");
    assert!(!blocks.is_empty());
    for block in blocks {
        for line in block.text.lines() {
            let rule = format!(
                "rule r {{ title \"A title\" id \"0d1c2a54-3a0e-4c0c-9c3e-6a9d2b7f0002\" description \"A predicate of the documentation.\" \
                 severity low chain within 1h {{ step s from aws.cloudtrail where {line} }} alert {{ entity account s.actor.id }} }}"
            );
            let ran = catena_with_input(&["check", "-"], rule.as_bytes());
            assert_eq!(ran.status, 0, "{}: {line}: {}", block.place, ran.err);
        }
    }
}

/// `$ catena …` and `$ ls …` lines run; the lines below must be what they print, `…` alone standing for any lines.
#[test]
fn commands_in_the_documentation_print_what_it_says() {
    let blocks = blocks("console");
    assert!(!blocks.is_empty());
    let folder = sandbox();
    for block in blocks {
        for session in block.text.split("$ ").filter(|session| !session.trim().is_empty()) {
            let (command, expected) = session.split_once('\n').unwrap();
            let printed = if let Some(arguments) = command.strip_prefix("catena ") {
                let Some(arguments) = placed(arguments) else { continue };
                let ran =
                    catena_in(folder.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>(), b"");
                format!("{}{}", ran.err, ran.out)
            } else if let Some(listed) = command.strip_prefix("ls ") {
                let entries = std::fs::read_dir(folder.path().join(listed)).unwrap();
                let mut names: Vec<_> =
                    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
                names.sort();
                names.join("\n")
            } else {
                panic!("{}: only catena runs here: {command}", block.place)
            };
            assert!(
                matches(expected, &printed),
                "{}: `{command}` prints\n{printed}\nnot\n{expected}",
                block.place
            );
        }
    }
}

/// The arguments, with the real logs where they are; `None` where they are not.
fn placed(arguments: &str) -> Option<Vec<String>> {
    let place = |argument: &str| match argument.split_once("aws_dataset/") {
        Some((source, folder)) => {
            let logs = data(&format!("invictus-ir_aws_dataset/{folder}"))?;
            Some(format!("{source}{}", logs.display()))
        }
        None => Some(argument.to_owned()),
    };
    arguments.split_whitespace().map(place).collect()
}

/// Whether `printed` is `expected`, with `…` lines standing for any lines.
pub(crate) fn matches(expected: &str, printed: &str) -> bool {
    let lines =
        |text: &str| text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let (expected, printed) = (lines(expected), lines(printed));
    let chunks: Vec<&[String]> = expected.split(|line| line == "…").collect();
    let mut from = 0;
    for (index, chunk) in chunks.iter().enumerate().filter(|(_, chunk)| !chunk.is_empty()) {
        let found = (from..=printed.len()).find(|&at| printed[at..].starts_with(chunk));
        let Some(at) = found else { return false };
        if index == 0 && at > 0 {
            return false;
        }
        from = at + chunk.len();
    }
    chunks.last().is_some_and(|last| last.is_empty()) || from == printed.len()
}

/// Source files and the environment file that the pages show are right, the source files beside it.
#[test]
fn yaml_in_the_documentation_is_right() {
    let folder = tempfile::Builder::new().prefix("yaml").tempdir_in(root().join("target")).unwrap();
    let rule = "tests/environments/rule.chain";
    let place = |name: &str| folder.path().join(name).display().to_string();
    let mut environments = 0;
    for block in blocks("yaml") {
        if block.text.starts_with("resources:") {
            continue;
        }
        let option = if block.text.starts_with("name:") || block.text.starts_with("extends:") {
            std::fs::write(place("our-proxy.yaml"), &block.text).unwrap();
            ["--source".to_owned(), place("our-proxy.yaml")]
        } else {
            environments += 1;
            std::fs::write(place("our-proxy.yaml"), "extends: aws.cloudtrail\n").unwrap();
            std::fs::write(place("catena.yaml"), &block.text).unwrap();
            ["--env".to_owned(), place("catena.yaml")]
        };
        let ran = catena(&["check", rule, &option[0], &option[1]]);
        assert_eq!(ran.status, 0, "{}: {}", block.place, ran.err);
    }
    assert!(environments > 0);
}
