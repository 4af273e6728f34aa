//! The language server over real pipes: every kind of question on the first rule, half-typed text, and whatever else an
//! editor may send.

mod client;
mod editor;

use std::io::Write;

use serde_json::{Value, json};

use client::{Client, address, behind, project, text};

fn labels(items: &Value) -> Vec<String> {
    items.as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn findings_follow_the_keys() {
    let folder = project();
    let (rule, lists) = (address(&folder, "aws.chain"), address(&folder, "lists/known_good.chain"));
    let mut client = Client::open(&folder);
    let written = text(&folder, "aws.chain");
    client.show(&rule, &written);
    client.await_codes(&rule, &[]);
    client.edit(&rule, &written.replace("severity    high", "severity    hihg"));
    client.await_codes(&rule, &["E0206"]);
    client.edit(&rule, &written);
    client.await_codes(&rule, &[]);
    // A list that goes is missed by the rule that imports it.
    let known = text(&folder, "lists/known_good.chain");
    client.show(&lists, &known.replace("allowlist automation", "allowlist automatons"));
    client.await_codes(&rule, &["E0204"]);
    client.edit(&lists, &known);
    client.await_codes(&rule, &[]);
    // The same rule in a second file.
    let copy = address(&folder, "copy.chain");
    client.show(&copy, &written);
    client.await_codes(&copy, &["E0212", "E0212"]);
    client.tell("textDocument/didClose", json!({"textDocument": {"uri": copy}}));
    client.await_codes(&copy, &[]);
    client.close();
}

#[test]
fn completion_knows_the_place() {
    let folder = project();
    let uri = address(&folder, "new.chain");
    let mut client = Client::open(&folder);
    let head =
        "rule r {\n  title \"T\"\n  param gap = 10m\n  chain {\n    step a from aws.cloudtrail\n      where ";
    let mut at = |text: &str| {
        client.show(&uri, text);
        let end = behind(text, text, 0);
        client.ask("textDocument/completion", json!({"textDocument": {"uri": uri}, "position": end}))
    };
    let has = |items: &Value, wanted: &[&str]| {
        let labels = labels(items);
        for wanted in wanted {
            assert!(labels.iter().any(|label| label == wanted), "{wanted} is not among {labels:?}");
        }
    };
    has(&at("al"), &["rule", "allowlist", "import"]);
    has(&at("rule r {\n  sev"), &["severity", "title", "chain"]);
    has(&at("rule r {\n  severity "), &["high"]);
    has(&at("rule r {\n  title \"T\"\n  chain within 15"), &["15s", "15m", "15h", "15d"]);
    has(&at("rule r { chain { step a from "), &["aws.cloudtrail", "aws.vpcflow"]);
    let fields = at(&format!("{head}eventNa"));
    has(&fields, &["event.action", "actor.id", "image.id"]);
    assert!(!labels(&fields).iter().any(|label| label == "flow.action"), "of another source");
    let action = fields.as_array().unwrap().iter().find(|item| item["label"] == "event.action").unwrap();
    assert!(action["filterText"].as_str().unwrap().contains("eventName"), "{action}");
    assert!(action["documentation"]["value"].as_str().unwrap().contains("| kql |"), "{action}");
    has(&at(&format!("{head}event.action ")), &["==", "like"]);
    has(&at(&format!("{head}event.outcome == ")), &["\"success\"", "gap"]);
    has(&at(&format!("{head}image.id in ")), &["approved_images", "automation"]);
    let linked =
        format!("{head}event.action == \"A\"\n    then within gap on X\n    step b from aws.vpcflow where ");
    let (before, _) = linked.split_once('X').unwrap();
    client_links(&folder, &linked, before);
    has(&at(&format!("{linked}flow.action == \"A\"\n  }}\n  alert {{\n    entity ")), &["account", "ip"]);
    has(&at(&format!("{linked}a\n  }}\n  alert {{\n    show ")), &["a.actor.id", "b.destination.ip"]);
    has(&at(&format!("{linked}a\n  }}\n  test \"t\" {{\n    ")), &["a", "b", "expect no alert"]);
    has(&at(&format!("{linked}a\n  }}\n  test \"t\" {{\n    b at 0s {{ ")), &["flow.action", "source.ip"]);
    let step = format!("{head}event.action == \"A\" ");
    has(&at(&step), &["unless", "first within", "at least", "or from", "and", "then"]);
    for fields in ["first within 1d by ", "at least 3 distinct ", "first within 1d by actor.id, "] {
        let items = at(&format!("{step}{fields}"));
        has(&items, &["actor.id", "source.ip"]);
        assert!(!labels(&items).contains(&"==".to_owned()), "{fields}");
    }
    has(&at(&format!("{linked}any")), &["any", "all", "exists"]);
    has(&at("rule r { chain { step a from aws.cloudtrail as { "), &["actor.id"]);
    has(&at("rule r { chain { step a from aws.cloudtrail where event.action == \"A\" then "), &["within"]);
    has(&at("rule r { chain { "), &["step", "together"]);
    has(&at("lookup l: actor.id from \"l.csv\" { a: "), &["string", "int"]);
    let links = at(&format!("{step}then within 1m on "));
    has(&links, &["a.actor.id"]);
    assert!(!labels(&links).contains(&"event.time".to_owned()), "no time is a link");
    has(&at(&format!("{step}then within 1m on actor.id where ")), &["a.event.time"]);
    assert_eq!(labels(&at("rule r { title \"al")), Vec::<String>::new());
    let values = at(&format!("{head}event.outcome == \"su"));
    assert_eq!(labels(&values), ["\"success\"", "\"failure\""]);
    assert_eq!(values[0]["textEdit"]["range"]["start"]["character"], 29, "the string is replaced");
    has(&at("import \""), &["\"lists/known_good.chain\""]);
}

/// The fields that both neighbours have.
fn client_links(folder: &tempfile::TempDir, text: &str, before: &str) {
    let uri = address(folder, "links.chain");
    let mut client = Client::open(folder);
    client.show(&uri, text);
    let at = behind(text, before, 0);
    let items = client.ask("textDocument/completion", json!({"textDocument": {"uri": uri}, "position": at}));
    let labels = labels(&items);
    assert!(
        labels.contains(&"instance.eni".to_owned()) && !labels.contains(&"actor.id".to_owned()),
        "{labels:?}"
    );
    client.close();
}

#[test]
fn names_lead_to_what_they_stand_for() {
    let folder = project();
    let uri = address(&folder, "aws.chain");
    let mut client = Client::open(&folder);
    let written = text(&folder, "aws.chain");
    client.show(&uri, &written);
    let ask = |client: &mut Client, method: &str, what: &str, count: usize| {
        let position = behind(&written, what, count);
        client.ask(
            &format!("textDocument/{method}"),
            json!({"textDocument": {"uri": uri}, "position": position, "context": {"includeDeclaration": true}}),
        )
    };
    let list = ask(&mut client, "definition", "image.id in approved_im", 0);
    assert!(list["uri"].as_str().unwrap().ends_with("lists/known_good.chain"), "{list}");
    let steps = ask(&mut client, "references", "step launch", 0);
    assert!(steps.as_array().unwrap().len() > 10, "{steps}");
    let field = ask(&mut client, "hover", "except image.id", 0);
    let field = field["contents"]["value"].as_str().unwrap();
    assert!(field.contains("| spl |") && field.contains("| sql |"), "{field}");
    let used = ask(&mut client, "hover", "entity account launc", 0)["contents"]["value"].to_string();
    assert!(
        used.contains("at most 15m later") && used.contains("actor.") && !used.contains("````"),
        "{used}"
    );
    let words = [("chain withi", "**within**"), ("dedup", "**dedupe**")];
    for (what, wanted) in words {
        let said = ask(&mut client, "hover", what, 0)["contents"]["value"].to_string();
        assert!(said.contains(wanted), "{what}: {said}");
    }
    let step = ask(&mut client, "hover", "step launc", 0);
    let step = step["contents"]["value"].as_str().unwrap();
    let pieces = [
        "**Splunk SPL**\n\n````spl\n[ search `cloudtrail`",
        "let step_launch =",
        "name: aws_untrusted_image_launch-launch\n",
        "// launch\n",
    ];
    for piece in ["at most 15m later"].iter().chain(&pieces) {
        assert!(step.contains(piece), "{piece}: {step}");
    }
    assert!(!step.contains(r"\n"), "{step}");
    assert!(!step.contains("let step_egress") && !step.contains("egress\n"), "{step}");
    let window = ask(&mut client, "hover", "chain within 30m", 0);
    assert!(window["contents"]["value"].as_str().unwrap().contains("every 5m over 50m"), "{window}");
    let param = ask(&mut client, "hover", "then within console_to", 0);
    assert!(param["contents"]["value"].as_str().unwrap().contains("= 15m"), "{param}");
    let rename = |client: &mut Client, name: &str| {
        let position = behind(&written, "step launch", 0);
        client.try_ask(
            "textDocument/rename",
            json!({"textDocument": {"uri": uri}, "position": position, "newName": name}),
        )
    };
    let edits = rename(&mut client, "start").unwrap();
    let count = edits["changes"][&uri].as_array().unwrap().len();
    assert_eq!(count, steps.as_array().unwrap().len());
    assert!(rename(&mut client, "Not A Name").is_err() && rename(&mut client, "where").is_err());
    client.close();
}

#[test]
fn a_file_has_symbols_folds_colours_hints_lenses_and_actions() {
    let folder = project();
    let uri = address(&folder, "aws.chain");
    let mut client = Client::open(&folder);
    let written = text(&folder, "aws.chain");
    client.show(&uri, &written);
    let document = json!({"textDocument": {"uri": uri}, "range": {"start": {"line": 0, "character": 0}, "end": {"line": 999, "character": 0}}, "options": {"tabSize": 2, "insertSpaces": true}, "context": {"diagnostics": []}});
    let symbols = client.ask("textDocument/documentSymbol", document.clone());
    assert_eq!(symbols[0]["name"], "aws_untrusted_image_launch");
    assert!(
        symbols[0]["children"].as_array().unwrap().iter().any(|child| child["name"] == "egress"),
        "{symbols}"
    );
    let found = client.ask("workspace/symbol", json!({"query": "apprv"}));
    assert!(labels_of(&found, "name").contains(&"approved_images".to_owned()), "{found}");
    let folds = client.ask("textDocument/foldingRange", document.clone());
    assert!(folds.as_array().unwrap().len() > 8, "{folds}");
    let tokens = client.ask("textDocument/semanticTokens/full", document.clone());
    assert!(
        tokens["data"].as_array().unwrap().len().is_multiple_of(5)
            && !tokens["data"].as_array().unwrap().is_empty()
    );
    let hints = client.ask("textDocument/inlayHint", document.clone());
    assert!(hints[0]["label"].as_str().unwrap().contains("Splunk SPL: exact"), "{hints}");
    let lenses = client.ask("textDocument/codeLens", document.clone());
    let command = &lenses[1]["command"];
    let ran = client.ask(
        "workspace/executeCommand",
        json!({"command": command["command"], "arguments": command["arguments"]}),
    );
    assert!(ran["passed"] == true && ran["text"].as_str().unwrap().contains("1 passed"), "{ran}");
    client.edit(&uri, &written.replace("severity    high", "severity high"));
    let edits = client.ask("textDocument/formatting", document.clone());
    assert_eq!(edits[0]["newText"].as_str(), Some(written.as_str()));
    // Broken on purpose: a misspelt field, no id, values that belong into a list.
    let broken = written
        .lines()
        .filter(|line| !line.trim_start().starts_with("id  "))
        .collect::<Vec<_>>()
        .join("\n")
        .replace(
            "except actor.issuer.id in automation",
            "except actor.issuer.id == \"a\"\n      except actor.issuer.id == \"b\"",
        )
        .replace("event.outcome ==", "event.outcom ==");
    client.edit(&uri, &broken);
    let actions = client.ask("textDocument/codeAction", document);
    let titles = labels_of(&actions, "title").join("\n");
    for wanted in ["Change to `event.outcome`", "Fix all", "metadata that is missing", "into an allowlist"] {
        assert!(titles.contains(wanted), "{wanted} is not among:\n{titles}");
    }
    client.close();
}

fn labels_of(items: &Value, key: &str) -> Vec<String> {
    items.as_array().unwrap().iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_server_survives_any_message() {
    let folder = project();
    let uri = address(&folder, "aws.chain");
    let mut client = Client::open(&folder);
    let written = text(&folder, "aws.chain");
    let mut random = fastrand::Rng::with_seed(18);
    let methods = [
        "textDocument/completion",
        "textDocument/hover",
        "textDocument/definition",
        "textDocument/references",
        "textDocument/rename",
        "textDocument/prepareRename",
        "textDocument/documentSymbol",
        "textDocument/foldingRange",
        "textDocument/semanticTokens/full",
        "textDocument/inlayHint",
        "textDocument/codeLens",
        "textDocument/codeAction",
        "textDocument/formatting",
        "workspace/executeCommand",
        "workspace/symbol",
        "no/such/method",
        "initialize",
    ];
    for round in 0..150 {
        // Half of a file, with a character in the middle that makes positions hard.
        let mut cut = random.usize(..written.len());
        while !written.is_char_boundary(cut) {
            cut -= 1;
        }
        let half =
            format!("{}\u{1f600}{}", &written[..cut], if round % 2 == 0 { "" } else { &written[cut..] });
        client.edit(&uri, &half);
        let bad =
            [json!(null), json!([]), json!({"textDocument": 1}), json!("\u{0}"), json!({"arguments": [[]]})];
        let position = json!({"line": random.u32(..90), "character": random.u32(..200)});
        let good = json!({
            "textDocument": {"uri": uri}, "position": position, "newName": "x", "query": "a", "context": {"diagnostics": []},
            "range": {"start": position, "end": {"line": u32::MAX, "character": u32::MAX}},
            "options": {"tabSize": 2, "insertSpaces": true}, "command": "catena.runTests", "arguments": [uri],
        });
        let params = if round % 5 == 0 { bad[random.usize(..bad.len())].clone() } else { good };
        let _ = client.try_ask(methods[random.usize(..methods.len())], params);
        if round % 10 == 0 {
            let raw = ["Content-Length: 5\r\n\r\n{\"a\":", "Content-Length: 2\r\n\r\n[]", "nonsense\r\n\r\n"];
            client.input.as_mut().unwrap().write_all(raw[random.usize(..raw.len())].as_bytes()).unwrap();
        }
    }
    // A line of a megabyte, a file that went, an address that is no file.
    client.edit(&uri, &format!("rule r {{ title \"{}\"", "a".repeat(1 << 20)));
    std::fs::remove_file(folder.path().join("lists/known_good.chain")).unwrap();
    client.tell("workspace/didChangeWatchedFiles", json!({"changes": []}));
    client.show("untitled:Untitled-1", "rule r {");
    client.tell("textDocument/didChange", json!({"textDocument": {"uri": uri}}));
    let hover = json!({"textDocument": {"uri": uri}, "position": {"line": 0, "character": 99}});
    client.ask("textDocument/hover", hover);
    client.close();
}

#[test]
fn an_editor_that_goes_away_ends_the_server() {
    let folder = project();
    let mut client = Client::open(&folder);
    drop(client.input.take());
    assert_eq!(client.child.wait().unwrap().code(), Some(1));
}
