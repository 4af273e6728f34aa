//! The tutorial as a newcomer follows it: in an empty folder, from top to bottom, with nothing but what it says.
//!
//! A block's first line says what to do with it: `console tutorial` runs commands, `LANGUAGE PATH` writes a file,
//! `append PATH` adds to a rule before its last brace, `diff PATH` changes the text after `-` into that after `+`. The
//! text before a block names its file: a rendered page does not show that line.

use std::path::{Path, PathBuf};

use crate::docs::matches;
use crate::program::{catena_in, copy_folder, root, scratch};

/// Runs the commands of a block; gives the folder in which the reader stands afterwards.
fn commands(mut folder: PathBuf, block: &str) -> PathBuf {
    for session in block.split("$ ").filter(|session| !session.trim().is_empty()) {
        let (command, expected) = session.split_once('\n').unwrap();
        if let Some(inner) = command.strip_prefix("cd ") {
            folder.push(inner);
        } else if let Some(copied) = command.strip_prefix("cp -r ") {
            let (from, to) = copied.split_once(' ').unwrap();
            copy_folder(&folder.join(from), &folder.join(to));
        } else {
            let arguments: Vec<_> = command.strip_prefix("catena ").unwrap().split_whitespace().collect();
            let ran = catena_in(&folder, &arguments, b"");
            let printed = format!("{}{}", ran.err, ran.out);
            assert!(matches(expected, &printed), "`{command}` prints\n{printed}\nnot\n{expected}");
        }
    }
    folder
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn change(path: &Path, changed: impl Fn(&str) -> String) {
    let before = std::fs::read_to_string(path).unwrap();
    let after = changed(&before);
    assert_ne!(before, after, "{}", path.display());
    std::fs::write(path, after).unwrap();
}

fn append(path: &Path, text: &str) {
    change(path, |rule| format!("{}\n{text}}}\n", rule.trim_end().strip_suffix('}').unwrap()));
}

fn replace(path: &Path, text: &str) {
    let (old, new) = text.trim_end().split_once('\n').unwrap();
    let [old, new] = [old.strip_prefix('-').unwrap(), new.strip_prefix('+').unwrap()];
    change(path, |rule| rule.replacen(old, new, 1));
}

#[test]
fn the_tutorial_leads_a_newcomer_to_its_end() {
    let empty = scratch("tutorial", &[]);
    let mut folder = empty.path().to_owned();
    let page = std::fs::read_to_string(root().join("docs/tutorial.md")).unwrap();
    let mut steps = 0;
    let parts: Vec<&str> = page.split("\n```").collect();
    for pair in parts.chunks_exact(2) {
        let (prose, (head, text)) = (pair[0], pair[1].split_once('\n').unwrap());
        let (kind, path) = head.split_once(' ').unwrap();
        assert!(
            kind == "console" || kind == "diff" || prose.contains(&format!("`{path}`")),
            "which file? {head}"
        );
        steps += 1;
        match kind {
            "console" => folder = commands(folder, &format!("{text}\n")),
            "append" => append(&folder.join(path), &format!("{text}\n")),
            "diff" => replace(&folder.join(path), text),
            _ => write(&folder.join(path), &format!("{text}\n")),
        }
    }
    assert!(steps > 15, "{steps} blocks");
}
