// What `catena serve` answers.

export interface Position { line: number; character: number }
export interface Place { file: string | null; from: Position; to: Position; label: string }
export interface Finding {
  severity: "error" | "warning";
  code: string;
  title: string;
  place: Place;
  others: Place[];
  help: string[];
  fix: { place: Place; text: string } | null;
}
export interface Part { name: string; stage: boolean; text: string }
export interface InTarget {
  name: string;
  title: string;
  refused?: string[];
  fidelity?: string;
  level?: string;
  schedule?: string;
  reasons?: { word: string; text: string }[];
  requires?: string[];
  cost?: string[];
  parts?: Part[];
}
export interface Explained {
  rule: string;
  title: string;
  facts: string[];
  description: string;
  when: string;
  steps: string[];
  after: string[];
  picture: string;
  targets: InTarget[];
  tests: { name: string; events: string | null }[];
}
export interface Start { version: string; files: string[]; words: string[]; metadata: string[] }
export interface Looked { findings: Finding[]; rules: string[]; explained: Explained | null; sources: string[] }
export interface Outcome { rule: string; test: string; passed: boolean; line: number; why: string[] }
export interface Tested { outcomes: Outcome[]; notRun: string[] }
export interface Moment {
  step: string;
  time: string;
  after: string;
  fields: [string, string][];
  breaks: boolean;
  /** How many events a step that repeats has, and when the first of them happened. */
  repeats: [number, string] | null;
}
export interface Alert {
  rule: string; title: string; severity: string; time: string; length: string; moments: Moment[]; open: boolean; playbook: string | null;
}
export interface Miss { rule: string; time: string; step: string; why: string; more: number; moments: Moment[] }
export interface Replayed { alerts: Alert[]; count: number; misses: Miss[]; events: number; notes: string[] }
export interface Item {
  label: string;
  kind: number;
  detail?: string;
  documentation?: string | { value: string };
  filterText?: string;
  insertTextFormat?: number;
  textEdit: { range: { start: Position; end: Position }; newText: string };
}

interface Answers {
  start: Start;
  open: { text: string };
  look: Looked;
  complete: { items: Item[] };
  test: Tested;
  replay: Replayed;
}

/** What went wrong, in words for the user. */
export class Problem extends Error {}

/** Asks the server; an answer that is not wanted any more ends the work on it. */
export async function ask<T extends keyof Answers>(task: T, body: object, signal?: AbortSignal): Promise<Answers[T]> {
  let answer: Response;
  try {
    answer = await fetch(`/api/${task}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    throw new Problem("The playground does not answer; start `catena serve` again.");
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Problem(typeof found.error === "string" ? found.error : `The answer was ${answer.status}.`);
  }
  return found;
}
