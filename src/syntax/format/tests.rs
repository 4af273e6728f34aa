//! The style on a file, and what must hold for every file: nothing is lost, and formatting twice changes nothing.

use super::format;

fn formatted(text: &str) -> String {
    format(text).unwrap_or_else(|why| panic!("{why:?}:\n{text}"))
}

const RULE: &str = r#"
import  "a.chain"
allowlist l:image.id{"a" "b" reason "why" until 2027-01-01   "c"}
rule r{title "T" description "D"
  attack "T1","T2"
  param  a=5m
  param long_name = 1
  chain   within 30m  scope a.b,c.d{step one from s where (a=="b"and not c) or exists( f ) except g in l
  then within a on x,one.y==two.z
  step two from s where a in("1","2") }
  alert{entity account one.x entity ip two.y show one.a,two.b dedupe 1h by one.x}
  test "t"{one at 0s{a:"b", c:true} longer at 1m{} event of s at 2m{a:1} expect alert at 1m}
}
"#;

const CLAUSES: &str = r#"
lookup owners: image.owner from "owners.csv" {team:string}
rule r{chain{together within 5m on u,v{step one from s where a=="1" step two from s where a=="2"} then within 1m on u
 where one.b!=two.b and one.c<two.c unless ok from t where a=="1" on u
step three from s as{a:b,c:d} where any (a)=="b" or all(a) in ("c") except a=="c" or from t where b=="d" except c=="e" at least 3 distinct f within 5m by u,v
unless change from t where a=="1" and b=="2" within 1h before on u,v =~w first within 30d by u}}
"#;

#[test]
fn the_style_of_clauses() {
    insta::with_settings!({ snapshot_path => "../../../snapshots/format", prepend_module_to_snapshot => false, omit_expression => true },
        { insta::assert_snapshot!("clauses", formatted(CLAUSES)); });
}

#[test]
fn the_style() {
    insta::with_settings!({ snapshot_path => "../../../snapshots/format", prepend_module_to_snapshot => false, omit_expression => true },
        { insta::assert_snapshot!("style", formatted(RULE)); });
}

/// The text with a comment behind and before each of its tokens, one at a time.
fn with_comments(text: &str) -> Vec<String> {
    let mut ends: Vec<usize> =
        text.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, _)| at).collect();
    ends.push(text.len());
    let put = |at: usize, comment: &str| {
        let (head, tail) = text.split_at(at);
        format!("{head}{comment}{tail}")
    };
    ends.iter().flat_map(|at| [put(*at, " # c\n"), put(*at, "\n\n# a\n# b\n\n")]).collect()
}

#[test]
fn comments_stay_at_every_token() {
    let mut seen = 0;
    for text in [RULE, CLAUSES].into_iter().flat_map(|rule| with_comments(&formatted(rule))) {
        // A comment inside a string is none.
        let Ok(once) = format(&text) else { continue };
        assert_eq!(once, formatted(&once), "not idempotent:\n{text}");
        assert_eq!(once.matches('#').count(), text.matches('#').count(), "{text}");
        seen += 1;
    }
    assert!(seen > 600, "{seen}");
}
