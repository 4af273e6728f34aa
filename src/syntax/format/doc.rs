//! A document that may break its lines in some places, and how it is written.
//!
//! In: a [`Doc`]. Out: text in lines of a bounded width, where they can be broken.
//! Must not know: the grammar. After Oppen (1980) and Wadler (1998); `fill` is theirs too.

use super::tree::{Comment, Leaf};

/// The width that lines are broken at, in characters.
const WIDTH: usize = 120;
/// The indentation of a block.
const INDENT: usize = 2;

/// A document.
#[derive(Debug)]
pub(super) enum Doc<'a, 't> {
    /// A token with its comments.
    Token(&'a Leaf<'t>),
    /// The comments before a token that is written later.
    Comments(&'a Leaf<'t>),
    /// That token.
    Bare(&'a Leaf<'t>),
    /// Blanks before the next token, if it stands on the same line.
    Space(usize),
    /// A blank, or a line break if the group is broken.
    Line,
    /// Nothing, or a line break if the group is broken.
    Soft,
    /// A line break.
    Hard(Blank),
    /// Unbroken if it fits.
    Group(Vec<Doc<'a, 't>>),
    /// Items with breaks between them, as many on a line as fit.
    Fill(Vec<Doc<'a, 't>>),
    /// Indented.
    Nest(Vec<Doc<'a, 't>>),
    /// Indented to where it begins.
    Align(Vec<Doc<'a, 't>>),
}

/// What becomes of a blank line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blank {
    /// There is none, nor between the comments there: the break is inside a part.
    Inside,
    /// There is none.
    Never,
    /// It stays.
    Keep,
    /// There is one.
    Always,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Flat,
    Broken,
}

/// What stands before the next token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    Space(usize),
    Line(Blank),
}

/// What is still to be written: documents, or what is left of a fill.
#[derive(Debug, Clone, Copy)]
enum Part<'d, 'a, 't> {
    Doc(&'d Doc<'a, 't>),
    Fill(&'d [Doc<'a, 't>]),
}

/// A part with its indentation and the mode of its group.
type Step<'d, 'a, 't> = (usize, Mode, Part<'d, 'a, 't>);

/// Writes a document.
pub(super) fn print(docs: &[Doc<'_, '_>]) -> String {
    let start = Pending::Line(Blank::Never);
    let mut printer = Printer { out: String::new(), column: 0, indent: 0, pending: start };
    let mut stack = Vec::new();
    push(&mut stack, 0, Mode::Broken, docs);
    while let Some((indent, mode, part)) = stack.pop() {
        printer.indent = indent;
        match part {
            Part::Doc(doc) => printer.doc(mode, doc, &mut stack),
            Part::Fill(rest) => printer.fill(rest, &mut stack),
        }
    }
    if !printer.out.is_empty() {
        printer.out.push('\n');
    }
    printer.out
}

fn push<'d, 'a, 't>(stack: &mut Vec<Step<'d, 'a, 't>>, indent: usize, mode: Mode, docs: &'d [Doc<'a, 't>]) {
    stack.extend(docs.iter().rev().map(|doc| (indent, mode, Part::Doc(doc))));
}

struct Printer {
    out: String,
    column: usize,
    indent: usize,
    pending: Pending,
}

impl Printer {
    fn doc<'d, 'a, 't>(&mut self, mode: Mode, doc: &'d Doc<'a, 't>, stack: &mut Vec<Step<'d, 'a, 't>>) {
        let indent = self.indent;
        match doc {
            Doc::Token(leaf) => self.token(leaf, &leaf.before),
            Doc::Bare(leaf) => self.token(leaf, &[]),
            Doc::Comments(leaf) => self.comments(&leaf.before),
            Doc::Space(count) => self.space(*count),
            Doc::Line if mode == Mode::Flat => self.space(1),
            Doc::Soft if mode == Mode::Flat => {}
            Doc::Line | Doc::Soft => self.line(Blank::Inside),
            Doc::Hard(blank) => self.line(*blank),
            Doc::Group(inner) => {
                let fits = mode == Mode::Flat || fits(self.at(), inner, stack);
                push(stack, indent, if fits { Mode::Flat } else { Mode::Broken }, inner);
            }
            Doc::Fill(inner) if mode == Mode::Flat => push(stack, indent, mode, inner),
            Doc::Fill(inner) => stack.push((indent, mode, Part::Fill(inner))),
            Doc::Nest(inner) => push(stack, indent + INDENT, mode, inner),
            Doc::Align(inner) => push(stack, self.at(), mode, inner),
        }
    }

    fn token(&mut self, leaf: &Leaf<'_>, before: &[Comment<'_>]) {
        self.comments(before);
        if leaf.text.is_empty() {
            return;
        }
        self.begin(leaf.blank);
        self.text(leaf);
        if let Some(comment) = leaf.after {
            self.out.push(' ');
            self.out.push_str(comment);
            self.pending = Pending::Line(Blank::Inside);
        }
    }

    /// Comments, each on a line of its own.
    fn comments(&mut self, comments: &[Comment<'_>]) {
        let is_inside = matches!(self.pending, Pending::Space(_) | Pending::Line(Blank::Inside));
        let next = Pending::Line(if is_inside { Blank::Inside } else { Blank::Keep });
        for comment in comments {
            if let Pending::Space(_) = self.pending {
                self.pending = next;
            }
            self.begin(comment.blank);
            self.out.push_str(comment.text);
            self.pending = next;
        }
    }

    /// Writes what is pending, so that a token or comment can follow; `blank` is whether its author left a line free.
    fn begin(&mut self, blank: bool) {
        match self.pending {
            Pending::Space(count) => {
                self.out.extend(std::iter::repeat_n(' ', count));
                self.column += count;
            }
            Pending::Line(wanted) => {
                if !self.out.is_empty() {
                    self.out.push('\n');
                    if wanted == Blank::Always || wanted == Blank::Keep && blank {
                        self.out.push('\n');
                    }
                }
                self.out.extend(std::iter::repeat_n(' ', self.indent));
                self.column = self.indent;
            }
        }
        self.pending = Pending::Space(0);
    }

    fn space(&mut self, count: usize) {
        if let Pending::Space(before) = self.pending {
            self.pending = Pending::Space(before + count);
        }
    }

    fn line(&mut self, blank: Blank) {
        self.pending = Pending::Line(blank);
    }

    /// The column at which the next token will stand.
    fn at(&self) -> usize {
        match self.pending {
            Pending::Space(count) => self.column + count,
            Pending::Line(_) => self.indent,
        }
    }

    /// A token; the lines of a text block move with it.
    fn text(&mut self, leaf: &Leaf<'_>) {
        let Some((first, rest)) = leaf.text.split_once('\n') else {
            self.out.push_str(leaf.text);
            self.column += leaf.text.chars().count();
            return;
        };
        self.out.push_str(first.trim_end());
        let lines: Vec<&str> = rest.split('\n').map(|line| line.trim_end_matches('\r')).collect();
        let (last, inner) = lines.split_last().map_or(("", &[][..]), |(last, inner)| (*last, inner));
        // The closing quotes alone do not count for the common indentation.
        let closes = last.trim_start() == "\"\"\"";
        let counted = inner.iter().copied().chain((!closes).then_some(last));
        let common = super::super::text::indentation(counted);
        for line in inner.iter().copied().chain([last]) {
            self.out.push('\n');
            let kept = if closes && line == last {
                line.trim_start()
            } else {
                line.strip_prefix(common).unwrap_or("")
            };
            if !kept.trim().is_empty() {
                self.out.extend(std::iter::repeat_n(' ', self.indent));
                self.out.push_str(kept);
            }
        }
        self.column = self.out.rsplit('\n').next().map_or(0, |line| line.chars().count());
    }

    /// The first part of a fill: an item, whose groups decide for themselves, or a break, decided by whether the item
    /// behind it fits.
    fn fill<'d, 'a, 't>(&mut self, inner: &'d [Doc<'a, 't>], stack: &mut Vec<Step<'d, 'a, 't>>) {
        let Some((first, rest)) = inner.split_first() else { return };
        let next = rest.get(..1).unwrap_or_default();
        let is_flat = match first {
            Doc::Line => fits(self.at() + 1, next, &[]),
            Doc::Soft => fits(self.at(), next, &[]),
            Doc::Token(_)
            | Doc::Bare(_)
            | Doc::Comments(_)
            | Doc::Space(_)
            | Doc::Hard(_)
            | Doc::Group(_)
            | Doc::Fill(_)
            | Doc::Nest(_)
            | Doc::Align(_) => false,
        };
        stack.push((self.indent, Mode::Broken, Part::Fill(rest)));
        stack.push((self.indent, if is_flat { Mode::Flat } else { Mode::Broken }, Part::Doc(first)));
    }
}

/// Whether documents fit on the rest of the line, together with what follows up to the next break.
fn fits(column: usize, docs: &[Doc<'_, '_>], rest: &[Step<'_, '_, '_>]) -> bool {
    let mut column = column;
    let mut after_comment = false;
    let mut stack: Vec<(Mode, &Doc<'_, '_>)> = docs.iter().rev().map(|doc| (Mode::Flat, doc)).collect();
    let mut rest = rest.iter().rev();
    loop {
        let (mode, doc) = match stack.pop() {
            Some(next) => next,
            None => match rest.next() {
                Some((_, mode, Part::Doc(doc))) => (*mode, *doc),
                // It goes on with a place to break at.
                Some((_, _, Part::Fill([_, ..]))) | None => return true,
                Some((_, _, Part::Fill([]))) => continue,
            },
        };
        match doc {
            Doc::Token(leaf) if !leaf.before.is_empty() => return false,
            Doc::Token(leaf) | Doc::Bare(leaf) => {
                // Behind a comment there is a line break.
                if after_comment && !leaf.text.is_empty() {
                    return false;
                }
                after_comment = leaf.after.is_some();
                let line = leaf.text.split('\n').next().unwrap_or_default();
                column += line.chars().count();
                if column > WIDTH || line.len() < leaf.text.len() {
                    return column <= WIDTH;
                }
            }
            Doc::Comments(leaf) if leaf.before.is_empty() => {}
            Doc::Comments(_) => return false,
            Doc::Space(count) => column += count,
            Doc::Line if mode == Mode::Flat => column += 1,
            Doc::Soft if mode == Mode::Flat => {}
            Doc::Line | Doc::Soft => return true,
            Doc::Hard(_) => return mode == Mode::Broken,
            Doc::Group(inner) | Doc::Fill(inner) | Doc::Nest(inner) | Doc::Align(inner) => {
                stack.extend(inner.iter().rev().map(|doc| (mode, doc)));
            }
        }
    }
}
