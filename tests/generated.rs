//! Parts of pages that the suite writes itself, between `<!-- PART -->` and `<!-- end of PART -->`.

use crate::program::root;

/// Whether the part of the page is `text`; with `CATENA_UPDATE` set it is made so first.
pub(crate) fn is_current(page: &str, part: &str, text: &str) -> bool {
    let path = root().join(page);
    let found = std::fs::read_to_string(&path).unwrap();
    let (start, end) = (format!("<!-- {part} -->\n"), format!("<!-- end of {part} -->\n"));
    let (head, rest) = found.split_once(&start).unwrap();
    let (_, tail) = rest.split_once(&end).unwrap();
    let wanted = format!("{head}{start}{text}{end}{tail}");
    if std::env::var_os("CATENA_UPDATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
        return true;
    }
    found == wanted
}
