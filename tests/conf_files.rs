//! Conf files of the Splunk app, as Splunk reads them.

use crate::pack::{build, rule};
use crate::program::{path, scratch};

/// The stanzas of a conf file with their keys, as Splunk reads them: a backslash at the end of a line goes on in the
/// next.
fn conf(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        if !goes_on && line.starts_with('[') {
            found.push((line.to_owned(), Vec::new()));
        } else if let (false, Some((key, _)), Some((_, keys))) =
            (goes_on, line.split_once(" = "), found.last_mut())
        {
            keys.push(key.to_owned());
        }
        goes_on = line.ends_with('\\');
    }
    found
}

#[test]
fn no_value_takes_the_next_key_into_itself() {
    let plain = rule("one", 1, "One");
    let hostile =
        plain.replace("then a key.", "then a key in C:\\\\Windows\\\\").replace("\"One\"", "\"One\\\\\"");
    assert_eq!(hostile.matches("\\\\\"").count(), 2, "{hostile}");
    let folder = scratch("conf", &[("plain.chain", plain.as_bytes()), ("hostile.chain", hostile.as_bytes())]);
    let read = |name: &str| {
        let out = path(&folder, &format!("{name}-dist"));
        let ran = build(&[&path(&folder, &format!("{name}.chain"))], &out, &["--target", "spl"]);
        assert_eq!(ran.status, 0, "{}", ran.err);
        let app = folder.path().join(format!("{name}-dist/splunk/catena_detections/default"));
        ["savedsearches.conf", "macros.conf", "app.conf"]
            .map(|file| conf(&std::fs::read_to_string(app.join(file)).unwrap()))
    };
    let (expected, found) = (read("plain"), read("hostile"));
    let keys = |files: &[Vec<(String, Vec<String>)>]| -> Vec<Vec<String>> {
        files.iter().flatten().map(|(_, keys)| keys.clone()).collect()
    };
    assert_eq!(keys(&found), keys(&expected));
    for key in [
        "description",
        "search",
        "action.correlationsearch.annotations",
        "action.notable.param.rule_description",
    ] {
        assert!(found[0][0].1.iter().any(|known| known == key), "{key}: {found:?}");
    }
}

/// What stands in `[default]` holds for every stanza of the file.
#[test]
fn no_title_and_no_list_becomes_the_stanza_of_all() {
    let listed =
        rule("three", 3, "Three").replace("\"ConsoleLogin\"", "\"ConsoleLogin\" except actor.id in default");
    let listed = format!("allowlist default: actor.id {{ \"a\" reason \"r\" owner \"o\" }}\n{listed}");
    let (title, brackets) = (rule("one", 1, "Default"), rule("two", 2, "[]"));
    for (text, says) in
        [(title, "the title of `one`"), (brackets, "the title of `two`"), (listed, "`default` is no name")]
    {
        let folder = scratch("conf", &[("r.chain", text.as_bytes())]);
        let ran = build(
            &[&path(&folder, "r.chain")],
            &path(&folder, "dist"),
            &["--target", "spl", "--lists", "lookup"],
        );
        assert!(ran.status == 1 && ran.err.contains("E0808") && ran.err.contains(says), "{}", ran.err);
    }
}
