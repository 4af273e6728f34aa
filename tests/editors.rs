//! What editors know of the language is what the grammar knows.

use std::collections::BTreeSet;

use crate::program::root;

#[test]
fn the_textmate_grammar_has_the_words_of_the_language() {
    let text =
        std::fs::read_to_string(root().join("editors/vscode/syntaxes/catena.tmLanguage.json")).unwrap();
    let grammar: serde_json::Value = serde_json::from_str(&text).unwrap();
    let word = regex::Regex::new(r"[a-z_]{2,}").unwrap();
    let mut known = BTreeSet::new();
    for name in ["keyword", "operator-word", "metadata", "constant"] {
        let rule = grammar["repository"][name]["match"].as_str().unwrap();
        let list = rule.split_once('(').unwrap().1.rsplit_once("(?!").unwrap().0;
        // The alternatives stand in the one group that has bars.
        let list = list.split('(').find(|part| part.contains('|')).unwrap().split(')').next().unwrap();
        known.extend(word.find_iter(list).map(|found| found.as_str().to_owned()));
    }
    let words: BTreeSet<String> = catena::syntax::words().map(str::to_owned).collect();
    assert_eq!(known, words, "left: the TextMate grammar, right: the language");
}
