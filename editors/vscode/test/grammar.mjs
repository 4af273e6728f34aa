// Loads the grammar as VS Code does, and asks what it takes the words of a rule for.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import oniguruma from "vscode-oniguruma";
import textmate from "vscode-textmate";

const require = createRequire(import.meta.url);
const wasm = readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));

const path = new URL("../syntaxes/catena.tmLanguage.json", import.meta.url);
const registry = new textmate.Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: async () => textmate.parseRawGrammar(readFileSync(path, "utf8"), "catena.tmLanguage.json"),
});
const grammar = await registry.loadGrammar("source.catena");

const rule = readFileSync(new URL("../../../rules/an1318/aws.chain", import.meta.url), "utf8").split("\n");
const found = new Map();
let state = textmate.INITIAL;
for (const line of rule) {
  const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
  state = ruleStack;
  for (const token of tokens) {
    const text = line.slice(token.startIndex, token.endIndex).trim();
    if (text) {
      found.set(text, token.scopes.at(-1));
    }
  }
}
const wanted = {
  rule: "keyword.control.catena",
  severity: "support.type.property-name.catena",
  where: "keyword.control.catena",
  "event.action": "variable.other.property.catena",
  "15m": "constant.numeric.duration.catena",
  "2026-11-24": "constant.numeric.date.catena",
  and: "keyword.operator.word.catena",
  "launch.image.id": "variable.other.property.catena",
  aws_untrusted_image_launch: "entity.name.type.catena",
};
for (const [text, scope] of Object.entries(wanted)) {
  assert.equal(found.get(text), scope, text);
}
console.log(`grammar: ${found.size} words`);
