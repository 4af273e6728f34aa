//! Names that must be bracketed.
//!
//! In: a name. Out: whether it may stand as it is. Must not know: anything else.

/// Words that Kusto's parser does not take for a name, sorted, all in lower case: names of columns mostly are not.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "accumulate", "and", "anomalychart", "areachart", "as", "asc", "bagexpansion", "barchart",
    "best_effort", "between", "boolean", "by", "byte", "cachingpolicy", "callout", "cancel", "card",
    "char", "columnchart", "contains", "contains_cs", "containscs", "cycles", "dataexport", "datascope",
    "datatable", "date", "datetime", "datetime_pattern", "decimal", "decodeblocks", "desc", "double",
    "dynamic", "earliest", "encodingpolicy", "endswith", "endswith_cs", "entity_group", "expandoutput",
    "extent_tags_retention", "external_data", "externaldata", "find", "first", "flags", "float",
    "force_remote", "harddelete", "hardretention", "has", "has_all", "has_any", "has_cs", "hasprefix",
    "hasprefix_cs", "hassuffix", "hassuffix_cs", "hotcache", "in", "inline_external_table", "int",
    "int16", "int32", "int64", "int8", "invoke", "isfuzzy", "journal", "kind", "ladderchart", "last",
    "latest", "like", "likecs", "linechart", "long", "materialize", "mdm", "missing", "nooptimization",
    "notcontains", "notcontainscs", "notlike", "notlikecs", "of", "or", "others", "pathformat",
    "piechart", "pivotchart", "print", "project", "queries", "query_parameters", "query_results",
    "real", "relaxed", "restricted_view_access", "row_level_security", "rowstore",
    "rowstore_references", "rowstore_sealinfo", "rowstorepolicy", "rowstores", "sample", "scatterchart",
    "seal", "seals", "search", "set", "shards", "simple", "softdelete", "softretention", "sql",
    "stackedareachart", "startswith", "startswith_cs", "statistics", "storedqueryresultcontainers",
    "string", "tablepurge", "time", "timechart", "timeline", "timepivot", "timespan", "title", "to",
    "toscalar", "totable", "treemap", "uint", "uint16", "uint32", "uint64", "uint8", "ulong", "union",
    "uniqueid", "unrestrictedviewers", "verbose", "viewers", "views", "where", "with_itemindex",
    "with_match_id", "with_node_id", "with_source", "with_step_name", "withsource", "writeaheadlog",
];

/// Whether a name needs no brackets: letters, digits and underscores, and no keyword. `__…` is reserved.
pub(super) fn is_plain(text: &str) -> bool {
    let mut bytes = text.bytes();
    let starts = bytes.next().is_some_and(|byte| byte == b'_' || byte.is_ascii_alphabetic());
    let word = starts && bytes.all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    let keyword =
        || !text.bytes().any(|byte| byte.is_ascii_uppercase()) && KEYWORDS.binary_search(&text).is_ok();
    word && !text.starts_with("__") && !keyword()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_sorted_and_in_lower_case() {
        assert!(KEYWORDS.is_sorted());
        assert!(!KEYWORDS.iter().any(|word| word.bytes().any(|byte| byte.is_ascii_uppercase())));
    }

    #[test]
    fn plain_names() {
        for name in ["TimeGenerated", "launch_time", "_item", "items", "a1"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["", "1a", "a.b", "a-b", "where", "has_any", "__id", "naïve", "a b"] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
