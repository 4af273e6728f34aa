"""Trino's texts, translated into DuckDB's and run there: no registry that tests may use has Trino itself.

In: rows by source, rows of lists, a text of Trino's SQL. Out: as duck.py. Must not know: scenarios.

What it shows: that a text means the right thing if Trino behaves as its function reference (trino.io/docs/current/functions/)
says and as far as sqlglot knows both dialects. A function that neither sqlglot nor this file translates is refused. What DuckDB
takes and Trino does not, such as a missing cast, it cannot show.
"""

import functools

import duck
import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB

# sqlglot writes `a -> path`, which DuckDB, and sqlglot itself, take for a lambda where it is the argument of a function.
DuckDB.Generator.TRANSFORMS[exp.JSONExtract] = lambda to, node: to.func("json_extract", node.this, node.expression)


class Refused(Exception):
    """No text of Trino, or one that cannot be translated."""


def without_match_null(node):
    """Trino gives NULL where nothing matches, DuckDB an empty text."""
    found = exp.RegexpLike(this=node.this.copy(), expression=node.expression.copy())
    return exp.Case(ifs=[exp.If(this=found, true=node.copy())])


def any_match(node):
    array, condition = node.expressions
    each = exp.Anonymous(this="list_transform", expressions=[array, condition])
    return exp.Anonymous(this="list_bool_or", expressions=[each])


def all_match(node):
    """True of no item at all; false if it is for one, else null if it is for one."""
    array, condition = node.expressions
    where = [exp.Lambda(this=exp.Is(this=exp.paren(condition.this.copy()), expression=value),
                        expressions=[name.copy() for name in condition.expressions]) for value in (exp.false(), exp.null())]
    some = [f"len(list_filter({array.sql('duckdb')}, {one.sql('duckdb')})) > 0" for one in where]
    text = f"CASE WHEN {some[0]} THEN FALSE WHEN {some[1]} OR {array.sql('duckdb')} IS NULL THEN NULL ELSE TRUE END"
    return sqlglot.parse_one(text, read="duckdb")


def arrays_overlap(node):
    return exp.Anonymous(this="list_has_any", expressions=node.expressions)


def without_items(node):
    """DuckDB lets no query stand inside of a lambda, where sqlglot puts the second list."""
    text = "list_transform([b], lambda v: list_filter(a, lambda x: NOT list_contains(v, x)))[1]"
    sides = {"a": node.this, "b": node.expression}
    return sqlglot.parse_one(text, read="duckdb").transform(
        lambda one: sides[one.name].copy() if isinstance(one, exp.Column) and one.name in sides else one
    )


def scalar(node):
    """Trino gives NULL for an object or array, DuckDB its text."""
    parts = [node.this.sql("duckdb"), node.expression.sql("duckdb")]
    return sqlglot.parse_one(f"(json_value({parts[0]}, {parts[1]}) ->> '$')", read="duckdb")


STRICT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?$"


def from_iso(node):
    """Java's `ISO_DATE_TIME`; everything else fails."""
    text = node.this.sql("duckdb")
    kept = f"CAST(CASE WHEN regexp_matches({text}, '{STRICT}') THEN {text} WHEN {text} IS NOT NULL THEN 'none' END AS TIMESTAMPTZ)"
    return sqlglot.parse_one(kept, read="duckdb")


def with_groups(node):
    """Trino writes `$1` where DuckDB writes `\\1`, and replaces all that it finds."""
    new = node.copy()
    new.set("replacement", exp.Literal.string(node.args["replacement"].name.replace("$", "\\")))
    new.set("modifiers", exp.Literal.string("g"))
    return new


def from_nanos(node):
    """An instant, in DuckDB's precision."""
    micros = exp.IntDiv(this=exp.paren(node.expressions[0]), expression=exp.Literal.number(1000))
    return exp.Anonymous(this="make_timestamptz", expressions=[micros])


def best(node):
    """Like Trino, and unlike DuckDB's `arg_max`, a value that is NULL counts."""
    return exp.Anonymous(this="arg_max_null", expressions=[node.this, node.expression])


def lower(node):
    """Trino writes digits above 9 as small letters, DuckDB as capitals."""
    return exp.Lower(this=node.copy())


def same(node):
    return node


# Functions that sqlglot takes over by name alone.
BY_NAME = {
    "any_match": any_match,
    "all_match": all_match,
    "arrays_overlap": arrays_overlap,
    "from_unixtime_nanos": from_nanos,
    "to_base": lower,
    "concat_ws": same,
    "rpad": same,
    "lpad": same,
}


def translated_node(node):
    if isinstance(node, exp.RegexpExtract):
        return without_match_null(node)
    if isinstance(node, exp.FromISO8601TimestampNanos):
        return from_iso(node)
    if isinstance(node, exp.RegexpReplace):
        return with_groups(node)
    if isinstance(node, exp.ArgMax):
        return best(node)
    if isinstance(node, exp.JSONExtractScalar):
        return scalar(node)
    if isinstance(node, exp.ArrayExcept):
        return without_items(node)
    if isinstance(node, exp.Anonymous):
        name = node.name.lower()
        if name not in BY_NAME:
            raise Refused(f"nobody knows what {name} is in DuckDB")
        return BY_NAME[name](node)
    return node


def parsed(text):
    try:
        statements = sqlglot.parse(text, read="trino")
    except sqlglot.errors.SqlglotError as error:
        raise Refused(f"not Trino's SQL: {error}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise Refused("not one query")
    return statements[0]


@functools.lru_cache(1000)
def translated(text):
    """From the leaves up, so that what a function becomes is not translated again."""
    tree = parsed(text)
    for node in sorted(tree.find_all(exp.Func), key=lambda node: -node.depth):
        new = translated_node(node)
        if new is not node:
            if node is tree:
                tree = new
            else:
                node.replace(new)
    return tree.sql(dialect="duckdb")


class Engine(duck.Engine):
    def run(self, text):
        return super().run(translated(text))

    def judged(self, text):
        try:
            return super().judged(translated(text))
        except Refused as error:
            return f"Refused: {error}", []
