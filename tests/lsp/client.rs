//! A client of the language server over real pipes, and the project that it opens.

use std::io::BufReader;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use lsp_server::{Message, Notification, Request, RequestId};
use serde_json::{Value, json};

use crate::program::{root, scratch};

pub(super) struct Client {
    pub(super) child: Child,
    pub(super) input: Option<ChildStdin>,
    pub(super) output: BufReader<ChildStdout>,
    pub(super) next: i32,
    /// What was published last, by address.
    pub(super) found: std::collections::BTreeMap<String, Value>,
    /// What the server asked, by method.
    pub(super) asked: Vec<String>,
    /// What it wanted to be shown.
    pub(super) shown: Vec<String>,
}

impl Client {
    pub(super) fn start() -> Self {
        Self::start_in(std::path::Path::new("."))
    }

    pub(super) fn start_in(cwd: &std::path::Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_catena"))
            .args(["lsp", "--stdio"])
            .current_dir(cwd)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self {
            child,
            input,
            output,
            next: 0,
            found: std::collections::BTreeMap::new(),
            asked: Vec::new(),
            shown: Vec::new(),
        }
    }

    pub(super) fn open(folder: &tempfile::TempDir) -> Self {
        let mut this = Self::start();
        let made = this.ask("initialize", json!({"rootUri": address(folder, ""), "capabilities": {}}));
        assert_eq!(made["serverInfo"]["name"], "catena");
        this.tell("initialized", json!({}));
        this
    }

    pub(super) fn send(&mut self, message: &Message) {
        message.write(self.input.as_mut().unwrap()).unwrap();
    }

    pub(super) fn tell(&mut self, method: &str, params: Value) {
        self.send(&Message::Notification(Notification::new(method.to_owned(), params)));
    }

    /// Asks, and takes what comes until the answer; panics at an error.
    pub(super) fn ask(&mut self, method: &str, params: Value) -> Value {
        self.try_ask(method, params).unwrap_or_else(|why| panic!("{method}: {why}"))
    }

    pub(super) fn try_ask(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.next += 1;
        let id = RequestId::from(self.next);
        self.send(&Message::Request(Request::new(id.clone(), method.to_owned(), params)));
        loop {
            match Message::read(&mut self.output).unwrap().expect("the server is alive") {
                Message::Response(response) if response.id == id => {
                    return response.response_result.map_err(|error| error.message);
                }
                other @ (Message::Request(_) | Message::Response(_) | Message::Notification(_)) => {
                    self.note(other);
                }
            }
        }
    }

    pub(super) fn note(&mut self, message: Message) {
        match message {
            Message::Notification(note) if note.method == "textDocument/publishDiagnostics" => {
                let uri = note.params["uri"].as_str().unwrap().to_owned();
                self.found.insert(uri, note.params["diagnostics"].clone());
            }
            Message::Notification(note) if note.method == "window/showMessage" => {
                self.shown.push(note.params["message"].as_str().unwrap().to_owned());
            }
            Message::Request(request) => self.asked.push(request.method),
            Message::Notification(_) | Message::Response(_) => {}
        }
    }

    pub(super) fn edit(&mut self, uri: &str, text: &str) {
        let document = json!({"uri": uri, "version": 2});
        self.tell(
            "textDocument/didChange",
            json!({"textDocument": document, "contentChanges": [{"text": text}]}),
        );
    }

    pub(super) fn show(&mut self, uri: &str, text: &str) {
        let document = json!({"uri": uri, "languageId": "catena", "version": 1, "text": text});
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// The codes found in a file, once they are what is wanted.
    pub(super) fn await_codes(&mut self, uri: &str, wanted: &[&str]) {
        for _ in 0..50 {
            let codes: Vec<String> = self.found.get(uri).and_then(Value::as_array).map_or(vec![], |found| {
                found.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
            });
            if codes == wanted {
                return;
            }
            // An answer comes behind what was published before the question; what is published when the server is idle
            // comes a little later.
            let _ = self.try_ask("workspace/symbol", json!({"query": "nothing of this name"}));
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("wanted {wanted:?} in {uri}, found {:#?}", self.found.get(uri));
    }

    /// Waits until something is found in a file.
    pub(super) fn await_some(&mut self, uri: &str) {
        for _ in 0..50 {
            if self.found.get(uri).and_then(Value::as_array).is_some_and(|found| !found.is_empty()) {
                return;
            }
            let _ = self.try_ask("workspace/symbol", json!({"query": "nothing of this name"}));
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("nothing found in {uri}, but {:#?}", self.found);
    }

    pub(super) fn close(mut self) {
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        drop(self.input.take());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

pub(super) fn address(folder: &tempfile::TempDir, name: &str) -> String {
    let path = folder.path().canonicalize().unwrap();
    format!("file://{}", if name.is_empty() { path } else { path.join(name) }.display())
}

/// The first rule with its lists.
pub(super) fn project() -> tempfile::TempDir {
    let read = |name: &str| std::fs::read(root().join("rules/an1318").join(name)).unwrap();
    let names = ["aws.chain", "lists/known_good.chain", "lists/approved_images.csv"];
    let files: Vec<(&str, Vec<u8>)> = names.iter().map(|name| (*name, read(name))).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_slice())).collect();
    scratch("lsp", &files)
}

pub(super) fn text(folder: &tempfile::TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap()
}

/// The position behind the `count`-th occurrence of a text.
pub(super) fn behind(text: &str, what: &str, count: usize) -> Value {
    let at = text.match_indices(what).nth(count).unwrap_or_else(|| panic!("no {what}")).0 + what.len();
    let line = text[..at].matches('\n').count();
    let character = text[..at].rsplit('\n').next().unwrap().encode_utf16().count();
    json!({"line": line, "character": character})
}
