//! Lists the files under `sources/`, so that a new source is one new file and nothing else.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=sources");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("sources");
    let mut files: Vec<_> = fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let mut code = String::from(
        "/// File name and text of every source under `sources/`.\nconst EMBEDDED: &[(&str, &str)] = &[\n",
    );
    for path in &files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let path = path.display().to_string();
        let row = format!("    ({name:?}, include_str!({path:?})),\n");
        code += &row;
    }
    code += "];\n";
    fs::write(Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("embedded_sources.rs"), code)
}
