//! The state of the server, and which message goes where.
//!
//! In: messages. Out: answers and findings. Must not know: what the answers say.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types as lsp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::diag::Diagnostic;
use crate::project::{Buffers, Choices, Live, LiveFile, Workers};

use super::findings::finding;
use super::{actions, complete, convert, hints, hover, navigate, outline, tokens};

/// What the server can do.
fn capabilities() -> Value {
    json!({
        "capabilities": {
            "positionEncoding": "utf-16",
            "textDocumentSync": {"openClose": true, "change": 1, "save": true},
            "workspace": {"workspaceFolders": {"supported": true, "changeNotifications": true}},
            "completionProvider": {"triggerCharacters": [".", " ", "\""]},
            "hoverProvider": true,
            "definitionProvider": true,
            "referencesProvider": true,
            "documentHighlightProvider": true,
            "renameProvider": {"prepareProvider": true},
            "documentSymbolProvider": true,
            "workspaceSymbolProvider": true,
            "foldingRangeProvider": true,
            "semanticTokensProvider": {"legend": tokens::legend(), "full": true},
            "codeActionProvider": {"codeActionKinds": ["quickfix", "refactor.extract", "source.fixAll"]},
            "documentFormattingProvider": true,
            "inlayHintProvider": true,
            "codeLensProvider": {},
            "executeCommandProvider": {"commands": [hints::RUN_TESTS]},
        },
        "serverInfo": {"name": "catena", "version": env!("CARGO_PKG_VERSION")},
    })
}

/// The server.
pub(super) struct Server<'w, O, W> {
    output: O,
    workers: &'w W,
    live: Live,
    /// What the editor was told last of each file.
    published: BTreeMap<PathBuf, Vec<Diagnostic>>,
    is_initialized: bool,
    shut_down: bool,
    /// Whether something changed since the last publication.
    changed: bool,
    /// How often, one time after another, files that waited were checked.
    rounds: usize,
    editor: Editor,
}

/// What the editor can do.
#[derive(Default)]
struct Editor {
    /// It says when files change on disk, if it is asked.
    watches: bool,
    /// It shows what a run of tests gave.
    shows_results: bool,
}

impl Editor {
    fn of(params: &Value) -> Self {
        let is_set = |place: &str| params.pointer(place).and_then(Value::as_bool).unwrap_or(false);
        Self {
            watches: is_set("/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration"),
            shows_results: is_set("/initializationOptions/showsTestResults"),
        }
    }
}

impl<'w, O: Write, W: Workers> Server<'w, O, W> {
    pub(super) fn new(output: O, workers: &'w W) -> Self {
        let live = Live::open(Vec::new(), Choices::default(), Buffers::default(), workers);
        let published = BTreeMap::new();
        let editor = Editor::default();
        Self {
            output,
            workers,
            live,
            published,
            is_initialized: false,
            shut_down: false,
            changed: false,
            rounds: 0,
            editor,
        }
    }

    /// Takes a message; `Some` when it was the last one: whether the editor had said goodbye.
    pub(super) fn take(&mut self, message: Message) -> std::io::Result<Option<bool>> {
        match message {
            Message::Request(request) => {
                let runs_tests = request.method == "workspace/executeCommand";
                let response = self.answer(request);
                if runs_tests && !self.editor.shows_results {
                    self.show_result(&response)?;
                }
                self.send(&Message::Response(response))?;
            }
            Message::Notification(note) if note.method == "exit" => return Ok(Some(self.shut_down)),
            Message::Notification(note) if note.method == "initialized" => self.watch()?,
            Message::Notification(note) => self.note(note),
            // An editor that does not want to watch files does not: saving is heeded all the same.
            Message::Response(_) => {}
        }
        Ok(None)
    }

    /// Asks the editor to say when files change of which it does not hold the text.
    fn watch(&mut self) -> std::io::Result<()> {
        if !self.editor.watches {
            return Ok(());
        }
        let watchers = json!([{"globPattern": "**/*.{chain,csv,yaml,yml,json,log}"}]);
        let method = "workspace/didChangeWatchedFiles";
        let registration =
            json!({"id": "files", "method": method, "registerOptions": {"watchers": watchers}});
        let params = json!({"registrations": [registration]});
        let id = RequestId::from("files".to_owned());
        self.send(&Message::Request(Request::new(id, "client/registerCapability".to_owned(), params)))
    }

    /// Shows what a run of tests gave, or why there was none.
    fn show_result(&mut self, response: &Response) -> std::io::Result<()> {
        let (kind, text) = match &response.response_result {
            Ok(result) => {
                let passed = result.get("passed").and_then(Value::as_bool).unwrap_or(false);
                let text = result.get("text").and_then(Value::as_str).unwrap_or_default();
                (if passed { 3 } else { 2 }, text.to_owned())
            }
            Err(error) => (1, error.message.clone()),
        };
        self.tell("window/showMessage", json!({"type": kind, "message": text.trim_end()}))
    }

    /// Says that something was no message. An error without the number of a request is a message to show.
    pub(super) fn refuse(&mut self, why: &str) -> std::io::Result<()> {
        self.tell("window/logMessage", json!({"type": 1, "message": format!("no message: {why}")}))
    }

    fn send(&mut self, message: &Message) -> std::io::Result<()> {
        message.write(&mut self.output)
    }

    fn tell(&mut self, method: &str, params: impl Serialize) -> std::io::Result<()> {
        self.send(&Message::Notification(Notification::new(method.to_owned(), params)))
    }

    /// Checks some of what is left to check; whether there was any.
    pub(super) fn catch_up(&mut self) -> bool {
        /// To compare all findings with what was published takes longer than to check a few files.
        const TOLD_EVERY: usize = 8;
        let any = self.live.catch_up();
        self.rounds = if any { self.rounds.wrapping_add(1) } else { 0 };
        self.changed |= any && (!self.live.is_behind() || self.rounds.is_multiple_of(TOLD_EVERY));
        any
    }

    fn answer(&mut self, request: Request) -> Response {
        let Request { id, method, params } = request;
        let refused = |code: ErrorCode, why: &str| Response::new_err(id.clone(), code as i32, why.to_owned());
        if !self.is_initialized && method != "initialize" {
            return refused(ErrorCode::ServerNotInitialized, "the first request must be `initialize`");
        }
        if self.shut_down {
            return refused(ErrorCode::InvalidRequest, "the server was shut down");
        }
        match self.result(&method, params) {
            Answer::Value(value) => Response::new_ok(id, value),
            Answer::Invalid(why) => refused(ErrorCode::InvalidParams, &why),
            Answer::Refused(why) => refused(ErrorCode::RequestFailed, &why),
            Answer::Unknown => refused(ErrorCode::MethodNotFound, &format!("`{method}` is not known")),
        }
    }

    fn result(&mut self, method: &str, params: Value) -> Answer {
        match method {
            "initialize" => {
                self.initialize(&params);
                Answer::Value(capabilities())
            }
            "shutdown" => {
                self.shut_down = true;
                Answer::Value(Value::Null)
            }
            "textDocument/completion" => self.at(params, complete::complete),
            "textDocument/hover" => self.at(params, hover::hover),
            "textDocument/definition" => self.at(params, navigate::definition),
            "textDocument/references" => self.at(params, navigate::references),
            "textDocument/documentHighlight" => self.at(params, navigate::highlights),
            "textDocument/prepareRename" => self.at(params, navigate::prepare_rename),
            "textDocument/rename" => self.rename(params),
            "textDocument/documentSymbol" => self.of(params, |_, file| outline::symbols(file)),
            "textDocument/foldingRange" => self.of(params, |_, file| outline::folds(file)),
            "textDocument/semanticTokens/full" => self.of(params, |_, file| tokens::tokens(file)),
            "textDocument/inlayHint" => self.of(params, |_, file| hints::hints(file)),
            "textDocument/codeLens" => self.of(params, |_, file| hints::lenses(file)),
            "textDocument/formatting" => self.of(params, |_, file| outline::format(file)),
            "textDocument/codeAction" => self.actions(params),
            "workspace/symbol" => Answer::read(params, |params: lsp::WorkspaceSymbolParams| {
                Answer::of(outline::find_symbols(&self.live, &params.query))
            }),
            "workspace/executeCommand" => Answer::read(params, |params: lsp::ExecuteCommandParams| {
                if params.command != hints::RUN_TESTS {
                    return Answer::Invalid(format!("the command `{}` is not known", params.command));
                }
                let argument = |at: usize| params.arguments.get(at).and_then(Value::as_str);
                let uri = argument(0).and_then(|uri| uri.parse().ok());
                let file = uri.and_then(|uri| self.path(&uri)).and_then(|path| self.live.file(&path));
                match hints::run_tests(&self.live, file, argument(1), argument(2)) {
                    Ok(result) => Answer::Value(result),
                    Err(why) => Answer::Refused(why),
                }
            }),
            _ => Answer::Unknown,
        }
    }

    /// The path of a document; one that was never saved counts as a file of the first folder.
    fn path(&self, uri: &lsp::Uri) -> Option<PathBuf> {
        let folder = self.live.roots().first().map_or(Path::new("/"), PathBuf::as_path);
        convert::path(uri).or_else(|| convert::unsaved(uri, folder))
    }

    fn file(&self, uri: &lsp::Uri) -> Option<LiveFile<'_>> {
        self.live.file(&self.path(uri)?)
    }

    /// The answer to a question about a position in a file; nothing for a file that is no rule file.
    fn at<R: Serialize>(&self, params: Value, ask: impl Fn(&Live, LiveFile<'_>, usize) -> R) -> Answer {
        Answer::read(params, |params: lsp::TextDocumentPositionParams| {
            let file = self.file(&params.text_document.uri);
            Answer::of(file.map(|file| ask(&self.live, file, convert::offset(file.source, params.position))))
        })
    }

    /// The answer to a question about a file.
    fn of<R: Serialize>(&self, params: Value, ask: impl Fn(&Live, LiveFile<'_>) -> R) -> Answer {
        Answer::read(params, |params: Document| {
            let file = self.file(&params.text_document.uri);
            Answer::of(file.map(|file| ask(&self.live, file)))
        })
    }

    fn rename(&self, params: Value) -> Answer {
        Answer::read(params, |params: lsp::RenameParams| {
            let lsp::TextDocumentPositionParams { text_document, position } = params.text_document_position;
            let file = self.file(&text_document.uri);
            let Some(file) = file else { return Answer::Value(Value::Null) };
            let offset = convert::offset(file.source, position);
            match navigate::rename(&self.live, file, offset, &params.new_name) {
                Ok(edit) => Answer::of(edit),
                Err(why) => Answer::Refused(why),
            }
        })
    }

    fn actions(&self, params: Value) -> Answer {
        Answer::read(params, |params: lsp::CodeActionParams| {
            let Some(file) = self.file(&params.text_document.uri) else { return Answer::Value(Value::Null) };
            let (start, end) = (params.range.start, params.range.end);
            let asked = convert::offset(file.source, start)..convert::offset(file.source, end);
            Answer::of(actions::actions(&self.live, file, asked))
        })
    }

    fn initialize(&mut self, params: &Value) {
        let folders = params.get("workspaceFolders").and_then(Value::as_array);
        let named = folders.into_iter().flatten().filter_map(|folder| folder.get("uri"));
        let roots = named.chain(params.get("rootUri")).filter_map(Value::as_str);
        let paths = roots.filter_map(|uri| convert::path(&uri.parse().ok()?)).collect::<Vec<PathBuf>>();
        // Both say the same where an editor sends both.
        for path in paths {
            self.live.add_root(path);
        }
        self.live.reload(self.workers);
        self.editor = Editor::of(params);
        (self.is_initialized, self.changed) = (true, true);
    }

    /// Folders that the editor opened and closed.
    fn change_folders(&mut self, params: &Value) {
        let of = |place: &str| -> Vec<PathBuf> {
            let folders = params.pointer(place).and_then(Value::as_array).into_iter().flatten();
            let uris = folders.filter_map(|folder| folder.get("uri")?.as_str()?.parse().ok());
            uris.filter_map(|uri| convert::path(&uri)).collect()
        };
        for path in of("/event/removed") {
            self.live.remove_root(&path);
        }
        for path in of("/event/added") {
            self.live.add_root(path);
        }
        self.reload();
    }

    fn note(&mut self, note: Notification) {
        let Notification { method, params } = note;
        if !self.is_initialized {
            return;
        }
        match method.as_str() {
            "textDocument/didOpen" => {
                if let Some((uri, text)) = opened(params) {
                    self.edit(&uri, text);
                }
            }
            "textDocument/didChange" => {
                if let Some((uri, text)) = changed(params) {
                    self.edit(&uri, text);
                }
            }
            "textDocument/didClose" => {
                let closed = serde_json::from_value::<Document>(params).ok();
                if let Some(path) = closed.and_then(|closed| self.path(&closed.text_document.uri)) {
                    self.live.buffers().remove(&path);
                    self.refresh(&[path]);
                }
            }
            "workspace/didChangeWatchedFiles" => match serde_json::from_value(params) {
                Ok(changes) => self.refresh(&changed_on_disk(&changes)),
                Err(_) => self.reload(),
            },
            "workspace/didChangeConfiguration" => self.reload(),
            "workspace/didChangeWorkspaceFolders" => self.change_folders(&params),
            // The text is known, but nobody says what else was saved: a list, or `catena.yaml`.
            "textDocument/didSave" if !self.editor.watches => self.reload(),
            // What is not known is not for us.
            _ => {}
        }
    }

    fn edit(&mut self, uri: &lsp::Uri, text: String) {
        let Some(path) = self.path(uri) else { return };
        if !self.live.edit(&path, text) {
            if path.extension().is_some_and(|extension| extension == "chain") {
                self.live.add_root(path);
            }
            self.reload();
        }
        self.changed = true;
    }

    /// Looks at files that changed on disk; all of them anew where one is no rule file that was there before.
    fn refresh(&mut self, paths: &[PathBuf]) {
        if paths.is_empty() || !paths.iter().all(|path| self.live.refresh(path)) {
            self.live.reload(self.workers);
        }
        self.changed = true;
    }

    fn reload(&mut self) {
        self.live.reload(self.workers);
        self.changed = true;
    }

    /// Tells the editor what is found, of each file for which that is news.
    pub(super) fn publish(&mut self) -> std::io::Result<()> {
        if !std::mem::take(&mut self.changed) {
            return Ok(());
        }
        let mut now: BTreeMap<PathBuf, Vec<Diagnostic>> = BTreeMap::new();
        for (id, found) in self.live.found() {
            if let Some(path) = self.live.path_of(id) {
                now.insert(path, found.into_iter().cloned().collect());
            }
        }
        let gone = self.published.keys().filter(|path| !now.contains_key(*path)).cloned().collect::<Vec<_>>();
        now.extend(gone.into_iter().map(|path| (path, Vec::new())));
        let news: Vec<_> =
            now.iter().filter(|(path, found)| self.published.get(*path) != Some(*found)).collect();
        let news: Vec<Value> =
            news.into_iter().filter_map(|(path, found)| self.finding(path, found)).collect();
        for params in news {
            self.tell("textDocument/publishDiagnostics", params)?;
        }
        now.retain(|_, found| !found.is_empty());
        self.published = now;
        Ok(())
    }

    fn finding(&self, path: &Path, found: &[Diagnostic]) -> Option<Value> {
        let shown: Vec<Value> = found.iter().filter_map(|found| finding(&self.live, found)).collect();
        Some(json!({"uri": convert::uri(path)?, "diagnostics": shown}))
    }
}

/// An answer, or why there is none.
enum Answer {
    Value(Value),
    Invalid(String),
    Refused(String),
    Unknown,
}

impl Answer {
    fn of(value: impl Serialize) -> Self {
        serde_json::to_value(value).map_or_else(|error| Self::Refused(error.to_string()), Self::Value)
    }

    fn read<P: DeserializeOwned>(params: Value, answer: impl FnOnce(P) -> Self) -> Self {
        serde_json::from_value(params).map_or_else(|error| Self::Invalid(error.to_string()), answer)
    }
}

/// Parameters of which only the document counts.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    text_document: lsp::TextDocumentIdentifier,
}

fn opened(params: Value) -> Option<(lsp::Uri, String)> {
    let params: lsp::DidOpenTextDocumentParams = serde_json::from_value(params).ok()?;
    Some((params.text_document.uri, params.text_document.text))
}

/// The files of which the editor says that they changed, came or went.
fn changed_on_disk(params: &lsp::DidChangeWatchedFilesParams) -> Vec<PathBuf> {
    params.changes.iter().filter_map(|change| convert::path(&change.uri)).collect()
}

/// The whole new text; the last one counts.
fn changed(params: Value) -> Option<(lsp::Uri, String)> {
    let mut params: lsp::DidChangeTextDocumentParams = serde_json::from_value(params).ok()?;
    let whole = params.content_changes.pop().filter(|change| change.range.is_none())?;
    Some((params.text_document.uri, whole.text))
}
