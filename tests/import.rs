//! `catena import`: drafts of public forms of Sigma and EQL, and of what is neither.

use crate::program::{catena, catena_with_input, root};

/// The draft of a file, without its fresh id.
fn draft(file: &str) -> String {
    let ran = catena(&["import", &format!("tests/import/{file}")]);
    assert_eq!(ran.status, 0, "{file}: {}", ran.err);
    let lines = ran.out.lines().map(|line| if line.contains("  id  ") { "  id          …" } else { line });
    lines.map(|line| format!("{line}\n")).collect::<Vec<_>>().concat() + &ran.err
}

#[test]
fn public_forms_become_drafts() {
    for file in ["console_login_then_key.yml", "failed_logins.yml", "launch_then_flow.eql"] {
        insta::with_settings!({
            snapshot_path => root().join("snapshots/import"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!(file.split('.').next().unwrap(), draft(file)) });
    }
}

#[test]
fn what_sigma_emits_comes_back_as_the_same_steps() {
    let emitted = catena(&["compile", "tests/cases/three_steps_one_window.chain", "--target", "sigma"]);
    let back = catena_with_input(&["import", "-"], emitted.out.as_bytes());
    assert_eq!(back.status, 0, "{}", back.err);
    let checked = catena_with_input(&["check", "-"], back.out.as_bytes());
    assert!(!checked.err.contains("error["), "{}\n{}", back.out, checked.err);
    assert_eq!(back.out.matches("\n    step ").count(), 3, "{}", back.out);
}

#[test]
fn drafts_have_no_syntax_errors_and_nothing_ends_the_program() {
    let mut random = fastrand::Rng::with_seed(17);
    for file in ["console_login_then_key.yml", "failed_logins.yml", "launch_then_flow.eql"] {
        let text = std::fs::read_to_string(root().join("tests/import").join(file)).unwrap();
        let catalog = catena::catalog::Catalog::embedded().unwrap();
        for _ in 0..100 {
            // A piece is taken out, or one put in.
            let mut chars: Vec<char> = text.chars().collect();
            let at = random.usize(..chars.len());
            let end = (at + random.usize(..40)).min(chars.len());
            if random.bool() {
                chars.drain(at..end);
            } else {
                chars.splice(
                    at..at,
                    ["\"", "[", ")", " not ", "\u{202e}", "|all", " by "][random.usize(..7)].chars(),
                );
            }
            let given =
                catena::import::Given { catalog: &catalog, source: None, name: "r", id: "i".to_owned() };
            let text: String = chars.into_iter().collect();
            if let Ok(draft) = catena::import::import(&text, &given) {
                assert!(!draft.contains('\u{202e}'), "{draft}");
            }
        }
    }
}

#[test]
fn what_is_neither_is_said() {
    for (text, said) in [
        ("index=main | stats count", "neither an EQL sequence nor Sigma"),
        ("title: a\ndetection: {}\n", "no chain"),
        ("sequence [process where true]", "no source has the fields"),
        ("sequence by", "fewer than two events"),
        ("a: [", "not YAML"),
    ] {
        let ran = catena_with_input(&["import", "-"], text.as_bytes());
        assert!(ran.status == 1 && ran.err.contains(said), "{text}: {}", ran.err);
    }
}
