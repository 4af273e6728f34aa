#!/usr/bin/env node
/*
 * Parses Trino's SQL by the grammar of dt-sql-parser, which is independent of sqlglot's.
 * In, stdin:   [{"name": "...", "text": "..."}]
 * Out, stdout: [{"name": "...", "problems": ["line:col CT01 message"]}], same order.
 * Exit 0 when it ran (problems are data), 2 on misuse or internal failure. `--selftest` proves that bad texts are caught.
 */
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const ENGINES = process.env.CATENA_ENGINES || join(HERE, '..', '..', '..', '.engines');
const PARSER = join(ENGINES, 'trino', 'node_modules', 'dt-sql-parser', 'dist', 'parser', 'trino', 'index.js');

register('./resolve.mjs', import.meta.url);
// The parser also prints what it returns.
console.error = () => {};
const { TrinoSQL } = await import(pathToFileURL(PARSER));

function problems(text) {
  const found = new TrinoSQL().validate(text);
  return found.map((one) => `${one.startLine}:${one.startColumn} CT01 ${one.message.replace(/\s+/g, ' ')}`);
}

function check(batch) {
  return batch.map(({ name, text }) => ({ name, problems: problems(text) }));
}

function selftest() {
  const chain = readFileSync(join(HERE, 'selftest_chain.trino.sql'), 'utf8');
  const bad = [
    chain.replace('WHERE eventname', 'WHEN eventname'),
    chain.replace('CAST(', 'CAST('.repeat(2)),
    'SELECT max(a) OVER (ORDER BY t RANGE BETWEEN 5 PRECEDING CURRENT ROW) FROM x',
    "SELECT 'it''s FROM x",
  ];
  const good = problems(chain);
  if (good.length) throw new Error(`the good text is refused: ${good}`);
  const passed = bad.filter((text) => !problems(text).length);
  if (passed.length) throw new Error(`a bad text passes: ${passed[0]}`);
  process.stderr.write(`trino's grammar: 1 good and ${bad.length} bad texts judged rightly\n`);
}

try {
  if (process.argv[2] === '--selftest') selftest();
  else process.stdout.write(`${JSON.stringify(check(JSON.parse(readFileSync(0, 'utf8'))), null, 1)}\n`);
} catch (error) {
  process.stderr.write(`${error.stack}\n`);
  process.exit(2);
}
