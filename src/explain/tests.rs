//! The first rule explained, and that every target says what it costs.

use super::{Explanation, Made, Query, html, text};
use crate::Project;
use crate::backend::ALL;
use crate::project::CompileOptions;

fn explained() -> Explanation {
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("rules/an1318");
    let mut project = Project::default();
    for name in ["aws.chain", "lists/known_good.chain", "lists/approved_images.csv"] {
        project.insert(name, std::fs::read_to_string(folder.join(name)).unwrap());
    }
    project.choices().as_of = "2026-11-24".parse().ok();
    let rule = &project.check().unwrap().rules[0];
    let emissions = project.compile(ALL, CompileOptions::default()).unwrap().emissions;
    let mut explained = Explanation::of(rule);
    for target in ALL {
        let emission = emissions.iter().find(|emission| emission.target == target.name());
        let made = emission.map_or(Made::NotMeant, |emission| Made::Query(Query::of(emission)));
        explained.add(*target, made);
    }
    explained
}

#[test]
fn the_first_rule() {
    let explained = explained();
    insta::with_settings!({
        snapshot_path => "../../snapshots/explain",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("text", text(&explained)) });
    for target in &explained.targets {
        let Made::Query(query) = &target.made else { panic!("{target:?}") };
        assert!(!query.cost.is_empty() && !query.schedule.is_empty(), "{}", target.title);
    }
}

#[test]
fn a_page_holds_the_queries_and_runs_nothing_of_a_rule() {
    let mut explained = explained();
    let page = html(std::slice::from_ref(&explained));
    for target in &explained.targets {
        let Made::Query(query) = &target.made else { panic!("{target:?}") };
        assert!(query.parts.iter().all(|part| page.contains(&crate::engine::report::xml(&part.text))));
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
