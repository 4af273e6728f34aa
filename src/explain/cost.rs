//! What a query makes the SIEM do: counted in its text.
//!
//! In: an emission. Out: phrases such as "2 inner joins". Must not know: rules.

use crate::backend::Emission;

/// A mark in the text of a query, and what it costs, for one and for several.
type Mark = (&'static str, &'static str, &'static str);

/// What is counted, by the name of a target.
const MARKS: &[(&str, &[Mark])] = &[
    (
        "spl",
        &[
            (
                "    [ search ",
                "base search over the look-back; what its first line says is pushed down to the index",
                "base searches over the look-back; what their first lines say is pushed down to the index",
            ),
            ("\n| sort 0 ", "sort of the rows that are left", "sorts of the rows that are left"),
            (
                "\n| streamstats ",
                "pass of streamstats with a row of state for each key, in place of a join",
                "passes of streamstats with a row of state for each key, in place of joins",
            ),
            (
                "\n      | mvexpand ",
                "expansion of a repeated group, behind its condition",
                "expansions of repeated groups, behind their conditions",
            ),
        ],
    ),
    (
        "kql",
        &[
            (
                "\nlet step_",
                "table read over the look-back, filtered by its own columns first",
                "tables read over the look-back, filtered by their own columns first",
            ),
            (
                "\n| join kind=inner",
                "inner join of what the steps left",
                "inner joins of what the steps left",
            ),
            ("\n| mv-expand ", "expansion of a repeated group", "expansions of repeated groups"),
        ],
    ),
    (
        "eql",
        &[
            ("\nsequence ", "sequence, a rule of its own", "sequences, each a rule of its own"),
            (
                "\n  [",
                "item, filtered in Lucene as far as it needs no functions",
                "items, filtered in Lucene as far as they need no functions",
            ),
        ],
    ),
    (
        "sigma",
        &[
            (
                "\nlogsource:",
                "base rule, each a scan where the back end runs it",
                "base rules, each a scan where the back end runs it",
            ),
            ("\ncorrelation:", "correlation over the matches", "correlations over the matches"),
        ],
    ),
];

pub(super) fn of(emission: &Emission) -> Vec<String> {
    let marks =
        MARKS.iter().find(|(target, _)| *target == emission.target).map_or(&[][..], |(_, marks)| marks);
    let counted = marks.iter().filter_map(|(mark, one, several)| {
        let count: usize = emission.parts.iter().map(|part| times(&part.text, mark)).sum();
        match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {several}")),
        }
    });
    counted.collect()
}

/// How often a mark is in a text. A search without branches begins with `search`.
fn times(text: &str, mark: &str) -> usize {
    let alone = mark.trim_start().strip_prefix("[ ").is_some_and(|begin| text.starts_with(begin));
    text.matches(mark).count() + usize::from(alone)
}
