// Elements of the page. Whatever comes from a rule or an event is text, never markup.

type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string>;

/** An element with attributes and children. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child instanceof Node || typeof child === "string"));
  return made;
}

/** The element of the page with an id. */
export function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`the page has no #${id}`);
  }
  return found as T;
}

/** A button that does something. */
export function button(label: string, act: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = el("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", act);
  return made;
}

/** A button that copies a text and says so. */
export function copy(what: string, text: string): HTMLButtonElement {
  const made = button("Copy", async () => {
    try {
      await navigator.clipboard.writeText(text);
      made.textContent = "Copied";
    } catch {
      made.textContent = "The browser does not let it";
    }
    setTimeout(() => { made.textContent = "Copy"; }, 2000);
  }, { "aria-label": `Copy ${what}`, "aria-live": "polite" });
  return made;
}

/** A list of options. */
export function options(select: HTMLSelectElement, values: readonly { value: string; label: string }[], chosen: string): void {
  select.replaceChildren(...values.map(({ value, label }) => el("option", { value }, label)));
  if (values.some(({ value }) => value === chosen)) {
    select.value = chosen;
  }
}

export interface Tab {
  id: string;
  label: Child[];
  panel: Child[];
  /** Whether the keyboard must reach the panel itself, because nothing in it can be reached. */
  text?: boolean;
}

/** Tabs as screen readers and the arrow keys know them. */
export class Tabs {
  readonly list: HTMLElement;
  readonly panels: HTMLElement[] = [];
  readonly #tabs: HTMLButtonElement[] = [];

  constructor(label: string, tabs: readonly Tab[], chosen: string, private readonly told: (id: string) => void = () => {}) {
    this.list = el("div", { role: "tablist", "aria-label": label });
    for (const { id, label: name, panel, text } of tabs) {
      const tab = button("", () => this.choose(id), { role: "tab", id: `tab-${id}`, "aria-controls": `panel-${id}` });
      tab.append(...name.filter((child) => child instanceof Node || typeof child === "string"));
      this.#tabs.push(tab);
      this.list.append(tab);
      const reached: Attributes = text ? { tabindex: "0" } : {};
      this.panels.push(el("div", { role: "tabpanel", id: `panel-${id}`, "aria-labelledby": tab.id, ...reached }, ...panel));
    }
    this.list.addEventListener("keydown", (event) => this.#key(event));
    this.choose(tabs.some(({ id }) => id === chosen) ? chosen : tabs[0]?.id ?? "");
  }

  choose(id: string): void {
    this.#tabs.forEach((tab, at) => {
      const isChosen = tab.id === `tab-${id}`;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      const panel = this.panels[at];
      if (panel) {
        panel.hidden = !isChosen;
      }
    });
    this.told(id);
  }

  #key(event: KeyboardEvent): void {
    const at = this.#tabs.findIndex((tab) => tab === document.activeElement);
    const last = this.#tabs.length - 1;
    const next = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
    const tab = next === undefined || at < 0 ? undefined : this.#tabs[next];
    if (tab) {
      event.preventDefault();
      tab.click();
      tab.focus();
    }
  }
}
