"""Translates eval expressions of the closed subset into DuckDB SQL, with a static type for each.

In: tokens of lexer.py, and a function from a field name to its column. Out: `Typed` SQL. Refuses what Splunk would decide by
looking at the values: a comparison of text with a number, a number where text is expected.
"""

import re

TEXT, NUMBER, TRUTH, LIST = "text", "number", "truth", "list"
IS_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
SLOT = re.compile(r"%(?:\.(\d)f|s|%)")


class Refused(Exception):
    """Outside the closed subset."""


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


class Typed:
    def __init__(self, sql, kind):
        self.sql, self.type = sql, kind

    def demand(self, *kinds):
        if self.type not in kinds and self.type is not None:
            raise Refused(f"{self.sql} is {self.type}, not {' or '.join(kinds)}")
        return self.sql

    def truth(self):
        return self.demand(TRUTH)


def string(token):
    """Splunk's manual: \\" is a quote and \\\\ a backslash; no other escape is emitted."""
    inner = token.text[1:-1]
    if re.search(r'(?:^|[^\\])(?:\\\\)*\\[^\\"]', inner):
        raise Refused(f"an escape in {token.text}")
    return re.sub(r"\\(.)", r"\1", inner)


class Expression:
    def __init__(self, tokens, column):
        self.tokens, self.column, self.at = list(tokens), column, 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, *texts):
        token = self.peek()
        if token and token.text in texts and token.kind not in ("string", "name"):
            self.at += 1
            return token
        return None

    def expect(self, text):
        if not self.take(text):
            raise Refused(f"{text} is expected, not {self.peek() and self.peek().text}")

    def whole(self):
        typed = self.logic()
        if self.peek():
            raise Refused(f"{self.peek().text} is left over")
        return typed

    def logic(self):
        first = self.negation()
        joint = self.take("AND", "OR")
        if not joint:
            return first
        parts = [first.truth(), self.negation().truth()]
        while more := self.take("AND", "OR"):
            if more.text != joint.text:
                raise Refused("AND and OR are mixed without parentheses")
            parts.append(self.negation().truth())
        return Typed("(" + f" {joint.text} ".join(parts) + ")", TRUTH)

    def negation(self):
        if self.take("NOT"):
            return Typed(f"(NOT {self.negation().truth()})", TRUTH)
        return self.comparison()

    def comparison(self):
        left = self.sum()
        token = self.peek()
        if not token or token.kind != "compare":
            return left
        self.at += 1
        right = self.sum()
        if token.text == "==":
            raise Refused("== for =")
        if token.text in ("=", "!="):
            left.demand(TEXT, NUMBER)
            right.demand(left.type or right.type)
        else:
            left.demand(NUMBER)
            right.demand(NUMBER)
        return Typed(f"({left.sql} {token.text} {right.sql})", TRUTH)

    def sum(self):
        left = self.operand()
        while token := self.take("+", "-", "."):
            kind, operator = (TEXT, "||") if token.text == "." else (NUMBER, token.text)
            left = Typed(f"({left.demand(kind)} {operator} {self.operand().demand(kind)})", kind)
        return left

    def operand(self):
        token = self.peek()
        if token is None:
            raise Refused("a value is missing")
        self.at += 1
        if token.kind == "left":
            inner = self.logic()
            self.expect(")")
            return inner
        if token.kind == "string":
            return Typed(literal(string(token)), TEXT)
        if token.kind == "name":
            return self.column(token.text[1:-1])
        if token.kind != "word":
            raise Refused(f"{token.text} is no value")
        if IS_NUMBER.match(token.text):
            return Typed(f"{token.text}::DOUBLE", NUMBER)
        if self.peek() and self.peek().kind == "left":
            return self.call(token.text)
        if not re.match(r"^[A-Za-z_]\w*$", token.text):
            raise Refused(f"{token.text} is no name")
        return self.column(token.text)

    def call(self, name):
        self.expect("(")
        if name in ("mvmap", "mvfilter"):
            return getattr(self, name)()
        arguments = []
        while not self.take(")"):
            if arguments:
                self.expect(",")
            arguments.append(self.logic())
        function = FUNCTIONS.get(name)
        if function is None:
            raise Refused(f"the function {name}")
        return function(*arguments)

    def mvmap(self):
        """The expression sees the field's values one by one under the field's own name."""
        field = self.peek().text
        values = self.operand().demand(LIST)
        self.expect(",")
        outer = self.column
        self.column = lambda name: Typed("chain_each", TEXT) if name == field else outer(name)
        inner = self.logic().demand(TEXT)
        self.column = outer
        self.expect(")")
        return Typed(f"list_transform({values}, lambda chain_each: {inner})", LIST)


    def mvfilter(self):
        """The condition names one field, and sees its values one by one."""
        words = (
            token.text
            for token, after in zip(self.tokens[self.at :], self.tokens[self.at + 1 :])
            if token.kind == "word" and after.kind != "left" and not re.fullmatch(r"AND|OR|NOT|[-+.\d]+", token.text)
        )
        field = next(words, None)
        if field is None:
            raise Refused("mvfilter without a field")
        values = self.column(field).demand(LIST)
        outer = self.column

        def each(name):
            if name != field:
                raise Refused("mvfilter with a second field")
            return Typed("chain_each", TEXT)

        self.column = each
        inner = self.logic().truth()
        self.column = outer
        self.expect(")")
        return Typed(f"nullif(list_filter({values}, lambda chain_each: {inner}), [])", LIST)


def branches(condition, yes, no):
    kind = yes.type or no.type
    yes.demand(kind)
    no.demand(kind)
    return Typed(f"(CASE WHEN {condition.truth()} THEN {yes.sql} ELSE {no.sql} END)", kind)


def case(*parts):
    """Splunk's manual: the value of the first condition that is true, null if there is none."""
    if len(parts) % 2:
        raise Refused("case with a condition that has no value")
    pairs = list(zip(parts[::2], parts[1::2]))
    kind = next((value.type for _, value in pairs if value.type), None)
    whens = [f"WHEN {condition.truth()} THEN {value.demand(kind)}" for condition, value in pairs]
    return Typed(f"(CASE {' '.join(whens)} END)", kind)


def coalesce(*values):
    kind = next((value.type for value in values if value.type), None)
    return Typed(f"coalesce({', '.join(value.demand(kind) for value in values)})", kind)


def member(value, *others):
    return Typed(f"({value.sql} IN ({', '.join(other.demand(value.type) for other in others)}))", TRUTH)


def mvindex(values, index):
    number = int(float(index.sql.removesuffix("::DOUBLE")))
    if values.type == TEXT or values.type == NUMBER:
        if number not in (0, -1):
            raise Refused("mvindex into a single value")
        return values
    return Typed(f"{values.demand(LIST)}[{number + 1 if number >= 0 else number}]", TEXT)


def printf(form, *values):
    """A missing value prints as Null, as in Splunk."""
    text, parts, rest, end = form.sql[1:-1], [], list(values), 0
    for slot in SLOT.finditer(text):
        parts.append(f"'{text[end : slot.start()]}'")
        end = slot.end()
        if slot[0] == "%%":
            parts.append("'%'")
            continue
        value = rest.pop(0)
        shown = value.demand(TEXT) if slot[0] == "%s" else f"printf('{slot[0]}', {value.demand(NUMBER)})"
        parts.append(f"coalesce({shown}, 'Null')")
    if rest:
        raise Refused("printf with too many values")
    parts.append(f"'{text[end:]}'")
    return Typed("(" + " || ".join(parts) + ")", TEXT)


def isnum(value):
    return Typed(f"({value.demand(NUMBER)} IS NOT NULL)", TRUTH)


def tonumber(value):
    return Typed(f"TRY_CAST({value.demand(TEXT, NUMBER)} AS DOUBLE)", NUMBER)


def nullif(value, none):
    return Typed(f"nullif({value.demand(TEXT)}, {none.demand(TEXT)})", TEXT)


def tostring(value):
    number = value.demand(NUMBER)
    whole = f"CAST(CAST({number} AS BIGINT) AS VARCHAR)"
    return Typed(f"(CASE WHEN {number} = floor({number}) THEN {whole} ELSE CAST({number} AS VARCHAR) END)", TEXT)


def plain(sql, result, *kinds):
    """A function whose SQL is a format of its arguments' SQL."""

    def make(*values):
        if len(values) != len(kinds):
            raise Refused(f"{sql} takes {len(kinds)} arguments")
        return Typed(sql.format(*(value.demand(*kind) for value, kind in zip(values, kinds))), result)

    return make


def substr(text, *numbers):
    """Characters from the first number, which counts from one, as many as the second says."""
    if not 1 <= len(numbers) <= 2:
        raise Refused("substr takes two or three arguments")
    numbers = [f"CAST({number.demand(NUMBER)} AS INTEGER)" for number in numbers]
    return Typed(f"substr({', '.join([text.demand(TEXT), *numbers])})", TEXT)


ANY = (TEXT, NUMBER, LIST, TRUTH)
FUNCTIONS = {
    "if": branches,
    "case": case,
    "coalesce": coalesce,
    "in": member,
    "mvindex": mvindex,
    "printf": printf,
    "isnum": isnum,
    "tonumber": tonumber,
    "tostring": tostring,
    "nullif": nullif,
    "strftime": plain("strftime(to_timestamp({}), {})", TEXT, (NUMBER,), (TEXT,)),
    "null": lambda: Typed("NULL", None),
    "true": lambda: Typed("true", TRUTH),
    "now": plain("(SELECT spl_now FROM spl_clock WHERE spl_of = scenario)", NUMBER),
    "isnull": plain("({} IS NULL)", TRUTH, ANY),
    "isnotnull": plain("({} IS NOT NULL)", TRUTH, ANY),
    "lower": plain("lower({})", TEXT, (TEXT,)),
    "match": plain("spl_match({}, {})", TRUTH, (TEXT,), (TEXT,)),
    "cidrmatch": plain("spl_cidrmatch({}, {})", TRUTH, (TEXT,), (TEXT,)),
    "replace": plain("spl_replace({}, {}, {})", TEXT, (TEXT,), (TEXT,), (TEXT,)),
    "urldecode": plain("spl_urldecode({})", TEXT, (TEXT,)),
    "strptime": plain("spl_strptime({}, {})", NUMBER, (TEXT,), (TEXT,)),
    "md5": plain("md5({})", TEXT, (TEXT,)),
    "round": plain("round({}, CAST({} AS INTEGER))", NUMBER, (NUMBER,), (NUMBER,)),
    # Search Reference: from the first number to below the second, as texts like all values of a field.
    "mvrange": plain(
        "nullif(list_transform(range(CAST({} AS BIGINT), CAST({} AS BIGINT)), lambda chain_at: CAST(chain_at AS VARCHAR)), [])",
        LIST,
        (NUMBER,),
        (NUMBER,),
    ),
    "split": plain("string_split({}, {})", LIST, (TEXT,), (TEXT,)),
    "substr": substr,
    "len": plain("length({})::DOUBLE", NUMBER, (TEXT,)),
    "mvsort": plain("list_sort({})", LIST, (LIST,)),
    "mvappend": plain("list_concat({}, {})", LIST, (LIST,), (LIST,)),
    "mvdedup": plain("list_distinct({})", LIST, (LIST,)),
    "mvcount": plain("len({})::DOUBLE", NUMBER, (LIST,)),
}
