// The queries of a rule, what it means, and its picture.

import type { Explained, InTarget, Part } from "./api";
import { copy, el, Tabs } from "./dom";

const list = (items: Node[]) => el("ul", {}, ...items);

function part({ name, stage, text }: Part): HTMLElement {
  const title = stage ? `${name} (runs first)` : name;
  return el("div", { class: "part" },
    el("div", { class: "row" }, el("code", {}, title), copy(name, text)),
    el("pre", { tabindex: "0", "aria-label": name, role: "region" }, el("code", {}, text)));
}

function target(made: InTarget): (Node | string)[] {
  if (made.refused) {
    return made.refused.length > 0
      ? [el("p", { class: "refused" }, "No query:"), list(made.refused.map((reason) => el("li", {}, reason)))]
      : ["The rule is not meant for this target."];
  }
  const { fidelity = "", level = "", schedule = "", reasons = [], requires = [], cost = [], parts = [] } = made;
  const item = (word: string, text: string) => el("li", {}, el("b", {}, word), ` ${text}`);
  const items = [
    ...reasons.map(({ word, text }) => item(word, text)),
    ...requires.map((text) => item("needs", text)),
    ...cost.map((text) => item("cost", text)),
  ];
  const notes = el("details", {}, el("summary", {}, `Reasons, settings and cost (${items.length})`), list(items));
  return [
    el("p", {}, el("b", { class: fidelity }, fidelity), ` · per ${level} · must run ${schedule}`),
    ...parts.map(part),
    items.length > 0 ? notes : "",
  ];
}

/** The queries, a tab for each target; `chosen` is the one that is shown. */
export function queries({ targets }: Explained, chosen: string, told: (name: string) => void): Node[] {
  const tabs = targets.map((made) => {
    const word = made.fidelity ?? (made.refused?.length ? "refused" : "none");
    return { id: made.name, label: [made.title, " ", el("small", { class: word }, word)], panel: target(made) };
  });
  const shown = new Tabs("Targets", tabs, chosen, told);
  return [shown.list, ...shown.panels];
}

/** The picture, as a part of the page; its style needs the permission of the page before it is parsed. */
function picture(svg: string, nonce: string): Node {
  const permitted = svg.replace("<style>", `<style nonce="${nonce}">`);
  const parsed = new DOMParser().parseFromString(permitted, "image/svg+xml");
  return el("figure", {}, document.adoptNode(parsed.documentElement));
}

/** What a rule means. */
export function meaning(explained: Explained, nonce: string): Node[] {
  const { rule, title, facts, description, when, steps, after } = explained;
  return [
    el("h2", {}, title),
    el("p", { class: "facts" }, el("code", {}, rule), ` · ${facts.join(" · ")}`),
    el("p", {}, description),
    el("p", {}, when),
    el("ol", {}, ...steps.map((step) => el("li", {}, step))),
    ...after.map((line) => el("p", {}, line)),
    picture(explained.picture, nonce),
  ];
}
