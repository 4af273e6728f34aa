//! The keys of an environment file: which there are, what stands behind each, and what it is for.
//!
//! Files are checked against these tables, the JSON schema and the tables of `docs/commands.md` are printed from them;
//! a test holds them against the types that serde reads. In: nothing. Out: forms. Must not know: any organisation.

use crate::catalog::keys::COLUMN;
use crate::form::{Form, Key, Notation, nullable, optional};
use crate::syntax;

const TEXTS: Form = Form::List(&Form::Text);
const PARAMS: Form = Form::Map(&Form::Text);

/// How far back a search looks, or how often it runs.
const DURATION: Notation = Notation {
    title: "a duration such as `24h`, `90m` or `1d12h`",
    pattern: "^([0-9]+[dhms])+$",
    fits: |text| syntax::duration(text).is_some_and(|seconds| seconds > 0),
};

/// An environment file.
pub const ENVIRONMENT: &[Key] = &[
    optional(
        "lookback",
        Form::Notation(&DURATION),
        "how far back scheduled searches may look: chains that need more are reported (default `24h`)",
    ),
    optional(
        "interval",
        Form::Notation(&DURATION),
        "how often scheduled searches run: part of the look-back that every query states (default `5m`)",
    ),
    optional(
        "lists",
        Form::Word(&["auto", "inline", "lookup"]),
        "how allowlists reach the queries (default `auto`)",
    ),
    optional("sigma", Form::Keys(SIGMA), "how Sigma rules are written"),
    optional("sql", Form::Keys(SQL), "how SQL is written"),
    optional("params", PARAMS, "by name: values of parameters, for every rule that has them; `--set` wins"),
    optional("rules", Form::Map(&Form::Keys(RULE)), "by rule: what holds for that rule alone"),
    optional(
        "sources",
        TEXTS,
        "further source files, relative to this file; one may replace a built-in source or extend one",
    ),
    optional(
        "allow",
        PARAMS,
        "by code of a warning: why it is accepted; such warnings are counted and not shown",
    ),
    optional(
        "targets",
        Form::Map(&Form::Map(&Form::Keys(CHANGE))),
        "by target, by source: what is elsewhere than the source file says",
    ),
];

/// `sigma`: how Sigma rules are written.
pub const SIGMA: &[Key] = &[optional(
    "cased",
    Form::Word(&["needed", "never"]),
    "whether values are compared with the modifier `cased`, which most converters refuse: where letter case can make a difference (default `needed`), or `never`, which makes a rule match more; one whose exceptions would except more needs `--allow-subset`",
)];

/// `sql`: how SQL is written.
pub const SQL: &[Key] = &[optional(
    "layout",
    Form::Word(&["athena", "ocsf", "ocsf1", "ocsf2"]),
    "whose tables the lake has: those that AWS documents for Athena and raw events (default `athena`), or those of Amazon Security Lake, source version 1 (`ocsf1`) or 2 (`ocsf2`, also `ocsf`); `--layout` wins",
)];

/// `rules.RULE`: what holds for one rule.
pub const RULE: &[Key] = &[
    optional("params", PARAMS, "by name: values of parameters; they win over those for every rule"),
    optional("targets", TEXTS, "the targets that the rule is meant for here, in place of its own `targets`"),
    optional(
        "staged",
        Form::Truth,
        "whether the log of the last step is read in two stages (Splunk, SQL), as `--staged` says for one run (default false)",
    ),
];

/// `targets.TARGET.SOURCE`: entries that are left out stay as they are.
pub const CHANGE: &[Key] = &[
    nullable(
        "from",
        Form::Text,
        "table or expression of one (KQL), index pattern (EQL), base search without a pipe (SPL); the `requires` of the source go with the old one",
    ),
    nullable(
        "filter",
        Form::Text,
        "what is true for the source's records: a condition (KQL, EQL), search terms (SPL)",
    ),
    nullable("time", Form::Text, "column or expression of the event time"),
    nullable(
        "time_lag",
        Form::Count,
        "up to how many seconds later than the event the target's clock may be",
    ),
    nullable("time_reason", Form::Text, "why `time_lag` is not 0"),
    optional("words", Form::Map(&Form::Text), "entries such as Sigma's `product`; those not named stay"),
    optional("stored", Form::Map(&Form::Text), crate::catalog::keys::STORED),
    nullable(
        "requires",
        TEXTS,
        "what must be set up for the records to be there, instead of what the source says",
    ),
    optional("fields", Form::Map(&COLUMN), "by canonical name: the column, as in a source file"),
];

/// Every table of an environment file, with the path at which it stands.
pub const TABLES: &[(&str, &[Key])] = &[
    ("`catena.yaml`", ENVIRONMENT),
    ("`sigma`", SIGMA),
    ("`sql`", SQL),
    ("`rules.RULE`", RULE),
    ("`targets.TARGET.SOURCE`", CHANGE),
];
