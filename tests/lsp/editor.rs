//! What an editor does besides asking: broken environments, files and folders that change, texts without a file,
//! framing, names that are taken, results that are shown.

use std::io::Write;

use serde_json::{Value, json};

use super::client::{Client, address, behind, project, text};
use crate::program::{root, scratch};

/// A server that works in a folder; what the editor says of itself.
fn open_in(cwd: &std::path::Path, folder: &tempfile::TempDir, params: &Value) -> Client {
    let mut client = Client::start_in(cwd);
    let mut all = json!({"rootUri": address(folder, ""), "capabilities": {}});
    all.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    client.ask("initialize", all);
    client.tell("initialized", json!({}));
    client
}

#[test]
fn a_broken_environment_is_told_at_its_place_and_hides_no_rule() {
    let folder = project();
    std::fs::write(folder.path().join("catena.yaml"), "sources: [own.yaml]\n").unwrap();
    std::fs::write(folder.path().join("own.yaml"), "name: own.log\nnonsense: 1\n").unwrap();
    std::fs::write(folder.path().join("q.chain"), "rule q { }").unwrap();
    let here = folder.path().canonicalize().unwrap();
    for cwd in [here.as_path(), std::path::Path::new("/"), here.parent().unwrap(), root()] {
        let mut client = open_in(cwd, &folder, &json!({}));
        let _ = client.ask("workspace/symbol", json!({"query": "q"}));
        client.await_some(&address(&folder, "own.yaml"));
        client.await_some(&address(&folder, "q.chain"));
        // Nobody knows which fields there are, but a severity that is none is one all the same.
        let uri = address(&folder, "aws.chain");
        client.show(&uri, &text(&folder, "aws.chain").replace("severity    high", "severity    hihg"));
        client.await_codes(&uri, &["E0206"]);
        let config = address(&folder, "catena.yaml");
        client.show(&config, "interval: 5q\n");
        client.await_some(&config);
        client.close();
    }
}

#[test]
fn a_message_has_lines() {
    let folder = project();
    let uri = address(&folder, "q.chain");
    let mut client = Client::open(&folder);
    client.show(&uri, "rule q { }");
    client.await_some(&uri);
    let found = client.found[&uri].to_string();
    // In JSON a line end is a backslash and an `n`; an escaped one has two backslashes.
    assert!(found.contains("\\n") && !found.contains("\\\\n"), "{found}");
    client.close();
}

#[test]
fn a_name_that_is_taken_is_no_new_name() {
    let folder = project();
    let (rule, lists) = (address(&folder, "aws.chain"), address(&folder, "lists/known_good.chain"));
    let (written, known) = (text(&folder, "aws.chain"), text(&folder, "lists/known_good.chain"));
    let mut client = Client::open(&folder);
    client.show(&rule, &written);
    client.show(&lists, &known);
    let mut rename = |uri: &str, position: Value, name: &str| {
        let document = json!({"uri": uri});
        let params = json!({"textDocument": document, "position": position, "newName": name});
        client.try_ask("textDocument/rename", params)
    };
    let why = rename(&rule, behind(&written, "step launch", 0), "egress").unwrap_err();
    assert!(why.contains("`egress` is taken"), "{why}");
    let why = rename(&lists, behind(&known, "allowlist automation", 0), "approved_images").unwrap_err();
    assert!(why.contains("`approved_images` is taken"), "{why}");
    assert!(rename(&rule, behind(&written, "step launch", 0), "launch").is_ok());
    assert!(rename(&lists, behind(&known, "allowlist automation", 0), "robots").is_ok());
    client.close();
}

#[test]
fn framing_that_cannot_be_read_is_answered_or_ends_the_server() {
    let folder = project();
    let mut client = Client::open(&folder);
    for head in
        ["Content-Length: -5\r\n\r\n", "Content-Type: x\r\n\r\n", "Content-Length: 3\r\n\r\n{\"a\": 1}"]
    {
        client.input.as_mut().unwrap().write_all(head.as_bytes()).unwrap();
        client.ask("workspace/symbol", json!({"query": "q"}));
    }
    client.input.as_mut().unwrap().write_all(b"Content-Length: 99999999999999\r\n\r\n").unwrap();
    assert_eq!(client.child.wait().unwrap().code(), Some(1));
}

#[test]
fn files_are_watched_or_looked_at_when_one_is_saved() {
    let folder = project();
    let uri = address(&folder, "aws.chain");
    let list = folder.path().join("lists/approved_images.csv");
    let written = text(&folder, "aws.chain");
    let watches = json!({"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}}});
    for (capabilities, is_asked) in [(watches, true), (json!({}), false)] {
        let mut client = open_in(root(), &folder, &json!({"capabilities": capabilities}));
        client.show(&uri, &written);
        let _ = client.ask("workspace/symbol", json!({"query": "q"}));
        client.await_codes(&uri, &[]);
        let asked = client.asked.iter().any(|method| method == "client/registerCapability");
        assert_eq!(asked, is_asked);
        let kept = std::fs::read(&list).unwrap();
        std::fs::remove_file(&list).unwrap();
        if is_asked {
            let change = json!({"uri": address(&folder, "lists/approved_images.csv"), "type": 3});
            client.tell("workspace/didChangeWatchedFiles", json!({"changes": [change]}));
        } else {
            client.tell("textDocument/didSave", json!({"textDocument": {"uri": uri}}));
        }
        client.await_some(&address(&folder, "lists/known_good.chain"));
        std::fs::write(&list, kept).unwrap();
        client.close();
    }
}

#[test]
fn folders_come_and_go_and_texts_need_no_file() {
    let (folder, other) = (project(), scratch("lsp-other", &[("q.chain", b"rule q { }")]));
    let mut client = Client::open(&folder);
    let change = |added: Value, removed: Value| json!({"event": {"added": added, "removed": removed}});
    let named = json!([{"uri": address(&other, ""), "name": "other"}]);
    client.tell("workspace/didChangeWorkspaceFolders", change(named.clone(), json!([])));
    client.await_some(&address(&other, "q.chain"));
    client.tell("workspace/didChangeWorkspaceFolders", change(json!([]), named));
    client.await_codes(&address(&other, "q.chain"), &[]);
    // Never saved: it imports what is in the folder, and goes with its tab.
    let uri = "untitled:Untitled-1";
    client.show(uri, "import \"lists/known_good.chain\"\nrule q { }");
    client.await_some(uri);
    let hover = json!({"textDocument": {"uri": uri}, "position": {"line": 0, "character": 10}});
    assert!(client.ask("textDocument/hover", hover).to_string().contains("known_good"));
    client.tell("textDocument/didClose", json!({"textDocument": {"uri": uri}}));
    client.await_codes(uri, &[]);
    client.close();
}

#[test]
fn a_run_of_tests_is_shown_unless_the_editor_shows_it() {
    let folder = project();
    let uri = address(&folder, "aws.chain");
    for shows in [false, true] {
        let mut client =
            open_in(root(), &folder, &json!({"initializationOptions": {"showsTestResults": shows}}));
        let run = json!({"command": "catena.runTests", "arguments": [uri, "aws_untrusted_image_launch"]});
        assert_eq!(client.ask("workspace/executeCommand", run)["passed"], true);
        assert_eq!(client.shown.iter().any(|text| text.contains("passed")), !shows, "{:?}", client.shown);
        let unknown =
            client.try_ask("workspace/executeCommand", json!({"command": "no.such", "arguments": []}));
        assert!(unknown.unwrap_err().contains("no.such"));
        client.close();
    }
}
