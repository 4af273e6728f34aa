//! Foreign text, of rules, logs and file names, as it may be shown: nothing in it moves a cursor, ends a line, hides or
//! is taken for a command of whoever reads the output.
//!
//! In: any text. Out: what a reader would not see, and the text with all of that escaped.
//! Must not know: where the text is from, or where it is shown.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character cannot be seen, or changes how those around it are seen: a reader of the text would take it for
/// another. The joiners that scripts and emoji need are not among them; the selectors and tags of emoji are, see
/// [`marked`].
#[must_use]
pub fn is_hidden(c: char) -> bool {
    // Nearly all text is ASCII.
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || is_selector(c)
        || is_tag(c)
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
        )
}

/// What chooses between the forms of the character before it.
fn is_selector(c: char) -> bool {
    matches!(c, '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Letters that are not shown: flags of regions are spelt with them, and so is text that only programs read.
#[must_use]
pub fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// Each character with its offset, and whether it is hidden where it stands: a selector is not behind an emoji, nor are
/// the tags of a flag.
pub fn marked(text: &str) -> impl Iterator<Item = (usize, char, bool)> {
    text.char_indices().map(|(at, c)| (at, c, is_hidden_at(text, at, c)))
}

/// Whether the character `c` at an offset of a text is hidden there.
#[must_use]
pub fn is_hidden_at(text: &str, at: usize, c: char) -> bool {
    if c.is_ascii() || !is_hidden(c) {
        return c.is_ascii_control();
    }
    match c {
        '\u{fe0e}' | '\u{fe0f}' => !selects(text, at, c),
        _ if is_tag(c) => !spells_flag(text, at),
        _ => true,
    }
}

/// Whether a text has a hidden character.
#[must_use]
pub fn has_hidden(text: &str) -> bool {
    marked(text).any(|(_, _, hidden)| hidden)
}

/// Whether the selector at an offset stands behind an emoji.
fn selects(text: &str, at: usize, selector: char) -> bool {
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    let keycap = || text.get(at + selector.len_utf8()..).is_some_and(|rest| rest.starts_with('\u{20e3}'));
    before.is_some_and(|c| match c {
        '#' | '*' | '0'..='9' => keycap(),
        c => is_emoji(c),
    })
}

/// Whether a character has a form as an emoji and one as text.
fn is_emoji(c: char) -> bool {
    matches!(
        c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2194}'..='\u{21aa}'
            | '\u{231a}'..='\u{23ff}' | '\u{24c2}' | '\u{25aa}'..='\u{27bf}' | '\u{2934}' | '\u{2935}'
            | '\u{2b05}'..='\u{2b55}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
            | '\u{1f000}'..='\u{1faff}'
    )
}

/// Whether the tag at an offset is one of those of a flag: the black flag, at most six letters, and the end.
fn spells_flag(text: &str, at: usize) -> bool {
    /// The longest code of a region, and the tag that ends it.
    const MOST: usize = 7;
    const END: char = '\u{e007f}';
    let (Some(before), Some(after)) = (text.get(..at), text.get(at..)) else { return false };
    let letters = before.chars().rev().take(MOST).take_while(|c| is_tag(*c) && *c != END).count();
    let is_flag = before.chars().rev().nth(letters) == Some('\u{1f3f4}');
    let end = after.chars().take(MOST).take_while(|c| is_tag(*c)).position(|c| c == END);
    is_flag && end.is_some_and(|end| letters + end < MOST)
}

/// Where a legacy command of GitHub's runner begins, anywhere in a line: `##[add-mask]`.
const COMMAND: &str = "##[";

/// Whether the character `c` at an offset must not be shown as it is.
fn is_risky(text: &str, at: usize, c: char) -> bool {
    c == '[' && text.get(..=at).is_some_and(|before| before.ends_with(COMMAND)) || is_hidden_at(text, at, c)
}

/// Whether nothing in a text can need escaping: the usual case, told apart quickly.
fn is_harmless(text: &str) -> bool {
    text.bytes().all(|byte| byte != b'[' && (b' '..0x7f).contains(&byte))
}

/// The text with what cannot be seen escaped as in a string of a rule: on one line, with no effect on a terminal. It is
/// for people, not to be read back: a backslash stays as it is.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_harmless(text) || !text.char_indices().any(|(at, c)| is_risky(text, at, c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match c {
            _ if !is_risky(text, at, c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a string cannot fail.
            _ => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
        }
    }
    Cow::Owned(out)
}

/// As [`visible`], for a text that a line of output begins with, such as the name of a file: the line is no command of
/// GitHub's runner, which look like `::error::` and may be indented.
#[must_use]
pub fn visible_start(text: &str) -> Cow<'_, str> {
    match visible(text) {
        // Before the name of a file, `./` does not change which file is meant.
        shown if shown.trim_start().starts_with("::") => Cow::Owned(format!("./{shown}")),
        shown => shown,
    }
}

/// JSON with what cannot be seen escaped in its strings; JSON has such characters nowhere else, and the values are the
/// same.
#[must_use]
pub fn visible_json(json: String) -> String {
    // Line ends between the parts of a document stay; in its strings they are escaped already.
    let harmless = |text: &str| {
        text.bytes().all(|byte| byte == b'\n' || (b' '..0x7f).contains(&byte)) && !text.contains(COMMAND)
    };
    if harmless(&json) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 64);
    for (at, c) in json.char_indices() {
        if c == '\n' || !is_risky(&json, at, c) {
            out.push(c);
        } else {
            // Escapes of JSON are code units of UTF-16: a character beyond the first plane takes two.
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// A piece of source text to be shown, with what cannot be seen escaped; lines and tabs stay.
#[derive(Debug)]
pub struct Excerpt<'a> {
    /// As it is shown.
    pub text: Cow<'a, str>,
    /// Where characters were escaped: the end of each in the original, and how many bytes were added up to it.
    longer: Vec<(usize, usize)>,
}

impl<'a> Excerpt<'a> {
    /// Escapes a piece of text.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        // Also at the end of an excerpt, which ends before the line feed.
        let line_end = |at: usize, c| {
            c == '\r' && text.get(at + 1..).is_some_and(|rest| rest.is_empty() || rest.starts_with('\n'))
        };
        let kept = |at, c| matches!(c, '\n' | '\t') || line_end(at, c) || !is_risky(text, at, c);
        if is_harmless(text) || text.char_indices().all(|(at, c)| kept(at, c)) {
            return Self { text: Cow::Borrowed(text), longer: Vec::new() };
        }
        let (mut out, mut longer) = (String::with_capacity(text.len() + 16), Vec::new());
        for (at, c) in text.char_indices() {
            if kept(at, c) {
                out.push(c);
            } else {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
                let end = at + c.len_utf8();
                longer.push((end, out.len() - end));
            }
        }
        Self { text: Cow::Owned(out), longer }
    }

    /// Where an offset of the original is in what is shown.
    #[must_use]
    pub fn offset(&self, original: usize) -> usize {
        let before = self.longer.partition_point(|(end, _)| *end <= original);
        let added =
            before.checked_sub(1).and_then(|last| self.longer.get(last)).map_or(0, |(_, added)| *added);
        original + added
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_hidden_but_not_in_an_emoji() {
        let hidden = |text: &str| marked(text).filter(|(.., hidden)| *hidden).count();
        for (text, expected) in [
            ("plain é 日本 👩\u{200d}🚀", 0),
            ("❤\u{fe0f} ©\u{fe0e} 🏳\u{fe0f}\u{200d}🌈 1\u{fe0f}\u{20e3}", 0),
            ("🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}", 0),
            ("🏴\u{e0067}\u{e0062}", 2),
            ("🏴\u{e0067}\u{e007f}\u{e0067}\u{e007f}", 2),
            ("Run\u{e0041}Instances\u{3164}", 2),
            ("a\u{fe0f} 1\u{fe0f} \u{fe0f}", 3),
            ("漢\u{e0100}\u{34f}\u{115f}\u{1160}\u{ffa0}\u{2800}", 6),
            ("\u{1b}\u{7f}\u{9b}\u{85}\u{200b}\u{2028}\u{202e}\u{feff}\n", 9),
        ] {
            assert_eq!(hidden(text), expected, "{text:?}");
            assert_eq!(has_hidden(text), expected > 0);
        }
        let smuggled = format!("🏴{}\u{e007f}", "\u{e0041}".repeat(9));
        assert_eq!(hidden(&smuggled), 10);
    }

    #[test]
    fn foreign_text_is_shown_on_one_line_without_effect() {
        for (text, shown) in [
            ("plain é ❤\u{fe0f}", "plain é ❤\u{fe0f}"),
            (r"C:\logs", r"C:\logs"),
            ("\u{1b}]0;x\u{7}\u{9b}31m\u{7f}", r"\u{1b}]0;x\u{7}\u{9b}31m\u{7f}"),
            ("a\r\n::add-mask::b\tc", r"a\r\n::add-mask::b\tc"),
            ("\u{202e}x\u{2028}", r"\u{202e}x\u{2028}"),
            ("x ##[add-mask]y a[0]", r"x ##\u{5b}add-mask]y a[0]"),
        ] {
            assert_eq!(visible(text), shown);
        }
        assert_eq!(visible_start(" ::warning::x"), "./ ::warning::x");
        assert_eq!(visible_start("logs/::x"), "logs/::x");
    }

    #[test]
    fn an_excerpt_knows_where_its_characters_went() {
        let excerpt = Excerpt::of("a\t\u{202e}b\r\n\u{1b}c");
        assert_eq!(excerpt.text, "a\t\\u{202e}b\r\n\\u{1b}c");
        let shown = |original: usize| excerpt.text.get(excerpt.offset(original)..).unwrap();
        assert!(
            shown(2).starts_with("\\u{202e}b")
                && shown(5).starts_with("b\r")
                && shown(8).starts_with("\\u{1b}")
        );
        assert_eq!((shown(9), shown(10)), ("c", ""));
    }

    proptest::proptest! {
        #[test]
        fn json_has_the_same_value_and_nothing_hidden(text in "(?s).{0,20}[\u{7f}-\u{9f}\u{2028}\u{202e}\u{e0041}#\\[]{0,6}") {
            let value = serde_json::json!({ "a": text, text.as_str(): 1 });
            let json = visible_json(format!("{value:#}"));
            proptest::prop_assert!(marked(&json).all(|(_, c, hidden)| c == '\n' || !hidden));
            proptest::prop_assert!(!json.contains(COMMAND));
            proptest::prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
            let shown = visible(&text);
            proptest::prop_assert!(!has_hidden(&shown));
        }
    }
}
