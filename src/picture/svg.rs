//! A picture as an SVG document that needs nothing but itself.
//!
//! In: a picture. Out: SVG, as a file or as a part of a page. Must not know: rules.

use std::fmt::Write as _;

use super::{Absent, Arrow, Picture, StepBox, wrap};
use crate::engine::report::xml;
use crate::source::visible;

/// The width of the document.
const WIDTH: usize = 720;
/// The space around the boxes.
const MARGIN: usize = 16;
/// The height of a line of text.
const LINE: usize = 20;
/// The space between a border and the text in it.
const PAD: usize = 12;
/// The height of an arrow without the lines beside it.
const ARROW: usize = 24;
/// The space before a crossed box.
const GAP: usize = 8;
/// How many characters of the font fit into a box.
const ROOM: usize = 84;
/// The most lines that a part of a condition takes.
const MOST: usize = 6;

/// How the picture is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light, for a file that is shown on its own or printed.
    Light,
    /// As the reader prefers.
    Adaptive,
}

/// Colours: page, text, quiet text, box, lines, gates, keys. Written out, since not every program knows variables.
type Palette = [&'static str; 7];
const LIGHT: Palette = ["#fff", "#1d2733", "#5b6775", "#f4f7fa", "#8593a3", "#8a5a00", "#0b5cad"];
const DARK: Palette = ["#12171d", "#e6edf3", "#9aa7b4", "#1b222b", "#6b7a8a", "#e3b341", "#6cb6ff"];

fn colours([page, text, quiet, fill, line, gate, key]: Palette) -> String {
    format!(
        ".chain text{{fill:{text}}}.chain .dim{{fill:{quiet}}}.chain .gate{{fill:{gate}}}.chain .key{{fill:{key}}}\
         .chain rect{{fill:{fill};stroke:{line}}}.chain .page{{fill:{page};stroke:none}}\
         .chain path{{stroke:{line}}}.chain .bar{{stroke:{gate}}}\
         .chain .cross{{stroke:{gate};stroke-opacity:.3}}"
    )
}

/// Draws a picture.
#[must_use]
pub fn svg(picture: &Picture, theme: Theme) -> String {
    let mut canvas = Canvas { out: String::new(), y: MARGIN };
    for (at, step) in picture.steps.iter().enumerate() {
        if let Some(arrow) = at.checked_sub(1).and_then(|before| picture.arrows.get(before)) {
            canvas.arrow(arrow);
        }
        canvas.step(step, at + 1);
    }
    for line in &picture.whole {
        canvas.y += LINE;
        canvas.text(MARGIN, "dim", line);
    }
    let height = canvas.y + MARGIN;
    let dark = match theme {
        Theme::Light => String::new(),
        Theme::Adaptive => format!("@media (prefers-color-scheme:dark){{{}}}", colours(DARK)),
    };
    let style = format!(
        ".chain text{{font:13px ui-monospace,Menlo,Consolas,monospace}}.chain .name{{font-weight:700}}\
         .chain path{{fill:none;stroke-width:1.5}}.chain .bar,.chain .absent{{stroke-dasharray:4 3}}\
         {}{dark}",
        colours(LIGHT)
    );
    let (title, described) = (escaped(&picture.title), escaped(&description(picture)));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chain\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         font-size=\"13\">\n<title>{title}</title>\n<desc>{described}</desc>\n<style>{style}</style>\n\
         <rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>\n{}</svg>\n",
        canvas.out
    )
}

/// The picture in a sentence, for those who do not see it.
fn description(picture: &Picture) -> String {
    let mut text = String::new();
    for (at, step) in picture.steps.iter().enumerate() {
        if let Some(Arrow { window, keys, comparisons: _, changes: _, absences }) =
            at.checked_sub(1).and_then(|before| picture.arrows.get(before))
        {
            let _ = write!(text, ", then within {window} with the same {} ", keys.join(", "));
            without(absences, &mut text);
        }
        let _ = write!(text, "{} in {}", step.name, step.source);
        if !step.absences.is_empty() {
            text.push(' ');
            without(&step.absences, &mut text);
        }
    }
    text
}

fn without(absences: &[Absent], text: &mut String) {
    for Absent { name, source: _, condition: _, gates: _, place } in absences {
        let _ = write!(text, "(no {name} {place}) ");
    }
}

/// Text of a rule inside XML. Characters that reorder or hide what stands around them are spelt out.
fn escaped(text: &str) -> String {
    xml(&visible(text))
}

struct Canvas {
    out: String,
    /// Where the next part begins.
    y: usize,
}

impl Canvas {
    fn text(&mut self, x: usize, class: &str, text: &str) {
        let text = escaped(text);
        let y = self.y;
        let _ = writeln!(
            self.out,
            "<text x=\"{x}\" y=\"{y}\" class=\"{class}\" xml:space=\"preserve\">{text}</text>"
        );
    }

    /// A text that ends at a place.
    fn text_to(&mut self, end: usize, class: &str, text: &str) {
        let (y, text) = (self.y, escaped(text));
        let _ = writeln!(
            self.out,
            "<text x=\"{end}\" y=\"{y}\" class=\"{class}\" text-anchor=\"end\">{text}</text>"
        );
    }

    fn step(&mut self, step: &StepBox, number: usize) {
        let StepBox { name, source, condition, gates, absences, count } = step;
        let lines: Vec<String> = condition.iter().flat_map(|part| wrap(part, ROOM, MOST)).collect();
        let gates: Vec<String> = gates.iter().flat_map(|gate| wrap(&gate.line(), ROOM - 9, MOST)).collect();
        let bar = if gates.is_empty() { 0 } else { PAD };
        let (x, end) = (MARGIN + PAD, WIDTH - MARGIN - PAD);
        let absences: Vec<_> = absences.iter().map(|absent| Crossed::new(absent, x, end)).collect();
        let rows = PAD + (1 + lines.len() + gates.len()) * LINE + bar;
        let crossed: usize = absences.iter().map(|crossed| GAP + crossed.height()).sum();
        let counts: Vec<String> = count.iter().flat_map(|count| wrap(count, ROOM, MOST)).collect();
        let apart = if absences.is_empty() { 0 } else { GAP };
        let counted = if counts.is_empty() { 0 } else { apart + counts.len() * LINE };
        let height = rows + crossed + counted + PAD;
        let (top, width) = (self.y, WIDTH - 2 * MARGIN);
        let _ = writeln!(
            self.out,
            "<rect x=\"{MARGIN}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>"
        );
        self.y = top + PAD + LINE - 6;
        self.text(x, "name", &format!("{number} {name}"));
        self.text_to(end, "dim", source);
        for line in &lines {
            self.y += LINE;
            self.text(x, "", line);
        }
        if !gates.is_empty() {
            let y = self.y + LINE / 2 + 1;
            let _ = writeln!(self.out, "<path class=\"bar\" d=\"M{MARGIN} {y}H{}\"/>", WIDTH - MARGIN);
            self.y += bar;
        }
        for (at, line) in gates.iter().enumerate() {
            self.y += LINE;
            self.text(x, "gate", &format!("{} {line}", if at == 0 { "except  " } else { "        " }));
        }
        self.y = top + rows;
        for crossed in &absences {
            self.crossed(crossed);
        }
        // The baseline of a line lies a little above its end.
        self.y = (self.y + apart).saturating_sub(6);
        for line in &counts {
            self.y += LINE;
            self.text(x, "", line);
        }
        self.y = top + height;
    }

    fn crossed(&mut self, crossed: &Crossed<'_>) {
        let Crossed { x, end, absent, lines } = crossed;
        let Absent { name, source, condition: _, gates: _, place } = absent;
        let (top, width, height) = (self.y + GAP, end - x, crossed.height());
        let bottom = top + height;
        let _ = writeln!(
            self.out,
            "<rect class=\"absent\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n\
             <path class=\"cross\" d=\"M{x} {top}L{end} {bottom}M{x} {bottom}L{end} {top}\"/>"
        );
        self.y = top + PAD + LINE - 6;
        self.text(x + PAD, "name", &format!("no {name}"));
        self.text_to(end - PAD, "dim", source);
        for (class, line) in lines {
            self.y += LINE;
            self.text(x + PAD, class, line);
        }
        self.y += LINE;
        self.text(x + PAD, "key", place);
        self.y = bottom;
    }

    fn arrow(&mut self, arrow: &Arrow) {
        let Arrow { window, keys, comparisons, changes, absences } = arrow;
        let x = MARGIN + 40;
        let beside = x + 18;
        let absences: Vec<_> =
            absences.iter().map(|absent| Crossed::new(absent, beside, WIDTH - MARGIN)).collect();
        let crossed: usize = absences.iter().map(|crossed| GAP + crossed.height()).sum();
        let rows = ARROW + (2 + comparisons.len()) * LINE;
        let (top, end) = (self.y, self.y + rows + crossed);
        let head = end - 8;
        let _ = writeln!(
            self.out,
            "<path d=\"M{x} {top}V{}M{} {head}L{x} {}L{} {head}\"/>",
            end - 1,
            x - 5,
            end - 1,
            x + 5
        );
        self.y = top + 26;
        self.text(beside, "", &format!("within {window}"));
        self.y += LINE;
        let note = if *changes { "  ◆ the key changes" } else { "" };
        let keys = wrap(&keys.join(", "), ROOM - 30, 1).concat();
        self.text(beside, "key", &format!("same {keys}{note}"));
        for comparison in comparisons {
            self.y += LINE;
            self.text(beside, "key", comparison);
        }
        for crossed in &absences {
            self.crossed(crossed);
        }
        self.y = end;
    }
}

/// A box for what must not be there.
struct Crossed<'a> {
    x: usize,
    end: usize,
    absent: &'a Absent,
    /// The lines between its head and its place, with their classes.
    lines: Vec<(&'static str, String)>,
}

impl<'a> Crossed<'a> {
    fn new(absent: &'a Absent, x: usize, end: usize) -> Self {
        let room = (end - x - 2 * PAD) / 8;
        let parts = absent.condition.iter().flat_map(|part| wrap(part, room, MOST)).map(|line| ("", line));
        let gates = absent.gates.iter().flat_map(|gate| wrap(&format!("except {}", gate.line()), room, MOST));
        let lines = parts.chain(gates.map(|line| ("gate", line))).collect();
        Self { x, end, absent, lines }
    }

    fn height(&self) -> usize {
        2 * PAD + (2 + self.lines.len()) * LINE
    }
}
