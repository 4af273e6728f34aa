// The colours of a rule. The words come from the compiler, so that they are those of the language.

import { StreamLanguage, syntaxHighlighting, type StringStream } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { classHighlighter } from "@lezer/highlight";

interface State {
  /** Inside of a text in three quotes. */
  block: boolean;
  /** The word before, where it says that a name follows. */
  declares: boolean;
}

const DECLARE = new Set(["rule", "allowlist", "lookup", "step", "param"]);

/** The extension for the words of the language, and those that are keys of metadata. */
export function language(words: readonly string[], metadata: readonly string[]): Extension {
  const [known, keys] = [new Set(words), new Set(metadata)];

  function word(stream: StringStream, state: State, isFirst: boolean): string {
    const [text, declares] = [stream.current(), state.declares];
    state.declares = false;
    if (text.includes(".")) {
      return "propertyName";
    }
    if (declares) {
      return "typeName";
    }
    if (text === "true" || text === "false") {
      return "bool";
    }
    if (keys.has(text)) {
      // Elsewhere the same word may be a field or a parameter.
      return isFirst && !stream.match(/^\s*[:=]/, false) ? "labelName" : "variableName";
    }
    state.declares = DECLARE.has(text);
    return known.has(text) ? "keyword" : "variableName";
  }

  function token(stream: StringStream, state: State): string | null {
    const isFirst = stream.sol() || /^\s*$/.test(stream.string.slice(0, stream.pos));
    if (!state.block && stream.eatSpace()) {
      return null;
    }
    if (state.block || stream.match('"""')) {
      state.block = !stream.match(/^.*?"""/);
      if (state.block) {
        stream.skipToEnd();
      }
      return "string";
    }
    if (stream.match(/^#.*/)) {
      return "comment";
    }
    if (stream.match(/^r"[^"]*"?/) || stream.match(/^"(?:[^"\\]|\\.)*"?/)) {
      return "string";
    }
    if (stream.match(/^\d{4}-\d{2}-\d{2}/) || stream.match(/^(?:\d+[dhms])+(?!\w)/) || stream.match(/^-?\d+(?:\.\d+)?/)) {
      return "number";
    }
    if (stream.match(/^[a-z_]\w*(?:\.\w+)*/i)) {
      return word(stream, state, isFirst);
    }
    if (stream.match(/^(?:==|!=|=~|!~|<=|>=|[<>=~])/)) {
      return "operator";
    }
    stream.next();
    return null;
  }

  const parser = StreamLanguage.define<State>({
    name: "catena",
    startState: () => ({ block: false, declares: false }),
    token,
    languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["(", "{", '"'] } },
  });
  return [parser, syntaxHighlighting(classHighlighter)];
}
