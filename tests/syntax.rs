//! The parser against whole files: what it understands, what it says about what it does not, and what it survives.

use std::fmt::Debug;
use std::fmt::Write as _;
use std::path::Path;

use catena::diag::{Code, Diagnostics, Findings, github, json, render, sarif};
use catena::source::{FileId, SourceFile, Sources};
use catena::syntax::{self, ast};
use proptest::prelude::*;

/// Parses a text; gives the tree and the findings as the user sees them.
fn parse(name: &str, text: &str) -> (ast::File, String) {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::new(name, text));
    let mut diags = Diagnostics::default();
    let file = syntax::parse(sources.get(id).expect("just added"), id, &mut diags);
    (file, render::text(&diags.into_sorted(), &sources, false))
}

fn snapshot(view: &str, name: &str, content: &str) {
    insta::with_settings!({
        snapshot_path => format!("../snapshots/{view}"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, content) });
}

/// The files of a folder with their names.
fn folder(folder: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> =
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
            .expect("the folder")
            .map(|entry| entry.expect("a file").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "chain"))
            .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path))
            .map(|(name, path)| (name, std::fs::read_to_string(path).expect("UTF-8")))
            .collect();
    out.sort();
    out
}

/// The codes that the parser gives; later ones of the section are about reading files.
fn of_the_parser(code: &str) -> bool {
    code.starts_with("E01") && code < "E0150"
}

/// The failing cases of the parser.
fn cases() -> Vec<(String, String)> {
    let code =
        |name: &str| name.strip_prefix("err_").and_then(|rest| rest.get(..5)).is_some_and(of_the_parser);
    folder("tests/cases").into_iter().filter(|(name, _)| code(name)).collect()
}

/// A file of `tests/syntax`: these need not pass the checker.
fn sample(name: &str) -> String {
    folder("tests/syntax").into_iter().find(|(known, _)| known == name).expect("the sample").1
}

#[test]
fn broken_files_give_good_findings() {
    for (name, text) in cases() {
        let (_, findings) = parse(&format!("{name}.chain"), &text);
        let code = &name[4..9];
        assert!(findings.contains(code), "{name} does not give {code}:\n{findings}");
        snapshot("syntax_errors", &name, &format!("{text}\n----\n{findings}"));
    }
}

#[test]
fn every_fault_of_a_file_is_found() {
    let text = sample("ten_faults");
    let (_, findings) = parse("ten_faults.chain", &text);
    snapshot("syntax_errors", "ten_faults", &format!("{text}\n----\n{findings}"));
}

#[test]
fn sound_files_give_their_tree() {
    for name in ["an1318", "predicates"] {
        let text = sample(name);
        let (file, findings) = parse(&format!("{name}.chain"), &text);
        assert_eq!(findings, "", "{name}");
        snapshot("ast", name, &format!("{text}\n----\n{}", tree(&file)));
    }
}

/// The tree without spans, a line for each clause, step and test event.
fn tree(file: &ast::File) -> String {
    let mut out = String::new();
    let mut line = |indent: usize, node: &dyn Debug| {
        writeln!(out, "{:indent$}{}", "", bare(&format!("{node:?}"))).expect("a string");
    };
    file.imports.iter().for_each(|import| line(0, import));
    file.lists.iter().for_each(|list| line(0, list));
    for rule in &file.rules {
        line(0, &rule.name);
        for clause in &rule.clauses {
            match clause {
                ast::Clause::Chain(chain) => {
                    line(2, &(&chain.within, &chain.scope));
                    chain.items.iter().for_each(|item| line(4, item));
                }
                ast::Clause::Test(test) => {
                    line(2, &test.name);
                    test.events.iter().for_each(|event| line(4, event));
                    test.expects.iter().for_each(|expect| line(4, expect));
                }
                ast::Clause::Meta(_)
                | ast::Clause::Allow(_)
                | ast::Clause::Param(_)
                | ast::Clause::Alert(_)
                | ast::Clause::Playbook(_) => {
                    line(2, clause);
                }
            }
        }
    }
    out
}

/// A debug text without spans and what wraps them.
fn bare(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once("Span { file: FileId(0), start: ") {
        out += head.trim_end_matches("span: ").trim_end_matches(", ");
        rest = tail.split_once(" }").map_or("", |(_, tail)| tail);
    }
    out + rest
}

/// A finding of one unit, and the same one of another unit that has the file too.
fn report() -> Findings {
    let text = "rule r {\n  param a = 10min\n  title \"é\\q\"\n";
    let mut report = Findings::default();
    for others in 0..2 {
        let mut sources = Sources::default();
        for _ in 0..others {
            sources.add(SourceFile::new("other.chain", ""));
        }
        let id = sources.add(SourceFile::new("rules/with, comma: 100%.chain", text));
        let mut diags = Diagnostics::default();
        syntax::parse(sources.get(id).unwrap(), id, &mut diags);
        report.add(&diags.into_sorted(), &sources);
    }
    report
}

#[test]
fn machine_formats() {
    let report = report();
    assert_eq!(report.findings().len(), 3, "findings of a shared file stand once");
    snapshot("findings", "json", &json::render(&report));
    snapshot("findings", "github", &github::render(&report));
    let sarif = sarif::render(&report);
    let log: serde_json::Value = serde_json::from_str(&sarif).expect("JSON");
    assert_eq!(log["runs"][0]["tool"]["driver"]["rules"].as_array().map(Vec::len), Some(Code::ALL.len()));
    snapshot("findings", "sarif_results", &format!("{:#}", log["runs"][0]["results"]));
}

#[test]
fn every_code_of_the_syntax_has_a_page_and_a_case() {
    for code in Code::ALL.iter().map(|code| code.id()).filter(|id| *id < "E0151") {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/errors/{code}.md"));
        let text = std::fs::read_to_string(&page).unwrap_or_else(|_| panic!("{} is missing", page.display()));
        if let Some((_, example)) = text.split_once("```chain-error\n") {
            let example = example.split("```").next().expect("the block");
            assert!(parse("page", example).1.contains(code), "the example of {code} does not give it");
        }
        // Bytes that are not UTF-8 cannot stand among the cases.
        assert!(code == "E0118" || cases().iter().any(|(name, _)| name.contains(code)), "no case for {code}");
    }
}

#[test]
fn letters_of_other_alphabets_are_no_names() {
    for (text, letter) in
        [("rule règle { }", "`è`"), ("rule échelle { }", "`é`"), ("allowlist имя: actor.id { }", "`и`")]
    {
        let (_, findings) = parse("letters.chain", text);
        assert!(
            findings.contains("E0108") && findings.contains(&format!("{letter} is not allowed in a name")),
            "{findings}"
        );
    }
}

#[test]
fn bytes_that_are_not_text_are_placed() {
    let (text, found) =
        *syntax::decode(b"rule r {\n  \xff\xfe }".to_vec(), FileId(0)).expect_err("not UTF-8");
    assert_eq!(text, "rule r {\n  \u{fffd}\u{fffd} }");
    assert_eq!((found.code.id(), found.title.as_str()), ("E0118", "byte 11 (0xff) is not UTF-8"));
    assert_eq!(found.primary.span.range(), 11..14);
    assert_eq!(syntax::decode(b"ok".to_vec(), FileId(0)).expect("UTF-8"), "ok");
}

#[test]
fn byte_order_mark_and_line_ends_do_no_harm() {
    let text = "\u{feff}rule r {\r\n  playbook \"\"\"\r\n    a\r\n      b\r\n    \"\"\"\r\n  # note\r\n}\r\n";
    let (file, findings) = parse("crlf.chain", text);
    assert_eq!(findings, "");
    assert_eq!(&text[file.rules[0].name.span.range()], "r");
    assert_eq!(&text[file.comments[0].range()], "# note");
    let ast::Clause::Playbook(playbook) = &file.rules[0].clauses[0] else { panic!("a playbook") };
    assert_eq!(playbook.node, "a\n  b");
}

/// Runs the parser and the renderer with the stack of a worker thread.
fn survives(text: String) {
    let run = move || {
        let (_, findings) = parse("hostile.chain", &text);
        assert!(!findings.is_empty(), "{}", text.chars().take(80).collect::<String>());
        assert!(findings.len() < 400_000, "{} bytes of findings", findings.len());
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).expect("a thread").join().expect("no panic");
}

#[test]
fn hostile_files_are_survived() {
    let megabyte = |text: &str| text.repeat(1_000_000 / text.len());
    let step = "rule a { chain { step x from y where ";
    for text in ["(", "\"", "{", "}", "{ (", "junk line\n", "\0"] {
        survives(megabyte(text));
    }
    survives(format!("{step}{}a }} }}", "not ".repeat(100_000)));
    survives(format!("{step}{}", megabyte("(")));
    survives(format!("rule a {{ param x = {} }}", megabyte("1")));
    survives(format!("rule a {{ title {}", megabyte("'")));
    survives(" ".repeat(syntax::FILE_SIZE + 1));
}

/// What stands between the tokens a mutation puts into a rule.
fn fragment() -> impl Strategy<Value = String> {
    let tokens = [
        "{",
        "}",
        "(",
        ")",
        "\"",
        "'",
        "\"\"\"",
        ",",
        ":",
        "=",
        "==",
        "&&",
        "!",
        "~",
        "#",
        "\n",
        "\\",
        "rule",
        "step",
        "then",
        "where",
        "except",
        "and",
        "or",
        "not",
        "in",
        "chain",
        "alert",
        "test",
        "expect",
        "within",
        "on",
        "at",
        "1",
        "10min",
        "é",
        "\u{a0}",
        "\0",
        "unless",
        "allowlist l: f {",
        "a.b",
        "\"x\"",
        "exists(",
        "r\"",
        "\r",
        "\u{feff}",
        "-",
        ".",
    ];
    prop_oneof![prop::sample::select(tokens.to_vec()).prop_map(str::to_owned), ".{0,3}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        parse("bytes.chain", &String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_change_to_a_rule_makes_it_panic(
        changes in prop::collection::vec((0.0..1.0f64, 0usize..20, fragment()), 1..6),
    ) {
        let mut text = sample("an1318");
        for (place, delete, insert) in changes {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in the text")]
            let at = (place * text.len() as f64) as usize;
            let start = (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            let end = (start + delete..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
            text.replace_range(start..end.max(start), &insert);
        }
        let (file, _) = parse("changed.chain", &text);
        for rule in &file.rules {
            prop_assert!(text.get(rule.name.span.range()).is_some());
        }
    }

    #[test]
    fn fragments_in_any_order_do_not_make_it_panic(parts in prop::collection::vec(fragment(), 0..60)) {
        parse("parts.chain", &parts.join(" "));
    }
}

#[test]
fn outlines_are_those_of_the_trees() {
    let crooked = [
        "rule a { id \"\\u{41}B\" } # rule b { id \"x\" }\nrule c{title \"rule d { id \\\"y\\\"\" id r\"z\\\"}",
        "rule a {\n # id \"no\"\n id # rule\n \"yes\" id \"second\" description \"\"\"\nrule x {\n id \"q\" }\"\"\" } rule b { id b }",
        "allowlist l: image.id { \"rule z {\" reason \"id\" } import \"rule.chain\" rule r-1 { test \"id\" { id at 0s { id: \"n\" } } id \"\" }",
        "rule { id \"x\" } rule é { } rule rule { id \"w\" }",
        "",
    ];
    let files = folder("tests/cases").into_iter().map(|(_, text)| text).chain(crooked.map(str::to_owned));
    let mut rules = 0;
    for text in files {
        let (tree, _) = parse("case.chain", &text);
        let seen: Vec<_> = syntax::outline(&text)
            .into_iter()
            .map(|heading| (heading.name, heading.id.unwrap_or_default()))
            .collect();
        if tree.understood != ast::Understood::Partly {
            let meant: Vec<_> = tree.rules.iter().map(|rule| (rule.name.node.clone(), id_of(rule))).collect();
            assert_eq!(seen, meant, "{text}");
            rules += meant.len();
        }
    }
    assert!(rules > 50, "{rules}");
}

fn id_of(rule: &ast::Rule) -> String {
    for clause in &rule.clauses {
        if let ast::Clause::Meta(meta) = clause
            && meta.key.node == "id"
        {
            let first = meta.values.first().map(|literal| &literal.kind);
            return if let Some(ast::LiteralKind::Str(text)) = first { text.clone() } else { String::new() };
        }
    }
    String::new()
}
