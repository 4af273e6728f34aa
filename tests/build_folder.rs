//! The folder of a build and what is written in it: whole, the same wherever it is built, with paths that lead
//! somewhere.

use crate::pack::{build, manifest, rule, tree};
use crate::program::{catena, catena_in, path, root, scratch};

#[test]
fn a_move_that_fails_puts_everything_back() {
    let folder = scratch("whole", &[("r.chain", rule("one", 1, "One").as_bytes())]);
    let (rules, out) = (path(&folder, "r.chain"), path(&folder, "dist"));
    assert_eq!(build(&[&rules], &out, &[]).status, 0);
    let dist = folder.path().join("dist");
    // A folder stands where a file has to go: every other file would be another, and one would be gone.
    std::fs::remove_file(dist.join("sigma/correlation_one.yml")).unwrap();
    std::fs::create_dir(dist.join("sigma/correlation_one.yml")).unwrap();
    std::fs::write(dist.join("sigma/correlation_one.yml/mine.txt"), "mine").unwrap();
    let before = tree(&dist);
    let changed = rule("one", 2, "Another title").replace("within 10m", "within 11m");
    std::fs::write(folder.path().join("r.chain"), changed).unwrap();
    let ran = build(&[&rules], &out, &["--force"]);
    assert!(ran.status == 2 && ran.err.contains("a folder is in its place"), "{}", ran.err);
    assert!(tree(&dist) == before, "{:?}", tree(&dist).iter().map(|(name, _)| name).collect::<Vec<_>>());
    assert!(
        std::fs::read_dir(&dist).unwrap().all(|entry| !entry
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.'))
    );
}

#[test]
fn bytes_do_not_depend_on_how_a_path_is_typed() {
    let listed =
        rule("one", 1, "One").replace("\"ConsoleLogin\"", "\"ConsoleLogin\" except actor.id in known");
    let listed = format!("import \"lists/known.chain\"\n{listed}");
    let files: [(&str, &[u8]); 4] = [
        ("p/rules/aws/r.chain", listed.as_bytes()),
        ("p/rules/aws/lists/known.chain", b"allowlist known: actor.id from \"good ones.csv\"\n"),
        ("p/rules/aws/lists/good ones.csv", b"value,reason,owner,ticket,until\nbob,r,o,,\n"),
        ("p/rules/other.chain", &rule("two", 2, "Two").into_bytes()),
    ];
    for environment in [None, Some("p/catena.yaml")] {
        let folder = scratch("typed", &files);
        if let Some(file) = environment {
            std::fs::write(folder.path().join(file), "lookback: 336h\n").unwrap();
        }
        let top = folder.path();
        let built = |here: &str, rules: &str, out: &str| {
            let out = top.join(out);
            let arguments = ["build", rules, "-o", out.to_str().unwrap(), "--as-of", "2026-11-24"];
            let ran = catena_in(&top.join(here), &arguments, b"");
            assert_eq!(ran.status, 0, "{}", ran.err);
            tree(&out)
        };
        let whole = top.join("p/rules");
        let one = built("p", "rules", "one");
        assert!(one == built("p/rules", ".", "two") && one == built(".", whole.to_str().unwrap(), "three"));
        let base = if environment.is_some() { "rules/" } else { "" };
        assert_eq!(manifest(&top.join("one"))["rules"][0]["clause"]["file"], format!("{base}aws/r.chain"));
        // The command of the playbook leads to the list, in that folder.
        let page = std::fs::read_to_string(top.join("one/playbooks/one.md")).unwrap();
        let file = format!("{base}aws/lists/good ones.csv");
        assert!(page.contains(&format!("catena lists add '{file}' VALUE")), "{page}");
        assert!(top.join(if environment.is_some() { "p" } else { "p/rules" }).join(file).exists());
    }
}

/// `index.max_terms_count` of Elasticsearch.
#[test]
fn a_list_that_elasticsearch_would_refuse_is_refused() {
    let listed =
        rule("one", 1, "One").replace("\"ConsoleLogin\"", "\"ConsoleLogin\" except actor.id in known");
    let listed = format!("allowlist known: actor.id from \"known.csv\"\n{listed}");
    let rows = |count: usize| -> String {
        let rows = (0..count).map(|number| format!("user-{number:06},r,o\n"));
        std::iter::once("value,reason,owner\n".to_owned()).chain(rows).collect()
    };
    let built = |count: usize| {
        let folder =
            scratch("terms", &[("r.chain", listed.as_bytes()), ("known.csv", rows(count).as_bytes())]);
        build(&[&path(&folder, "r.chain")], &path(&folder, "dist"), &["--target", "eql"])
    };
    assert_eq!(built(65_536).status, 0);
    let ran = built(65_537);
    assert!(
        ran.status == 1 && ran.err.contains("E0808") && ran.err.contains("index.max_terms_count"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("allowlist `known` has 65537 values"), "{}", ran.err);
}

#[test]
fn a_new_list_may_be_named_by_its_table() {
    let folder = scratch("new", &[]);
    let named = path(&folder, "g.csv");
    let ran = catena(&["new", "list", "good", "--field", "actor.id", "--csv", "-o", &named]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("g.csv").starts_with("value,reason,owner"));
    assert_eq!(read("good.chain"), "allowlist good: actor.id from \"g.csv\"\n");
    let ran = catena(&["new", "list", "good", "--field", "actor.id", "-o", &path(&folder, "h.csv")]);
    assert!(ran.status == 2 && !root().join(path(&folder, "h.csv")).exists(), "{}", ran.err);
}
