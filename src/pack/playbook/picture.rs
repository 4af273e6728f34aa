//! The chain as a picture: steps below each other, with what joins them.
//!
//! In: a chain. Out: lines of text, or SVG. Must not know: pages.

use crate::ir;
use crate::pack::html::Html;
use crate::pack::input::{Ruled, keys};

/// Steps, and what leads to each.
#[derive(Debug)]
pub(super) struct Picture {
    /// Name and log of each step.
    steps: Vec<[String; 2]>,
    /// Window and keys of each link.
    links: Vec<[String; 2]>,
}

impl Picture {
    /// The picture of a rule.
    pub(super) fn of(ruled: &Ruled<'_>) -> Self {
        let chain = &ruled.rule.chain;
        let steps = chain.steps.iter().map(|step| [step.name.node.clone(), step.main.source.node.clone()]);
        let links = chain.links.iter().map(|link| {
            [format!("within {}", ir::duration(link.gap.seconds)), format!("same {}", keys(&link.keys))]
        });
        Self { steps: steps.collect(), links: links.collect() }
    }

    /// As text.
    pub(super) fn text(&self) -> String {
        let mut lines = Vec::new();
        for (index, [name, log]) in self.steps.iter().enumerate() {
            if let Some([window, keys]) = index.checked_sub(1).and_then(|before| self.links.get(before)) {
                lines.push(format!("   │ {window}, {keys}"));
                lines.push("   ▼".to_owned());
            }
            lines.push(format!("{}. {name} ({log})", index + 1));
        }
        lines.join("\n")
    }

    /// As SVG.
    pub(super) fn svg(&self) -> Html {
        const STEP: usize = 56;
        const LINK: usize = 64;
        let height = self.steps.len() * STEP + self.links.len() * LINK + 8;
        let mut svg = Html::default();
        let size = format!("0 0 640 {height}");
        let label = self.steps.iter().map(|[name, _]| name.as_str()).collect::<Vec<_>>().join(", then ");
        svg.open("svg", &[("viewBox", &size), ("role", "img"), ("aria-label", &label), ("width", "640")]);
        let mut top = 4;
        for (index, [name, log]) in self.steps.iter().enumerate() {
            if let Some([window, keys]) = index.checked_sub(1).and_then(|before| self.links.get(before)) {
                arrow(&mut svg, top, top + LINK);
                line(&mut svg, "176", top + 28, "", window);
                line(&mut svg, "176", top + 48, "", keys);
                top += LINK;
            }
            let y = top.to_string();
            let height = STEP.to_string();
            svg.open("rect", &[("x", "4"), ("y", &y), ("width", "632"), ("height", &height), ("rx", "6")])
                .close("rect");
            line(&mut svg, "20", top + 24, "bold", &format!("{}. {name}", index + 1));
            line(&mut svg, "20", top + 44, "", log);
            top += STEP;
        }
        svg.close("svg");
        svg
    }
}

fn line(svg: &mut Html, x: &str, y: usize, weight: &str, text: &str) {
    let weight = if weight.is_empty() { "normal" } else { weight };
    svg.open("text", &[("x", x), ("y", &y.to_string()), ("font-weight", weight)]).text(text).close("text");
}

fn arrow(svg: &mut Html, from: usize, to: usize) {
    let path = format!("M 160 {from} V {} m -6 -8 l 6 8 l 6 -8", to - 2);
    svg.open("path", &[("d", &path), ("fill", "none")]).close("path");
}
