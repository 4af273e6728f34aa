//! Literals and expressions, text by text.

use super::column::Key;
use super::literal::{self, own};
use super::{dialect, network, pattern, regex};
use crate::backend::SqlDialect;
use crate::backend::sql::check;
use crate::ir::{Case, Pattern, Regex};

const ALL: [SqlDialect; 3] = [SqlDialect::DuckDb, SqlDialect::Spark, SqlDialect::Trino];

fn texts(value: &str) -> [String; 3] {
    ALL.map(|dialect| literal::text(dialect, value).into_text())
}

#[test]
fn a_literal_is_what_its_engine_reads_as_the_text() {
    assert_eq!(texts("it's"), ["'it''s'", r"'it\'s'", "'it''s'"]);
    assert_eq!(texts(r"a\b"), [r"'a\b'", r"'a\\b'", r"'a\b'"]);
    // Spark would put the value of a variable there, dbt that of a template.
    assert_eq!(texts("${env:HOME}"), ["'${env:HOME}'", r"'$\u007benv:HOME}'", "'${env:HOME}'"]);
    assert_eq!(texts("a;b"), ["'a;b'", r"'a\u003bb'", "'a;b'"]);
    let line = ["concat('a', chr(10), 'b')", r"'a\u000ab'", "concat('a', chr(10), 'b')"];
    assert_eq!(texts("a\nb"), line);
    assert_eq!(texts("\0"), ["chr(0)", r"'\u0000'", "chr(0)"]);
    // Nobody sees it turn the line around.
    assert_eq!(texts("\u{202e}"), ["chr(8238)", r"'\u202e'", "chr(8238)"]);
}

#[test]
fn names_are_quoted_where_they_could_be_words_of_the_language() {
    let names = |name| ALL.map(|dialect| literal::column(dialect, name).into_text());
    assert_eq!(names("end"), ["\"end\"", "`end`", "\"end\""]);
    assert_eq!(names("interface_id"), ["interface_id"; 3]);
    assert_eq!(names("a\"b`c"), ["\"a\"\"b`c\"", "`a\"b``c`", "\"a\"\"b`c\""]);
}

#[test]
fn paths_into_json_keep_their_keys() {
    let path = [Key::Name("instancesSet".to_owned()), Key::Name("a.b".to_owned()), Key::Item(2)];
    let paths = ALL.map(|dialect| literal::json_path(dialect, &path).into_text());
    assert_eq!(
        paths,
        [
            r#"'$."instancesSet"."a.b"[2]'"#,
            r"'$.instancesSet[\'a.b\'][2]'",
            r#"'$["instancesSet"]["a.b"][2]'"#
        ]
    );
}

#[test]
fn templates_keep_the_braces_of_the_language() {
    let one = own("a_b");
    assert_eq!(literal::whole("x{2}({}, '{%')", &[&one]).text(), "x{2}(a_b, '{%')");
    let weak = literal::test("{} = 1", &[&one]);
    assert_eq!(literal::test("{()} = {}", &[&weak, &one]).text(), "(a_b = 1) = a_b");
}

#[test]
fn wildcards_escape_what_like_knows() {
    let like = |text, case| {
        let pattern = Pattern::parse(text).unwrap();
        check::text(&pattern::like(SqlDialect::DuckDb, &own("x_y"), &pattern, case)).into_text()
    };
    assert_eq!(like("a*b?", Case::Sensitive), "x_y LIKE 'a%b_'");
    assert_eq!(like("100%_~*", Case::Sensitive), "x_y LIKE '100~%~_~~%' ESCAPE '~'");
    assert_eq!(like("*", Case::Sensitive), "x_y <> ''");
    assert!(like("Ab*", Case::Ignore).ends_with("LIKE 'ab%'"), "{}", like("Ab*", Case::Ignore));
    assert_eq!(like("*ä", Case::Ignore), "regexp_matches(x_y, '^(?s:.)*[äÄ]$')");
}

#[test]
fn regular_expressions_are_spelt_out_for_engines_with_other_words() {
    let java = |text| regex::portable(SqlDialect::Spark, &Regex::new(text).unwrap());
    assert_eq!(java(r"^i-\d{8}$"), r"\Ai-(?:[0-9]){8}\z");
    assert_eq!(java("a.c"), r"a[\x{0}-\x{9}\x{b}-\x{10ffff}]c");
    assert_eq!(java("(?i)ab"), "[Aa][Bb]");
    assert_eq!(java(r"\$|\{"), r"[\x{24}\x{7b}]");
}

#[test]
fn networks_are_beginnings_and_one_octet() {
    let within = |text: &str| {
        let check = network::within(SqlDialect::DuckDb, &own("ip_a"), &[text.parse().unwrap()]);
        check::text(&check).into_text()
    };
    assert_eq!(within("192.0.2.1/32"), "ip_a = '192.0.2.1'");
    assert!(
        within("10.0.0.0/8").starts_with("ip_a LIKE '10.%' AND regexp_matches(ip_a, '^(25"),
        "{}",
        within("10.0.0.0/8")
    );
    assert!(within("172.16.0.0/12").contains("split_part(ip_a, '.', 2) AS INTEGER) BETWEEN 16 AND 31"));
    // Every valid address.
    assert!(!within("0.0.0.0/0").contains("LIKE"));
    assert!(within("2001:db8::/32").contains("'20010db8000000000000000000000000' AND '20010db8ffff"));
}

#[test]
fn comments_hold_nothing_that_is_substituted() {
    assert_eq!(literal::comment("a ${b} {{ c }}\nd").text(), "a $ {b} { { c }} d");
    assert_eq!(dialect::title(SqlDialect::Trino), "Trino and Athena");
}
