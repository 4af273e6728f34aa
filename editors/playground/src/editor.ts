// The editor: a rule file, findings under their words, completions by place.

import {
  autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, snippet,
  type Completion, type CompletionContext, type CompletionResult,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics, type Action, type Diagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, Prec, type Extension, type Text } from "@codemirror/state";
import {
  drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
} from "@codemirror/view";
import { ask, type Finding, type Item, type Position } from "./api";

export interface Listener {
  /** The text has changed. */
  changed(): void;
  /** The user wants the tests. */
  run(): void;
  /** The file that is shown. */
  file(): string;
}

const theme = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--page)", color: "var(--text)" },
  ".cm-scroller": { fontFamily: "ui-monospace, Menlo, Consolas, monospace", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--page)", color: "var(--quiet)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--code)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--pick)" },
  ".cm-selectionMatch": { backgroundColor: "var(--pick)" },
  ".cm-tooltip, .cm-panels": { backgroundColor: "var(--code)", color: "var(--text)", border: "1px solid var(--line)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--page)" },
  ".cm-lintRange": { backgroundImage: "none !important", textDecoration: "underline wavy", textUnderlineOffset: "3px" },
  ".cm-lintRange-error": { textDecorationColor: "var(--bad)" },
  ".cm-lintRange-warning": { textDecorationColor: "var(--warn)" },
  ".cm-diagnosticText": { whiteSpace: "pre-wrap" },
  ".cm-diagnosticAction": { backgroundColor: "var(--accent)", color: "var(--page)" },
  ".cm-textfield, .cm-button": { background: "var(--page)", color: "var(--text)", border: "1px solid var(--line)" },
});

/** Where a position of the protocol is; positions may be of an older text. */
function offset(text: Text, { line, character }: Position): number {
  const found = text.line(Math.min(line + 1, text.lines));
  return Math.min(found.from + character, found.to);
}

function action({ place, text }: NonNullable<Finding["fix"]>, document: Text): Action {
  const [from, to] = [offset(document, place.from), offset(document, place.to)];
  const old = document.sliceString(from, to);
  const quoted = text.trim().length > 40 ? "the suggestion" : `“${text.trim()}”`;
  return {
    name: text.trim() ? `Write ${quoted}` : "Remove it",
    apply(view) {
      // The text may have changed since; a fix of something else would be a mistake.
      if (view.state.sliceDoc(from, to) === old) {
        view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + text.length } });
        view.focus();
      }
    },
  };
}

function diagnostic(finding: Finding, text: Text): Diagnostic {
  const { severity, code, title, place, help, fix } = finding;
  const from = offset(text, place.from);
  // Where something is missing there is no word; the one character makes the place visible.
  const to = Math.max(offset(text, place.to), Math.min(from + 1, text.length));
  const message = [title, ...help.map((line) => `help: ${line}`)].join("\n");
  const actions = fix && fix.place.file === null ? [action(fix, text)] : [];
  return { from, to, severity, source: code, message, actions };
}

/** Names of the kinds of items, for their pictures. */
const KINDS: Record<number, string> = {
  5: "property", 6: "variable", 9: "namespace", 11: "constant", 12: "constant", 14: "keyword", 15: "text", 20: "enum", 21: "constant", 23: "class", 24: "keyword",
};

function completion(item: Item, text: Text): Completion {
  const { range, newText } = item.textEdit;
  const [from, to] = [offset(text, range.start), offset(text, range.end)];
  const documentation = typeof item.documentation === "string" ? item.documentation : item.documentation?.value;
  const insert = (view: EditorView, chosen: Completion, _: number, end: number) => {
    if (item.insertTextFormat === 2) {
      snippet(newText.replace(/\$\{(\d+):([^}]*)\}|\$(\d+)/g, (_all, _one, name) => `#{${name ?? ""}}`))(view, chosen, from, Math.max(to, end));
    } else {
      view.dispatch({
        changes: { from, to: Math.max(to, end), insert: newText },
        selection: { anchor: from + newText.length },
        userEvent: "input.complete",
      });
    }
  };
  return {
    label: item.filterText ?? item.label,
    displayLabel: item.label,
    type: KINDS[item.kind],
    detail: item.detail,
    info: documentation,
    apply: insert,
  };
}

async function complete(context: CompletionContext, listener: Listener): Promise<CompletionResult | null> {
  const before = context.matchBefore(/[\w.]+/);
  if (!before && !context.explicit) {
    return null;
  }
  const { doc } = context.state;
  const line = doc.lineAt(context.pos);
  const place = { file: listener.file(), text: doc.toString(), line: line.number - 1, character: context.pos - line.from };
  const abort = new AbortController();
  context.addEventListener("abort", () => abort.abort(), { onDocChange: true });
  try {
    const { items } = await ask("complete", place, abort.signal);
    const first = items[0];
    const from = first ? offset(doc, first.textEdit.range.start) : context.pos;
    return { from, options: items.map((item) => completion(item, doc)), validFor: /^[\w.]*$/ };
  } catch {
    // Without completions one can still write.
    return null;
  }
}

export class Editor {
  readonly #view: EditorView;
  readonly #extensions: Extension;

  constructor(parent: HTMLElement, language: Extension, nonce: string, listener: Listener) {
    const run = () => {
      listener.run();
      return true;
    };
    this.#extensions = [
      EditorView.cspNonce.of(nonce),
      EditorView.contentAttributes.of({ "aria-label": "Rule file", spellcheck: "false", tabindex: "0" }),
      Prec.highest(keymap.of([{ key: "Mod-Enter", run }])),
      lineNumbers(), lintGutter(), history(), drawSelection(), bracketMatching(), closeBrackets(),
      highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(),
      autocompletion({ override: [(context) => complete(context, listener)] }),
      // Tab is not among them: it leaves the editor, as the keyboard expects.
      keymap.of([...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...historyKeymap, ...searchKeymap, ...lintKeymap]),
      EditorState.tabSize.of(2),
      language,
      theme,
      EditorView.updateListener.of((update) => {
        if (update.docChanged) {
          listener.changed();
        }
      }),
    ];
    // The style of the view needs the permission from the beginning.
    this.#view = new EditorView({ parent, state: this.#state("") });
  }

  get text(): string {
    return this.#view.state.doc.toString();
  }

  /** Shows another file. */
  open(text: string): void {
    this.#view.setState(this.#state(text));
  }

  #state(doc: string): EditorState {
    return EditorState.create({ doc, extensions: this.#extensions });
  }

  /** Marks the words that findings are about. */
  mark(findings: readonly Finding[]): void {
    const { state } = this.#view;
    const here = findings.filter(({ place }) => place.file === null);
    this.#view.dispatch(setDiagnostics(state, here.map((finding) => diagnostic(finding, state.doc))));
  }

  /** Goes to a place. */
  go(from: Position, to: Position = from): void {
    const { doc } = this.#view.state;
    const selection = { anchor: offset(doc, from), head: offset(doc, to) };
    this.#view.dispatch({ selection, effects: EditorView.scrollIntoView(selection.anchor, { y: "center" }) });
    this.#view.focus();
  }
}
