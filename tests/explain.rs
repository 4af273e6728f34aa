//! `catena explain` as a program.

use crate::program::{AS_OF, catena, path, scratch};

const RULE: &str = "rules/an1318/aws.chain";

#[test]
fn a_code_gives_its_page() {
    let page = catena(&["explain", "e0202"]);
    assert!(page.status == 0 && page.out.starts_with("# E0202: "), "{}", page.out);
    let unknown = catena(&["explain", "E0209"]);
    assert!(unknown.status == 2 && unknown.err.contains("did you mean `E020"), "{}", unknown.err);
}

#[test]
fn a_rule_is_explained_in_three_forms() {
    let text = catena(&["explain", RULE, "--as-of", AS_OF]);
    assert_eq!(text.status, 0, "{}", text.err);
    for wanted in
        ["1. console: a record of aws.cloudtrail", "◆ the key changes", "Microsoft Sentinel", "cost: "]
    {
        assert!(text.out.contains(wanted), "{wanted}:\n{}", text.out);
    }
    let folder = scratch("explain", &[]);
    let page = path(&folder, "rule.html");
    let ran = catena(&["explain", RULE, "--as-of", AS_OF, "--html", &page]);
    let written = std::fs::read_to_string(folder.path().join("rule.html")).unwrap();
    assert!(
        ran.status == 0 && written.contains("<button") && written.contains("| multisearch"),
        "{}",
        ran.err
    );
    let svg = catena(&["explain", RULE, "--as-of", AS_OF, "--svg", "-"]);
    assert!(svg.out.starts_with("<svg ") && svg.out.ends_with("</svg>\n"), "{}", svg.out);
}

#[test]
fn a_picture_is_of_one_rule_and_refusals_are_reasons() {
    let several = catena(&["explain", "rules", "--as-of", AS_OF, "--svg", "-"]);
    assert!(several.status == 2 && several.err.contains("--rule"), "{}", several.err);
    let none = catena(&["explain", RULE, "--rule", "aws_untrusted_image_lunch"]);
    assert!(none.status == 2 && none.err.contains("did you mean"), "{}", none.err);
    let refused = catena(&["explain", "tests/cases/key_change_without_scope.chain", "--target", "sigma"]);
    assert!(refused.out.contains("refused: ") && refused.out.contains("no query"), "{}", refused.out);
}
