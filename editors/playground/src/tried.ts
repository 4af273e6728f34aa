// What tests and events show of a rule.

import type { Alert, Miss, Moment, Replayed, Tested } from "./api";
import { button, el } from "./dom";

/** So many fields of a record are shown at once. */
const FIELDS = 5;

function fields(all: readonly [string, string][]): Node {
  return el("dl", {}, ...all.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function moment({ step, time, after, fields: all, breaks, repeats }: Moment): HTMLElement {
  const rest = all.slice(FIELDS);
  return el("li", { class: breaks ? "breaks" : "" },
    after !== "" && el("span", { class: "after" }, after),
    el("div", { class: "head" }, el("b", {}, step), el("time", {}, time), repeats && `${repeats[0]} events since ${repeats[1]}`,
      breaks && "the chain breaks here"),
    fields(all.slice(0, FIELDS)),
    rest.length > 0 && el("details", {}, el("summary", {}, rest.length === 1 ? "1 more field" : `${rest.length} more fields`), fields(rest)));
}

const timeline = (moments: readonly Moment[]) => el("ol", { class: "timeline" }, ...moments.map(moment));

function alert({ rule, title, severity, time, length, moments, open, playbook }: Alert): HTMLElement {
  return el("article", { class: "story alert" },
    el("h3", {}, title),
    el("p", { class: "facts" }, el("code", {}, rule), ` · ${severity} · chain of ${length}, ended `, el("time", {}, time)),
    open && el("p", { class: "quiet" }, "Something after the end of the events could still take this alert away."),
    timeline(moments),
    playbook !== null && el("details", {}, el("summary", {}, "Playbook"), el("div", { class: "why" }, playbook)));
}

function miss({ rule, time, step, why, more, moments }: Miss): HTMLElement {
  return el("article", { class: "story miss" },
    el("h3", {}, `Near miss at ${step}`),
    el("p", { class: "facts" }, el("code", {}, rule), " · ", el("time", {}, time)),
    el("p", {}, why, more > 0 && `; ${more} more like it`),
    timeline(moments));
}

const counted = (count: number, one: string, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** The alerts and near misses among events. */
export function replayed({ alerts, count, misses, events, notes }: Replayed): { said: string; shown: Node[] } {
  const said = `${counted(events, "event")}: ${counted(count, "alert")}, ${counted(misses.length, "near miss", "near misses")}`;
  const shown: Node[] = [...alerts.map(alert), ...misses.map(miss)];
  if (alerts.length < count) {
    shown.unshift(el("p", {}, `The first ${alerts.length} alerts:`));
  }
  if (notes.length > 0) {
    shown.push(el("h3", {}, "Notes"), el("ul", {}, ...notes.map((note) => el("li", {}, note))));
  }
  return { said, shown };
}

/** The outcomes of tests; `go` leads to a line. */
export function tested({ outcomes, notRun }: Tested, go: (line: number) => void): { said: string; shown: Node[] } {
  const passed = outcomes.filter((outcome) => outcome.passed).length;
  const said = outcomes.length > 0 ? `${passed} passed, ${outcomes.length - passed} failed` : "There are no tests.";
  const items = outcomes.map(({ rule, test, passed, line, why }) =>
    el("li", { class: passed ? "passed" : "failed" },
      el("b", {}, passed ? "✓ passed" : "✗ failed"), " ", button(`line ${line}`, () => go(line)), ` ${rule}: ${test}`,
      !passed && el("pre", { class: "why", tabindex: "0" }, why.join("\n"))));
  const left = notRun.map((rule) => el("li", { class: "failed" }, el("b", {}, "not run"), ` ${rule}: it has errors`));
  return { said, shown: [el("ul", { class: "plain" }, ...items, ...left)] };
}
