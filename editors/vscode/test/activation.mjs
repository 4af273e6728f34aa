// Activates the built extension against the real server, with a stand-in for the editor's own interface.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const program = process.env.CATENA ?? `${root}target/debug/catena`;
const started = [];
const commands = new Map();

class Client {
  constructor(id, name, server, options) {
    Object.assign(this, { id, name, server, options });
  }
  async start() {
    started.push(this);
  }
  async stop() {}
}

const vscode = {
  workspace: {
    getConfiguration: () => ({ get: () => program }),
    createFileSystemWatcher: (pattern) => ({ pattern }),
  },
  window: {
    createOutputChannel: () => ({ appendLine() {}, show() {}, dispose() {} }),
    showErrorMessage: (text) => assert.fail(text),
    showInformationMessage: async () => undefined,
    showWarningMessage: async () => undefined,
  },
  commands: { registerCommand: (name, run) => commands.set(name, run) },
  ViewColumn: { Beside: -2 },
};

const require = createRequire(import.meta.url);
const source = readFileSync(new URL("../src/extension.ts", import.meta.url), "utf8");
const { code } = require("esbuild").transformSync(source, { loader: "ts", format: "cjs" });
const exported = { exports: {} };
new Function("require", "module", "exports", code)(
  // What the client library would start is started below, as it would start it.
  (name) => (name === "vscode" ? vscode : name.startsWith("vscode-") ? { LanguageClient: Client } : require(name)),
  exported,
  exported.exports,
);
const context = { subscriptions: [] };
await exported.exports.activate(context);
assert.equal(started.length, 1);
assert.ok(commands.has("catena.explain"));

// What the extension would run is a server that answers.
const { spawn } = require("node:child_process");
const { command, args } = started[0].server;
const server = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
const message = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: { capabilities: {} } });
server.stdin.write(`Content-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`);
// The head and the body of the answer may come in pieces; the server ends when its input does.
server.stdin.end();
let answer = "";
for await (const piece of server.stdout) answer += piece;
assert.match(answer, /"completionProvider"/);
console.log("activation: the server answers");
