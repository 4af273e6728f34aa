//! `catena explain` as a program.

use catena::Project;
use catena::backend::ALL;
use catena::explain::{Explanation, Made, Query, html, text};
use catena::picture::{self, Theme};
use catena::project::CompileOptions;

use crate::program::{AS_OF, catena, path, root, scratch};

fn explained() -> Explanation {
    let mut project = Project::default();
    for name in ["aws.chain", "lists/known_good.chain", "lists/approved_images.csv"] {
        project.insert(name, std::fs::read_to_string(root().join("rules/an1318").join(name)).unwrap());
    }
    project.choices().as_of = AS_OF.parse().ok();
    let rule = &project.check().unwrap().rules[0];
    let emissions = project.compile(ALL, CompileOptions::default()).unwrap().emissions;
    let mut explained = Explanation::of(rule);
    for target in ALL {
        let emission = emissions.iter().find(|emission| emission.target == target.name());
        explained.add(*target, emission.map_or(Made::NotMeant, |emission| Made::Query(Query::of(emission))));
    }
    explained
}

fn snapshot(view: &str, name: &str, content: &str) {
    insta::with_settings!({
        snapshot_path => root().join("snapshots").join(view),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, content) });
}

#[test]
fn the_first_rule_in_sentences_and_pictures() {
    let explained = explained();
    snapshot("explain", "text", &text(&explained));
    snapshot("picture", "text", &picture::text(&explained.picture));
    snapshot("picture", "svg", &picture::svg(&explained.picture, Theme::Adaptive));
    for target in &explained.targets {
        let Made::Query(query) = &target.made else { panic!("{target:?}") };
        assert!(!query.cost.is_empty() && !query.schedule.is_empty(), "{}", target.title);
    }
}

#[test]
fn what_must_not_be_there_is_a_crossed_box() {
    let rules = [
        "tests/cases/absence_before_a_step.chain",
        "tests/cases/absence_between_steps.chain",
        "docs/examples/sign_in_then_key.chain",
    ];
    let drawn = rules.map(|rule| catena(&["explain", rule, "--as-of", AS_OF, "--svg", "-"]).out);
    let crossed = drawn.each_ref().map(|svg| svg.matches("class=\"cross\"").count());
    assert_eq!(crossed, [1, 2, 0]);
    snapshot("picture", "absences_svg", &drawn[1]);
    let shown = catena(&["explain", rules[1], "--as-of", AS_OF]).out;
    let picture = shown.split_once('┌').unwrap().1.rsplit_once('┘').unwrap().0;
    snapshot("picture", "absences_text", &format!("┌{picture}┘\n"));
}

#[test]
fn a_page_holds_the_queries_and_runs_nothing_of_a_rule() {
    let mut explained = explained();
    let page = html(std::slice::from_ref(&explained));
    let escaped = |text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        text.replace('"', "&quot;")
    };
    for target in &explained.targets {
        let Made::Query(query) = &target.made else { panic!("{target:?}") };
        assert!(query.parts.iter().all(|part| page.contains(&escaped(&part.text))), "{}", target.title);
    }
    // Nothing is loaded from elsewhere.
    assert!(!page.contains("src=") && !page.contains("<link"));
    let hostile = "</code><script>alert(1)</script>".to_owned();
    for text in
        [&mut explained.title, &mut explained.description, &mut explained.steps[0], &mut explained.rule]
    {
        text.clone_from(&hostile);
    }
    let Some(Made::Query(query)) = explained.targets.first_mut().map(|target| &mut target.made) else {
        panic!()
    };
    query.parts[0].text.clone_from(&hostile);
    query.reasons = vec![("may add", hostile.clone())];
    query.requires = vec![hostile.clone()];
    assert_eq!(html(&[explained]).matches("<script").count(), 1);
}

const RULE: &str = "rules/an1318/aws.chain";

#[test]
fn a_code_gives_its_page() {
    let page = catena(&["explain", "e0202"]);
    assert!(page.status == 0 && page.out.starts_with("E0202: "), "{}", page.out);
    let unknown = catena(&["explain", "E0299"]);
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

/// A page is prose for a reader; only with `--format markdown` is it markup.
#[test]
fn the_page_of_a_code_is_text() {
    let pages = ["E0104", "E0121", "E0222", "E0808", "e0901"];
    snapshot("explain", "pages", &catena(&[&["explain"], &pages[..]].concat()).out);
    let markdown = catena(&["explain", "E0808", "--format", "markdown"]).out;
    assert_eq!(markdown, std::fs::read_to_string(root().join("docs/errors/E0808.md")).unwrap());
    for (arguments, said) in [
        (&["explain", "rules/an1318/aws.chain", "--format", "markdown"][..], "for the page of a code"),
        (&["explain", "E0808", "--format", "text", "--svg", "-"], "cannot be used with"),
    ] {
        let ran = catena(arguments);
        assert!(ran.status == 2 && ran.err.contains(said), "{}", ran.err);
    }
}

/// No page keeps markup but backticks, and none loses a line of code or is too wide for a terminal.
#[test]
fn no_page_has_markup_left() {
    for code in catena::diag::Code::ALL {
        let page = std::fs::read_to_string(root().join(format!("docs/errors/{}.md", code.id()))).unwrap();
        let text = catena(&["explain", code.id()]).out;
        let mut in_code = false;
        for line in page.lines() {
            let is_fence = line.trim_start().starts_with("```");
            in_code ^= is_fence;
            assert!(!in_code || is_fence || text.contains(line), "{}: `{line}` is gone", code.id());
        }
        for line in text.lines().filter(|line| !line.starts_with("    ")) {
            let bare = line.split('`').step_by(2).collect::<String>();
            let is_markup =
                ["](", "**", "```"].iter().any(|mark| bare.contains(mark)) || line.starts_with(['#', '|']);
            assert!(!is_markup && line.chars().count() <= 80, "{}: {line}", code.id());
        }
    }
}
