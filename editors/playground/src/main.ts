// The page of `catena serve`: what is written goes to the compiler on this machine, and what it says is shown.

import { ask, Problem, type Explained, type Finding, type Looked, type Start } from "./api";
import { button, byId, el, options, Tabs } from "./dom";
import { Editor } from "./editor";
import { meaning, queries } from "./explained";
import { language } from "./language";
import { replayed, tested } from "./tried";

const NONCE = (document.currentScript as HTMLScriptElement | null)?.nonce ?? "";
/** The pause in typing after which a rule is looked at. */
const PAUSE = 200;

const fileSelect = byId<HTMLSelectElement>("file");
const ruleSelect = byId<HTMLSelectElement>("rule");
const status = byId("status");
const problems = byId("problems");

/** Edits of files that are not shown; they are kept as long as the page. */
const edits = new Map<string, string>();
let shownTarget = "";
let tests: Explained["tests"] = [];
let rule = "";
/** The file in the editor. */
let opened = "";

const queriesPanel = el("div", {});
const meaningPanel = el("div", {});
const testsSaid = el("p", { role: "status" });
const testsShown = el("div", {});
const runTests = button("Run the tests", () => void test(), { id: "run" });
const events = el("textarea", { id: "events", spellcheck: "false", "aria-describedby": "events-help" });
const sourceSelect = el("select", { id: "source" });
const exampleSelect = el("select", { id: "example" });
const replaySaid = el("p", { role: "status" });
const replayShown = el("div", {});
const runReplay = button("Replay", () => void replay(), { id: "replay" });

const panels = new Tabs("Results", [
  { id: "queries", label: ["Queries"], panel: [queriesPanel] },
  { id: "meaning", label: ["Meaning"], panel: [meaningPanel], text: true },
  { id: "tests", label: ["Tests"], panel: [el("div", { class: "row" }, runTests, testsSaid), testsShown] },
  {
    id: "try", label: ["Replay"], panel: [
      el("label", { for: "events" }, "Events"),
      events,
      el("p", { class: "quiet", id: "events-help" },
        "Records as JSON, a line each, as a test gives them; or events as the source logs them: choose the source."),
      el("div", { class: "row" },
        el("label", {}, "They are ", sourceSelect), el("label", {}, "Take those of ", exampleSelect), runReplay),
      replaySaid,
      replayShown,
    ],
  },
], "queries");
panels.panels.forEach((panel) => panel.classList.add("of-panels"));
byId("panels").append(panels.list, ...panels.panels);

let editor: Editor;
let looking: AbortController | undefined;
let pause: ReturnType<typeof setTimeout> | undefined;

function say(text: string, kind = ""): void {
  status.className = kind;
  status.textContent = text;
}

/** Runs something for the user; what goes wrong is said at a place. */
async function attempt(place: HTMLElement, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "AbortError")) {
      place.textContent = error instanceof Problem ? error.message : `The page failed: ${String(error)}`;
    }
  }
}

async function look(): Promise<void> {
  looking?.abort();
  looking = new AbortController();
  const { signal } = looking;
  await attempt(status, async () => {
    const found = await ask("look", { file: opened, text: editor.text, rule }, signal);
    if (!signal.aborted) {
      show(found);
    }
  });
}

function show({ findings, rules, explained, sources }: Looked): void {
  editor.mark(findings);
  problems.replaceChildren(...findings.map(problem));
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  const counted = (count: number, what: string) => (count > 0 ? [`${count} ${what}${count === 1 ? "" : "s"}`] : []);
  say([...counted(errors, "error"), ...counted(warnings, "warning")].join(", ") || "No findings",
    errors > 0 ? "errors" : warnings > 0 ? "warnings" : "");
  byId("rule-label").hidden = rules.length < 2;
  options(ruleSelect, rules.map((name) => ({ value: name, label: name })), explained?.rule ?? "");
  const chosen = sourceSelect.value;
  options(sourceSelect, [{ value: "", label: "records" }, ...sources.map((name) => ({ value: name, label: `of ${name}` }))], chosen);
  explain(explained);
}

/** Shows the rule explained; where it has errors, what it was before stays, and pale. */
function explain(explained: Explained | null): void {
  for (const panel of [queriesPanel, meaningPanel]) {
    panel.classList.toggle("old", explained === null);
  }
  if (!explained) {
    const hint = el("p", { class: "hint" }, "The rule has errors. What follows is of the last version without.");
    for (const panel of [queriesPanel, meaningPanel]) {
      if (!panel.querySelector(".hint")) {
        panel.prepend(hint.cloneNode(true));
      }
    }
    return;
  }
  queriesPanel.replaceChildren(...queries(explained, shownTarget, (name) => { shownTarget = name; }));
  meaningPanel.replaceChildren(...meaning(explained, NONCE));
  tests = explained.tests.filter((test) => test.events !== null);
  const named = tests.map(({ name }, at) => ({ value: String(at), label: `test “${name}”` }));
  options(exampleSelect, [{ value: "", label: "…" }, ...named], "");
}

function problem({ severity, code, title, place, help }: Finding): HTMLElement {
  const where = place.file === null ? `line ${place.from.line + 1}` : `${place.file}, line ${place.from.line + 1}`;
  const text = [el("b", {}, `${severity} ${code}`), ` ${where}: ${title}`];
  const head = el("button", { type: "button", class: "at" }, ...text);
  if (place.file === null) {
    head.addEventListener("click", () => editor.go(place.from, place.to));
  } else {
    head.disabled = true;
  }
  return el("li", { class: severity }, head, ...help.map((line) => el("p", {}, `help: ${line}`)));
}

/** Does what a button is for; meanwhile it cannot be pressed again. */
async function press(pressed: HTMLButtonElement, said: HTMLElement, work: () => Promise<void>): Promise<void> {
  if (pressed.getAttribute("aria-disabled") === "true") {
    return;
  }
  // Not `disabled`, which would take the focus away.
  pressed.setAttribute("aria-disabled", "true");
  said.textContent = "Running…";
  await attempt(said, work);
  pressed.removeAttribute("aria-disabled");
}

async function test(): Promise<void> {
  panels.choose("tests");
  await press(runTests, testsSaid, async () => {
    testsShown.replaceChildren();
    const found = await ask("test", { file: opened, text: editor.text });
    const { said, shown } = tested(found, (line) => editor.go({ line: line - 1, character: 0 }));
    testsSaid.textContent = said;
    testsShown.replaceChildren(...shown);
  });
}

async function replay(): Promise<void> {
  await press(runReplay, replaySaid, async () => {
    replayShown.replaceChildren();
    const source = sourceSelect.value || null;
    const found = await ask("replay", { file: opened, text: editor.text, events: events.value, source });
    const { said, shown } = replayed(found);
    replaySaid.textContent = said;
    replayShown.replaceChildren(...shown);
  });
}

async function open(file: string): Promise<void> {
  await attempt(status, async () => {
    const text = edits.get(file) ?? (await ask("open", { file })).text;
    if (fileSelect.value !== file) {
      return;
    }
    if (opened !== "") {
      edits.set(opened, editor.text);
    }
    opened = file;
    rule = "";
    editor.open(text);
    await look();
  });
}

function begin({ files, words, metadata, version }: Start): void {
  document.title = `Catena ${version} playground`;
  options(fileSelect, files.map((name) => ({ value: name, label: name })), "");
  editor = new Editor(byId("editor"), language(words, metadata), NONCE, {
    changed() {
      clearTimeout(pause);
      pause = setTimeout(() => void look(), PAUSE);
    },
    run: () => void test(),
    file: () => opened,
  });
  fileSelect.addEventListener("change", () => void open(fileSelect.value));
  ruleSelect.addEventListener("change", () => {
    rule = ruleSelect.value;
    void look();
  });
  exampleSelect.addEventListener("change", () => {
    const example = tests[Number(exampleSelect.value)];
    if (exampleSelect.value !== "" && example) {
      events.value = example.events ?? "";
      sourceSelect.value = "";
    }
  });
}

void attempt(status, async () => {
  begin(await ask("start", {}));
  await open(fileSelect.value);
});
