// Makes dist/page.html, which `catena serve` embeds: one file with style, script and the licences of what is in it.
// With --check it says whether the file is what the sources give, and writes nothing.

import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const here = (path) => new URL(path, import.meta.url);
const read = (path) => readFileSync(here(path), "utf8");

const made = await build({
  absWorkingDir: here(".").pathname,
  entryPoints: ["src/main.ts", "src/page.css"],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  outdir: "out",
  write: false,
});
const text = (end) => made.outputFiles.find((file) => file.path.endsWith(end)).text.trim();
const script = text(".js");
const style = text(".css");
for (const [what, end] of [[script, "</script"], [script, "<!--"], [style, "</style"], [script + style, "@@"]]) {
  if (what.includes(end)) {
    throw new Error(`what is bundled has \`${end}\`, which cannot stand in the page`);
  }
}

/** The licences of the packages in the bundle; equal ones once. */
function licences() {
  const packages = new Set();
  for (const input of Object.keys(made.metafile.inputs)) {
    const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) {
      packages.add(found[1]);
    }
  }
  const texts = new Map();
  for (const name of [...packages].sort()) {
    const licence = read(`node_modules/${name}/LICENSE`).trim();
    if (licence.includes("--") || !licence.includes("Permission is hereby granted, free of charge")) {
      throw new Error(`read the licence of ${name}: it is not the one of MIT, or has two hyphens`);
    }
    texts.set(licence, [...(texts.get(licence) ?? []), `${name} ${JSON.parse(read(`node_modules/${name}/package.json`)).version}`]);
  }
  return [...texts].map(([licence, names]) => `${names.join("\n")}\n\n${licence}`).join("\n\n\n");
}

const parts = { licences: licences(), style, script };
// A function, since `$` in a text would be taken for a group.
const page = read("src/page.html").replace(/@@(licences|style|script)@@/g, (_, name) => parts[name]);
if (process.argv.includes("--check")) {
  if (page !== read("dist/page.html")) {
    console.error("editors/playground/dist/page.html is not what its sources give: npm run build");
    process.exit(1);
  }
  console.log(`page: ${page.length} characters, as its sources give them`);
} else {
  writeFileSync(here("dist/page.html"), page);
}
