/*
 * How Node reads dt-sql-parser, which is written for a bundler: its files are modules, imported without their extension.
 * In: an import. Out: its file and format. Must not know: what the package does.
 */
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const OURS = '/node_modules/dt-sql-parser/';

export async function resolve(specifier, context, next) {
  if (specifier.startsWith('.') && context.parentURL?.includes(OURS)) {
    const plain = new URL(specifier, context.parentURL);
    const path = fileURLToPath(plain);
    const isFolder = existsSync(path) && statSync(path).isDirectory();
    return { url: `${plain}${isFolder ? '/index' : ''}.js`, format: 'module', shortCircuit: true };
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  return next(url, url.includes(OURS) ? { ...context, format: 'module' } : context);
}
