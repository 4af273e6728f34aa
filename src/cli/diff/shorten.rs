//! Long lines, shortened to what a reader can take in.
//!
//! In: lines. Out: the same, without most of what two of them begin and end with alike. Must not know: what they are.

/// How much is shown around what differs.
const AROUND: usize = 30;

/// A line without what is beyond `width` characters.
pub(super) fn one(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        line.to_owned()
    } else {
        line.chars().take(width).chain(['…']).collect()
    }
}

/// Two lines: if one is longer than `width`, what differs and a little around it.
pub(super) fn pair(old: &str, new: &str, width: usize) -> (String, String) {
    let [before, after] = [old, new].map(|line| line.chars().collect::<Vec<_>>());
    if before.len().max(after.len()) <= width {
        return (old.to_owned(), new.to_owned());
    }
    let head = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let ends = before.iter().rev().zip(after.iter().rev());
    let tail = ends.take_while(|(one, other)| one == other).count();
    let tail = tail.min(before.len().min(after.len()) - head);
    let part = |line: &[char]| {
        let (from, to) = (head.saturating_sub(AROUND), (line.len() - tail + AROUND).min(line.len()));
        let middle: String = line.get(from..to).unwrap_or_default().iter().collect();
        let [left, right] = [from > 0, to < line.len()].map(|cut| if cut { "…" } else { "" });
        format!("{left}{}{right}", one(&middle, 2 * width))
    };
    (part(&before), part(&after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_shown_wherever_it_is() {
        let long = |end: &str| format!("{}{end}{}", "a".repeat(500), "b".repeat(500));
        let (old, new) = pair(&long("x"), &long("yy"), 110);
        let around = |middle: &str| format!("…{}{middle}{}…", "a".repeat(30), "b".repeat(30));
        assert_eq!((old, new), (around("x"), around("yy")));
        // One is the beginning of the other.
        let (old, new) = pair(&"a".repeat(200), &"a".repeat(201), 110);
        assert_eq!((old, new), (format!("…{}", "a".repeat(30)), format!("…{}", "a".repeat(31))));
        assert_eq!(pair("a", "b", 110), ("a".to_owned(), "b".to_owned()));
    }
}
