//! HTML under way, in which foreign text cannot become markup.
//!
//! In: tags and attributes that this program names, texts of anybody. Out: text. Must not know: what is shown.

/// A piece of HTML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Html(String);

impl Html {
    /// Adds text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for piece in text.split_inclusive(['&', '<', '>', '"', '\'']) {
            // A piece ends in the only mark that it has.
            let mark = match piece.as_bytes().last() {
                Some(b'&') => "&amp;",
                Some(b'<') => "&lt;",
                Some(b'>') => "&gt;",
                Some(b'"') => "&quot;",
                Some(b'\'') => "&#39;",
                Some(_) | None => {
                    self.0.push_str(piece);
                    continue;
                }
            };
            self.0.push_str(piece.get(..piece.len() - 1).unwrap_or_default());
            self.0.push_str(mark);
        }
        self
    }

    /// Opens an element.
    pub(super) fn open(&mut self, tag: &'static str, attributes: &[(&'static str, &str)]) -> &mut Self {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            self.text(value);
            self.0.push('"');
        }
        self.0.push('>');
        self
    }

    /// Closes an element.
    pub(super) fn close(&mut self, tag: &'static str) -> &mut Self {
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push_str(">\n");
        self
    }

    /// An element with text.
    pub(super) fn element(&mut self, tag: &'static str, text: &str) -> &mut Self {
        self.open(tag, &[]).text(text).close(tag)
    }

    /// Adds another piece.
    pub(super) fn add(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// Adds what a renderer made, which has escaped all foreign text by itself.
    pub(super) fn rendered(&mut self, html: &str) -> &mut Self {
        self.0.push_str(html);
        self
    }

    /// The text.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup() {
        let mut html = Html::default();
        html.open("p", &[("title", "a\"b")]).text("<script>&'").close("p");
        assert_eq!(html.into_text(), "<p title=\"a&quot;b\">&lt;script&gt;&amp;&#39;</p>\n");
    }
}
