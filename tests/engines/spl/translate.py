"""Translates the SPL that the compiler emits into one DuckDB query, and runs it over raw events.

In: the text of a search. Out: SQL and, per base macro, the fields it reads from the raw events (`Translation`). Everything
outside the closed subset raises `Refused`: a command, option, function or type that was never thought through has no meaning
here. Scenarios: many independent sets of events run in one query; the column `scenario` keeps them apart.
"""

import re
from dataclasses import dataclass, field

import lexer
from sql_expression import IS_NUMBER, LIST, NUMBER, TEXT, Expression, Refused, Typed, literal, quote

__all__ = ["Refused", "Translation", "translate"]

MACRO = re.compile(r"^`(\w+)`$")
NETWORK = re.compile(r"^\d+\.\d+\.\d+\.\d+/\d+$")


# What a list that a search keeps is asked for.
KEPT = {"last_seen", "open_until"}


@dataclass
class Translation:
    sql: str
    columns: list
    sources: dict = field(default_factory=dict)
    lookups: set = field(default_factory=set)
    kept: dict = field(default_factory=dict)


class Pipeline:
    """A chain of common table expressions. Columns that do not ask for each other are made in one of them (`pending`)."""

    def __init__(self, whole):
        self.whole, self.table, self.types, self.pending = whole, None, {}, {}

    @property
    def now(self):
        """The table so far, with every column in it."""
        self.flush()
        return self.table

    def flush(self):
        if self.pending:
            made = ", ".join(f"{sql} AS {quote(name)}" for name, (sql, _) in self.pending.items())
            replaced = ", ".join(quote(name) for name, (_, is_old) in self.pending.items() if is_old)
            self.pending = {}
            self.step(f"SELECT *{f' EXCLUDE ({replaced})' if replaced else ''}, {made} FROM {self.table}")

    def step(self, select):
        self.table = self.whole.add(select)

    def set(self, name, typed):
        if name in self.pending:
            self.flush()
        self.pending[name] = (typed.sql, name in self.types)
        self.types[name] = typed.type

    def expression(self, tokens):
        return Expression(tokens, self.column).whole()

    def column(self, name):
        """A field that no command has made is one of the raw event: text, and missing where the event lacks it."""
        if name in self.pending:
            self.flush()
        if name not in self.types:
            if self.whole.reading is None:
                return Typed("NULL", TEXT)
            self.whole.reading.add(name)
            return Typed(quote(f"raw_{name}"), TEXT)
        return Typed(quote(name), self.types[name])

    def run(self, commands):
        for command in commands:
            name = command.name.text if command.name else "search"
            action = getattr(self, f"do_{name}", None)
            if action is None:
                raise Refused(f"the command {name}")
            action(command.arguments)

    def do_multisearch(self, tokens):
        branches = []
        for token in tokens:
            if token.kind != "search":
                raise Refused("multisearch takes branches only")
            branch = Pipeline(self.whole)
            branch.run(token.pipeline)
            branches.append(branch)
        for branch in branches:
            for name, kind in branch.types.items():
                if self.types.setdefault(name, kind) != kind:
                    raise Refused(f"the branches disagree about the type of {name}")
        self.step(" UNION ALL BY NAME ".join(f"SELECT * FROM {branch.now}" for branch in branches))

    def do_search(self, tokens):
        """The first one names the events by a macro; a later one filters what there is."""
        if self.now is None:
            macro = MACRO.match(tokens[0].text) if tokens else None
            if not macro:
                raise Refused("a search starts with one macro")
            self.whole.reading = self.whole.sources.setdefault(macro[1], set())
            self.types = {"_time": NUMBER, "_raw": TEXT}
            self.step(f"SELECT * FROM {quote('events_' + macro[1])}")
            tokens = tokens[1:]
        if tokens:
            self.step(f"SELECT * FROM {self.now} WHERE {Terms(tokens, self).whole()}")

    def do_where(self, tokens):
        typed = self.expression(tokens)
        self.step(f"SELECT * FROM {self.now} WHERE {typed.truth()}")

    def do_eval(self, tokens):
        for part in split_commas(tokens):
            if len(part) < 3 or part[1].text != "=" or part[0].kind != "word":
                raise Refused("an assignment is expected")
            self.set(part[0].text, self.expression(part[2:]))

    def do_spath(self, tokens):
        options = options_of(tokens, {"input", "output", "path"})
        source = self.column(options.get("input", "_raw")).demand(TEXT)
        steps = options["path"].split(".")
        path = literal("$" + "".join(f'."{step.removesuffix("{}")}"' + "[*]" * step.endswith("{}") for step in steps))
        if "{}" in options["path"]:
            items = f"list_transform(json_extract({source}, {path}), lambda item: json_extract_string(item, '$'))"
            self.set(options["output"], Typed(f"nullif({items}, [])", LIST))
        else:
            # A null is a text like others, as in ingest.py.
            null = f"CASE json_type({source}, {path}) WHEN 'NULL' THEN 'null' END"
            self.set(options["output"], Typed(f"coalesce(json_extract_string({source}, {path}), {null})", TEXT))

    def do_mvexpand(self, tokens):
        (name,) = [token.text for token in tokens]
        if self.types.get(name) != LIST:
            raise Refused(f"mvexpand of {name}, which is no list")
        rows = f"unnest(coalesce({quote(name)}, [NULL]))"
        self.step(f"SELECT * EXCLUDE ({quote(name)}), {rows} AS {quote(name)} FROM {self.now}")
        self.types[name] = TEXT

    def do_lookup(self, tokens):
        words = [token.text for token in tokens]
        if KEPT & set(words):
            self.ask_kept(tokens)
            return
        if len(words) < 8 or words[1:3] != ["value", "AS"] or words[4] != "OUTPUT" or (len(words) - 5) % 3:
            raise Refused("lookup NAME value AS FIELD OUTPUT COLUMN AS FIELD … is expected")
        self.whole.lookups.add(words[0])
        sought = self.column(words[3]).demand(TEXT)
        table = quote("lookup_" + words[0])
        for column, word, name in zip(words[5::3], words[6::3], words[7::3], strict=True):
            if column not in ("value", "until") or word != "AS":
                raise Refused(f"lookup gives value and until, not {column} {word}")
            # An empty cell is taken for an empty text: the search must know both.
            self.set(name, Typed(f"(SELECT any_value(l.{column}) FROM {table} l WHERE l.value = {sought})", TEXT))

    def ask_kept(self, tokens):
        """Of a list that a search keeps: rows by the texts of their keys, one for each."""
        words = [token.text for token in tokens if token.kind != "comma"]
        split = words.index("OUTPUT") if "OUTPUT" in words else 0
        keys, given = words[1:split], words[split + 1 :]
        if not keys or len(keys) % 3 or set(keys[1::3]) != {"AS"} or given[:1] not in ([name] for name in KEPT) or given[1:2] != ["AS"] or len(given) != 3:
            raise Refused("lookup NAME COLUMN AS FIELD, … OUTPUT last_seen AS FIELD is expected")
        self.whole.kept.setdefault(words[0], set()).update([*keys[::3], given[0]])
        same = " AND ".join(f"l.{quote(key)} = {as_text(self.column(field))}" for key, field in zip(keys[::3], keys[2::3]))
        table = f"(SELECT max(l.{given[0]}) FROM {quote('kept_' + words[0])} l WHERE l.spl_of = scenario AND {same})"
        self.set(given[2], Typed(table, TEXT))

    def do_rename(self, tokens):
        for part in split_commas(tokens):
            old, word, new = (token.text for token in part)
            if word != "AS" or new in self.types or old not in self.types:
                raise Refused(f"rename of {old} to {new}")
            self.step(f"SELECT * RENAME ({quote(old)} AS {quote(new)}) FROM {self.now}")
            self.types[new] = self.types.pop(old)

    def do_stats(self, tokens):
        texts = [token.text for token in tokens]
        if "BY" not in texts:
            raise Refused("stats without BY")
        by = texts.index("BY")
        keys = [text for text in texts[by + 1 :] if text != ","]
        self.flush()
        made = []
        for part in split_commas(tokens[:by]):
            words = [token.text for token in part]
            if len(words) != 6 or words[0] not in ("min", "max") or (words[1], words[3:5]) != ("(", [")", "AS"]):
                raise Refused(f"the aggregate {' '.join(words)}")
            made.append((words[5], f"{words[0]}({self.column(words[2]).demand(NUMBER)})"))
        columns = ["scenario", *(quote(self.known(key)) for key in keys)]
        # Rows that lack a key are in no group.
        present = " AND ".join(f"{column} IS NOT NULL" for column in columns)
        values = ", ".join(f"{sql} AS {quote(name)}" for name, sql in made)
        self.step(f"SELECT {', '.join(columns)}, {values} FROM {self.table} WHERE {present} GROUP BY {', '.join(columns)}")
        self.types = {key: self.types[key] for key in keys} | {name: NUMBER for name, _ in made}

    def known(self, name):
        if name not in self.types:
            raise Refused(f"a group by {name}, which nothing made")
        return name

    def do_inputlookup(self, tokens):
        """Adds the rows of a list; whatever a cell holds is text."""
        words = [token.text for token in tokens]
        if words[:3] != ["append", "=", "true"] or len(words) != 4:
            raise Refused("inputlookup append=true NAME is expected")
        self.flush()
        self.whole.kept.setdefault(words[3], set()).update(self.types)
        own = ", ".join(f"{as_text(self.column(name))} AS {quote(name)}" for name in self.types)
        held = ", ".join(quote(name) for name in self.types)
        self.step(f"SELECT scenario, {own} FROM {self.table} UNION ALL SELECT spl_of, {held} FROM {quote('kept_' + words[3])}")
        self.types = dict.fromkeys(self.types, TEXT)

    def do_outputlookup(self, tokens):
        """The rows are the answer: whoever asks keeps them for the next request."""
        words = [token.text for token in tokens]
        if words[:3] != ["override_if_empty", "=", "false"] or len(words) != 4:
            raise Refused("outputlookup override_if_empty=false NAME is expected")

    def do_fields(self, tokens):
        words = [token.text for token in tokens if token.kind != "comma"]
        if words[0] == "-":
            gone = [name for name in words[1:] if name in self.types]
            for name in gone:
                del self.types[name]
            if gone:
                self.step(f"SELECT * EXCLUDE ({', '.join(map(quote, gone))}) FROM {self.now}")
            return
        kept = list(dict.fromkeys(["_time", *(["_raw"] if "_raw" in self.types else []), *words]))
        self.select([name for name in kept if name in self.types])
        self.whole.reading = None

    def do_table(self, tokens):
        names = [token.text for token in tokens if token.kind != "comma"]
        missing = [name for name in names if name not in self.types]
        if missing:
            raise Refused(f"table of columns that nothing made: {missing}")
        self.select(names)

    def select(self, names):
        own = ["scenario"] + (["spl_row"] if "spl_row" in self.types else [])
        self.step(f"SELECT {', '.join(map(quote, own + names))} FROM {self.now}")
        self.types = {name: kind for name, kind in self.types.items() if name in names or name == "spl_row"}

    def do_sort(self, tokens):
        words = [token.text for token in tokens if token.kind != "comma"]
        if words[:1] != ["0"] or any(word[0] not in "+-" for word in words[1:]):
            raise Refused("sort 0 with a direction for each field is expected")
        order = ", ".join(f"{self.column(word[1:]).sql} {'ASC' if word[0] == '+' else 'DESC'} NULLS LAST" for word in words[1:])
        if "spl_row" in self.types:
            order += ", spl_row"
        self.set("spl_row", Typed(f"row_number() OVER (ORDER BY {order})", NUMBER))

    def do_dedup(self, tokens):
        words = [token.text for token in tokens if token.kind != "comma"]
        if words[-3:] != ["keepempty", "=", "true"]:
            raise Refused("dedup FIELD… keepempty=true is expected")
        self.flush()
        columns = [self.column(name).sql for name in words[:-3]]
        order = "ORDER BY spl_row" if "spl_row" in self.types else ""
        empty = " OR ".join(f"{column} IS NULL" for column in columns)
        first = f"row_number() OVER (PARTITION BY scenario, {', '.join(columns)} {order}) = 1"
        self.step(f"SELECT * FROM {self.now} QUALIFY {first} OR {empty}")

    def do_addinfo(self, tokens):
        """Of a search over all time."""
        if tokens:
            raise Refused("addinfo takes nothing")
        self.set("info_min_time", Typed("0::DOUBLE", NUMBER))

    def do_fieldformat(self, tokens):
        """It changes what is shown of a column, not what the column holds."""
        if len(tokens) < 3 or tokens[1].text != "=" or tokens[0].text not in self.types:
            raise Refused("fieldformat COLUMN=expression is expected")
        Expression(tokens[2:], self.column).whole()

    def do_streamstats(self, tokens):
        texts = [token.text for token in tokens]
        if texts[:2] != ["window", "="] or not texts[2].isdecimal():
            raise Refused("streamstats without window=0, which some pages read as 10,000 rows")
        rows, start = int(texts[2]), 3
        if rows:
            # Search Reference, streamstats: one window for each group; with more rows than max_stream_window it fails.
            if rows > 10_000 or texts[3:6] != ["global", "=", "f"]:
                raise Refused("streamstats with a window of rows without global=f, or of more than 10,000")
            start = 6
        older = texts[start : start + 3] == ["current", "=", "f"]
        tokens = tokens[start + 3 * older :]
        texts = [token.text for token in tokens]
        by = texts.index("BY") if "BY" in texts else len(texts)
        keys = [text for text in texts[by + 1 :] if text != ","]
        self.flush()
        partition = ", ".join(["scenario"] + [self.column(key).sql for key in keys])
        present = " AND ".join(f"{self.column(key).sql} IS NOT NULL" for key in keys) or "true"
        frame = f"{rows - 1} PRECEDING" if rows else "UNBOUNDED PRECEDING"
        frame = f"BETWEEN {frame} AND {'1 PRECEDING' if older else 'CURRENT ROW'}"
        window = f"OVER (PARTITION BY {partition} ORDER BY spl_row ROWS {frame})"
        made = [column for part in split_commas(tokens[:by]) for column in self.aggregates([token.text for token in part], window)]
        for name, typed in made:
            self.set(name, Typed(f"CASE WHEN {present} THEN {typed.sql} END", typed.type))

    def aggregates(self, words, window):
        """`function(field) AS name`; `last(prefix*) AS prefix*` stands for every column of that prefix."""
        if words[:2] == ["count", "AS"] and len(words) == 3:
            return [(words[2], Typed(f"count(*) {window}::DOUBLE", NUMBER))]
        if len(words) != 6 or (words[1], words[3:5]) != ("(", [")", "AS"]):
            raise Refused(f"the aggregate {' '.join(words)}")
        function, read, name = words[0], words[2], words[5]
        if read.endswith("*"):
            if name != read:
                raise Refused(f"{read} AS {name}")
            return [self.aggregate(function, column, column, window) for column in list(self.types) if column.startswith(read[:-1])]
        return [self.aggregate(function, read, name, window)]

    def aggregate(self, function, read, name, window):
        column = self.column(read)
        if function in ("max", "min", "sum"):
            return name, Typed(f"{function}({column.sql}) {window}", column.type)
        if function == "last":
            return name, Typed(f"last_value({column.sql} IGNORE NULLS) {window}", column.type)
        if function != "values":
            raise Refused(f"the aggregate {function}")
        column.demand(TEXT)
        values = f"array_agg({column.sql}) FILTER (WHERE {column.sql} IS NOT NULL) {window}"
        return name, Typed(f"nullif(list_sort(list_distinct({values})), [])", LIST)


class Terms:
    """The terms of a search: implicit AND; `*` stands for any run of characters, in quotes as well; case does not count.

    Splunk's manual: `f="v"` and `f!="v"` ask for events that have f, `NOT f="v"` holds for those without it.
    """

    def __init__(self, tokens, pipeline):
        self.tokens, self.pipeline = list(tokens), pipeline

    def whole(self):
        sql = self.level()
        if self.tokens:
            raise Refused(f"{self.tokens[0].text} in a search")
        return sql

    def level(self):
        terms, joints = [self.term()], set()
        while self.tokens and self.tokens[0].kind != "right":
            if self.tokens[0].text in ("AND", "OR"):
                joints.add(self.tokens.pop(0).text)
            else:
                joints.add("AND")
            terms.append(self.term())
        if len(joints) > 1:
            raise Refused("AND and OR are mixed in a search")
        return "(" + f" {''.join(joints) or 'AND'} ".join(terms) + ")"

    def take(self, *kinds):
        token = self.tokens.pop(0) if self.tokens else None
        if token is None or token.kind not in kinds:
            raise Refused(f"{token.text if token else 'the end'} in a search, where {' or '.join(kinds)} is expected")
        return token

    def term(self):
        token = self.take("word", "left", "string")
        if token.kind == "left":
            sql = self.level()
            self.take("right")
            return sql
        if token.text == "NOT":
            return f"(NOT {self.term()})"
        if self.tokens and self.tokens[0].text == "IN" and token.kind == "word":
            return self.one_of(token)
        if not self.tokens or self.tokens[0].kind != "compare":
            return self.held(token)
        if token.kind == "string":
            raise Refused(f"the field {token.text} in a search")
        sign, value = self.take("compare"), self.take("string", "word")
        column = self.pipeline.column(token.text).demand(TEXT)
        if value.kind == "word":
            return f"coalesce({self.number(column, sign.text, value.text)}, false)"
        return f"coalesce({self.text(column, sign.text, value.text[1:-1])}, false)"

    def one_of(self, field):
        """Splunk's manual: `f IN (a, b)` is short for `f=a OR f=b`."""
        self.tokens.pop(0)
        self.take("left")
        column, values = self.pipeline.column(field.text).demand(TEXT), []
        while not values or self.take("comma", "right").kind == "comma":
            value = self.take("word", "string")
            values.append(self.text(column, "=", value.text.strip('"')))
        return f"coalesce({' OR '.join(values)}, false)"

    def held(self, token):
        """A word of the raw event, or several in a row: whole terms, as the index splits them at ASCII punctuation."""
        text = token.text[1:-1] if token.kind == "string" else token.text
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9 ._:@-]*[A-Za-z0-9])?", text):
            raise Refused(f"the term {token.text}")
        pattern = r"(?i)(^|[^A-Za-z0-9\x{80}-\x{10FFFF}])" + re.escape(text) + r"($|[^A-Za-z0-9\x{80}-\x{10FFFF}])"
        return f"regexp_matches({self.pipeline.column('_raw').demand(TEXT)}, {literal(pattern)})"

    def number(self, column, sign, value):
        if sign not in ("<", "<=", ">", ">=") or not IS_NUMBER.match(value):
            raise Refused(f"the term {sign}{value}")
        return f"(TRY_CAST({column} AS DOUBLE) {sign} {value})"

    def text(self, column, sign, value):
        if sign not in ("=", "!=") or "\\" in value or ".." in value:
            raise Refused(f"the term {sign}{value}")
        if NETWORK.match(value):
            return f"({'NOT ' if sign == '!=' else ''}spl_cidrmatch({literal(value)}, {column}))"
        escaped = value.lower().replace("%", "\\%").replace("_", "\\_").replace("*", "%")
        return f"({'NOT ' if sign == '!=' else ''}lower({column}) LIKE {literal(escaped)} ESCAPE '\\')"


class Whole:
    def __init__(self):
        self.tables, self.sources, self.lookups, self.kept, self.reading = [], {}, set(), {}, None

    def add(self, select):
        self.tables.append(select)
        return f"s{len(self.tables)}"


def as_text(typed):
    """As a CSV file holds it, and as a lookup compares it."""
    if typed.type == NUMBER:
        whole = f"CAST(CAST({typed.sql} AS BIGINT) AS VARCHAR)"
        return f"(CASE WHEN {typed.sql} = floor({typed.sql}) THEN {whole} ELSE CAST({typed.sql} AS VARCHAR) END)"
    return typed.demand(TEXT)


def options_of(tokens, allowed):
    options = {}
    for name, equals, value in zip(tokens[::3], tokens[1::3], tokens[2::3]):
        if equals.text != "=" or name.text not in allowed:
            raise Refused(f"the option {name.text}")
        options[name.text] = value.text.strip('"')
    return options


def split_commas(tokens):
    parts, depth = [[]], 0
    for token in tokens:
        depth += {"left": 1, "right": -1}.get(token.kind, 0)
        if token.kind == "comma" and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def translate(text):
    whole = Whole()
    pipeline = Pipeline(whole)
    pipeline.run(lexer.parse(text))
    tables = ",\n".join(f"s{number} AS MATERIALIZED ({select})" for number, select in enumerate(whole.tables, 1))
    columns = ["scenario", *(name for name in pipeline.types if name != "spl_row")]
    sql = f"WITH {tables}\nSELECT {', '.join(map(quote, columns))} FROM {pipeline.now}"
    return Translation(sql, columns, whole.sources, whole.lookups, whole.kept)
