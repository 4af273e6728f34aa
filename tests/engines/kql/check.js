#!/usr/bin/env node
/*
 * Checks KQL with Microsoft's own analyser (Kusto.Language) against the Sentinel tables of schema.json, then with our lints.
 * In, stdin:   [{"name": "...", "text": "..."}]
 * Out, stdout: [{"name": "...", "problems": ["line:col CODE message"], "columns": ["name:type"]}], same order.
 * Exit 0 when it ran (problems are data), 2 on misuse or internal failure. `--selftest` proves that bad texts are caught.
 * Codes: KS... are the analyser's (errors and warnings alike), CK... are ours (lints.js); CK00 = the analyser crashed.
 */
'use strict';
const fs = require('fs');
const path = require('path');

const ENGINES = process.env.CATENA_ENGINES || path.join(__dirname, '..', '..', '..', '.engines');
const ANALYSER = path.join(ENGINES, 'node', 'node_modules', '@kusto', 'language-service-next');

/** Loads the analyser; its files define the globals Bridge, System and Kusto and export nothing. */
function loadAnalyser() {
  require(path.join(ANALYSER, 'bridge.min.js'));
  require(path.join(ANALYSER, 'Kusto.Language.Bridge.min.js'));
  return Kusto.Language;
}

function tableSymbol(symbols, name, columns) {
  const declared = Object.entries(columns).map(([column, type]) => `['${column}']: ${type}`);
  return new symbols.TableSymbol.$ctor7(name, `(${declared.join(', ')})`, null);
}

/** The analyser's view of the workspace: tables and functions of schema.json. */
function workspace(language, schema) {
  const symbols = language.Symbols;
  const tables = Object.entries(schema.tables).map(([name, columns]) => tableSymbol(symbols, name, columns));
  const functions = Object.entries(schema.functions).map(
    ([name, f]) => new symbols.FunctionSymbol.$ctor16(name, f.parameters, f.body, null));
  const database = new symbols.DatabaseSymbol.ctor('Sentinel', [...tables, ...functions]);
  return language.GlobalState.Default.WithDatabase(database);
}

/** Copies one of the analyser's .NET lists into an array. */
function listed(list) {
  return Array.from({ length: list ? list.Count : 0 }, (_, i) => list.getItem(i));
}

function place(text, offset) {
  const before = text.slice(0, offset).split('\n');
  return `${before.length}:${before[before.length - 1].length + 1}`;
}

function makeChecker(language) {
  const globals = workspace(language, JSON.parse(fs.readFileSync(path.join(__dirname, 'schema.json'), 'utf8')));
  const lint = require('./lints.js').makeLinter(language, listed);
  return ({ name, text }) => {
    const code = language.KustoCode.ParseAndAnalyze(text, globals);
    const found = listed(code.GetDiagnostics()).map((d) => ({ start: d.Start, code: d.Code, message: d.Message }));
    found.push(...lint(code, text));
    found.sort((a, b) => a.start - b.start);
    return {
      name,
      problems: found.map((f) => `${place(text, f.start)} ${f.code} ${f.message}`),
      columns: listed(code.ResultType && code.ResultType.Columns).map((c) => `${c.Name}:${c.Type.Name}`),
    };
  };
}

/** Turns a crash of the analyser on one text into a problem of that text, so that the batch goes on. */
function guarded(check) {
  return (entry) => {
    try {
      return check(entry);
    } catch (error) {
      return { name: entry.name, problems: [`1:1 CK00 the analyser failed: ${error.message}`], columns: [] };
    }
  };
}

function readBatch() {
  const batch = JSON.parse(fs.readFileSync(0, 'utf8'));
  const shaped = Array.isArray(batch) && batch.every((e) => e && typeof e.name === 'string' && typeof e.text === 'string');
  if (!shaped) throw new Error('stdin must hold a JSON array of {"name": string, "text": string}');
  return batch;
}

function main(args) {
  if (args.length > 1 || (args.length === 1 && args[0] !== '--selftest')) {
    throw new Error('usage: check.js [--selftest] < batch.json');
  }
  const batch = args.length ? null : readBatch();
  const check = guarded(makeChecker(loadAnalyser()));
  if (batch) {
    process.stdout.write(`${JSON.stringify(batch.map(check), null, 1)}\n`);
  } else {
    require('./selftest.js').run(check);
  }
}

try {
  main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`kql check: ${error.stack || error}\n`);
  process.exitCode = 2;
}
