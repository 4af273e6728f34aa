//! The header of a list file: which column is which, and what people call them.
//!
//! In: the cells of the first row. Out: the columns known, a name for those that are not, and signs that the first row
//! is no header. Must not know: rows, places in a file.

use crate::diag;

/// The columns of a list file.
pub(super) const COLUMNS: [&str; 5] = ["value", "reason", "owner", "ticket", "until"];

/// What the columns are called elsewhere.
const KNOWN_AS: [(&str, &[&str]); 5] = [
    (
        "value",
        &[
            "values",
            "entry",
            "item",
            "ip",
            "ips",
            "ip_address",
            "address",
            "cidr",
            "network",
            "subnet",
            "arn",
            "account",
            "account_id",
            "id",
            "name",
            "user",
            "username",
            "image",
            "image_id",
            "ami",
            "ami_id",
            "host",
            "hostname",
            "domain",
            "key",
            "indicator",
            "ioc",
            "pattern",
        ],
    ),
    (
        "reason",
        &[
            "reasons",
            "comment",
            "comments",
            "description",
            "desc",
            "note",
            "notes",
            "remark",
            "why",
            "justification",
            "purpose",
        ],
    ),
    (
        "owner",
        &[
            "owners",
            "responsible",
            "contact",
            "team",
            "author",
            "added_by",
            "created_by",
            "approver",
            "approved_by",
        ],
    ),
    ("ticket", &["ticket_id", "issue", "jira", "case", "reference", "ref", "change", "request", "incident"]),
    (
        "until",
        &[
            "expires",
            "expire",
            "expiry",
            "expiration",
            "expires_at",
            "expires_on",
            "expiry_date",
            "expiration_date",
            "valid_until",
            "valid_to",
            "end",
            "end_date",
            "enddate",
        ],
    ),
];

/// The column of a name.
pub(super) fn column(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|column| *column == name.trim())
}

/// The column that a name most likely means.
pub(super) fn meant(name: &str) -> Option<&'static str> {
    let plain = name.trim().to_lowercase().replace([' ', '-', '.'], "_");
    let by_name = COLUMNS.into_iter().find(|column| *column == plain);
    let known =
        || KNOWN_AS.iter().find(|(_, others)| others.contains(&plain.as_str())).map(|(column, _)| *column);
    by_name.or_else(known).or_else(|| diag::nearest(&plain, COLUMNS))
}

/// The mark between the columns of a row that has no comma.
pub(super) fn separator(row: &str) -> Option<char> {
    let marks = [';', '\t', '|'];
    let behind = |mark: &char| row.split(*mark).next().is_some_and(|first| first.len() < row.len());
    if row.contains(',') { None } else { marks.into_iter().find(behind) }
}

/// Whether the first row has values in it and no names of columns.
pub(super) fn is_data(cells: &[&str]) -> bool {
    let is_name = |cell: &&str| column(cell).is_some() || meant(cell).is_some();
    let of_value = |c: char| c.is_ascii_digit() || matches!(c, '/' | ':' | '*' | '@' | '?' | '\\');
    !cells.iter().any(is_name) && cells.first().is_some_and(|cell| cell.contains(of_value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_stands_for_two_columns() {
        let mut all: Vec<&str> = KNOWN_AS.iter().flat_map(|(_, others)| others.iter().copied()).collect();
        all.extend(COLUMNS);
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn columns_are_guessed() {
        for (name, column) in [
            ("Value", Some("value")),
            ("expires", Some("until")),
            ("Valid Until", Some("until")),
            ("comment", Some("reason")),
            ("resaon", Some("reason")),
            ("ip", Some("value")),
            ("severity", None),
        ] {
            assert_eq!(meant(name), column, "{name}");
        }
    }
}
