//! Lists the files under `sources/` and `docs/errors/`, so that a new source or code is a new file and nothing else.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let whole = |name: &str| name.to_owned();
    embed(
        "sources",
        "yaml",
        "/// File name and text of every source under `sources/`.\nconst EMBEDDED",
        whole,
    )?;
    let stem = |name: &str| name.trim_end_matches(".md").to_owned();
    embed("docs/errors", "md", "/// Code and page of every finding.\nconst PAGES", stem)
}

/// Writes a table with name and text of the files of a folder.
fn embed(folder: &str, wanted: &str, head: &str, name: impl Fn(&str) -> String) -> io::Result<()> {
    println!("cargo:rerun-if-changed={folder}");
    let path = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join(folder);
    let mut files: Vec<_> = fs::read_dir(&path)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == wanted));
    files.sort();
    let mut code = format!("{head}: &[(&str, &str)] = &[\n");
    for path in &files {
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (name, path) = (name(&file), path.display().to_string());
        let row = format!("    ({name:?}, include_str!({path:?})),\n");
        code += &row;
    }
    code += "];\n";
    let table = if folder == "sources" { "embedded_sources.rs" } else { "embedded_pages.rs" };
    fs::write(Path::new(&env::var("OUT_DIR").unwrap_or_default()).join(table), code)
}
