"""Reads eval expressions and search terms, and reports what is outside the closed subset.

In: tokens of lexer.py. Out: through `report(token, code, message)`; raises Fault on a syntax error.
Must not know: commands.
"""

import re

from lexer import Fault

NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
IDENTIFIER = re.compile(r"^[A-Za-z_]\w*$")
ARITHMETIC = {"+", "-", "*", "/", "%", "."}
LOGIC = {"AND", "OR", "NOT", "XOR", "IN"}


class Reader:
    """A cursor over the tokens of one expression."""

    def __init__(self, tokens, end, closed, report):
        self.tokens, self.end, self.closed, self.report = tokens, end, closed, report
        self.index = 0

    def peek(self, kind=None, *texts):
        if self.index >= len(self.tokens):
            return None
        token = self.tokens[self.index]
        if kind and token.kind != kind or texts and token.text not in texts:
            return None
        return token

    def take(self, kind=None, *texts):
        token = self.peek(kind, *texts)
        if token:
            self.index += 1
        return token

    def demand(self, what, kind, *texts):
        token = self.take(kind, *texts)
        if not token:
            found = self.peek()
            raise Fault(found.start if found else self.end, "CP02", f"{what} is expected")
        return token

    def finish(self):
        left_over = self.peek()
        if left_over:
            raise Fault(left_over.start, "CP02", f"{left_over.text} is not expected here")

    def logic_in_capitals(self, token):
        if token.kind == "word" and token.text not in LOGIC and token.text.upper() in LOGIC:
            self.report(token, "CP05", f"{token.text} must be written {token.text.upper()}")

    def comparison(self):
        token = self.take("compare")
        if token and token.text == "==":
            self.report(token, "CP05", "== must be written =")
        return token


class Expression(Reader):
    """An eval expression: logic, comparisons, arithmetic, calls."""

    def whole(self):
        self.logic()
        self.finish()

    def logic(self):
        """AND and OR are never mixed without parentheses, because search and eval rank them differently."""
        first = None
        self.negation()
        while joint := self.take("word", "AND", "OR", "XOR", "and", "or", "xor"):
            self.logic_in_capitals(joint)
            if first and joint.text != first:
                self.report(joint, "CP06", f"{first} and {joint.text} are mixed without parentheses")
            first = first or joint.text
            self.negation()

    def negation(self):
        while token := self.take("word", "NOT", "not"):
            self.logic_in_capitals(token)
        self.compared()

    def compared(self):
        left = self.peek()
        self.sum()
        if self.comparison():
            if left and left.kind == "string" and self.tokens[self.index - 2] is left:
                self.report(left, "CP07", "a string is compared; a field name takes single quotes here")
            self.sum()
        elif membership := self.take("word", "IN", "in"):
            self.logic_in_capitals(membership)
            self.arguments()

    def sum(self):
        self.operand()
        while self.take("word", *ARITHMETIC):
            self.operand()

    def operand(self):
        token = self.peek()
        if token and token.kind == "left":
            self.index += 1
            self.logic()
            self.demand(")", "right")
        elif token and token.kind in ("string", "name"):
            self.index += 1
        elif token and token.kind == "word":
            self.word(self.take("word"))
        else:
            raise Fault(token.start if token else self.end, "CP02", "a value is expected")

    def word(self, token):
        if self.peek("left"):
            self.call(token)
        elif token.text.upper() in LOGIC or token.text in ARITHMETIC:
            raise Fault(token.start, "CP02", f"a value is expected, not {token.text}")
        elif not NUMBER.match(token.text) and not IDENTIFIER.match(token.text):
            self.report(token, "CP07", f"{token.text}: names take single quotes, operators take spaces")

    def call(self, token):
        limits = self.closed["functions"].get(token.text)
        if limits is None:
            self.report(token, "CP04", f"the function {token.text} is outside the closed list")
        count = self.arguments(branches=token.text in ("if", "case"))
        if limits and not limits[0] <= count <= (limits[1] if limits[1] is not None else count):
            self.report(token, "CP04", f"{token.text} with {count} arguments")

    def arguments(self, branches=False):
        self.demand("(", "left")
        count = 0
        while not self.peek("right"):
            if count:
                self.demand(",", "comma")
            self.argument(branches)
            count += 1
        self.demand(")", "right")
        return count

    def argument(self, branches):
        """null() stands only as a whole branch of if or case; elsewhere Splunk refuses it before the search runs."""
        start = self.index
        self.logic()
        inner = self.tokens[start : self.index]
        if is_null(inner) and not branches:
            self.report(inner[0], "CP04", "null() outside the branches of if and case")


def is_null(tokens):
    return [token.text for token in tokens] == ["null", "(", ")"]


class Terms(Reader):
    """The terms of a search command: an implicit AND joins them, and OR binds before it."""

    def whole(self):
        self.level()
        self.finish()

    def level(self):
        terms, joints = 0, {}
        while self.peek() and not self.peek("right"):
            if joint := self.take("word", "AND", "OR", "and", "or"):
                self.logic_in_capitals(joint)
                if not terms or not self.peek() or self.peek("right"):
                    raise Fault(joint.start, "CP02", f"{joint.text} joins nothing")
                joints.setdefault(joint.text.upper(), joint)
            elif terms:
                joints.setdefault("AND", self.peek())
            self.term()
            terms += 1
        if len(joints) > 1:
            self.report(joints["OR"], "CP06", "AND and OR are mixed without parentheses")
        if not terms:
            raise Fault(self.peek().start if self.peek() else self.end, "CP02", "a search term is expected")

    def term(self):
        while token := self.take("word", "NOT", "not"):
            self.logic_in_capitals(token)
        if self.take("left"):
            self.level()
            self.demand(")", "right")
        elif not self.take("macro"):
            self.field_test()

    def field_test(self):
        token = self.take("word") or self.take("string")
        if not token:
            found = self.peek()
            raise Fault(found.start if found else self.end, "CP02", "a search term is expected")
        if self.comparison():
            if not self.take("word") and not self.take("string"):
                raise Fault(token.end, "CP02", "a value is expected")
        elif membership := self.take("word", "IN", "in"):
            self.logic_in_capitals(membership)
            self.members()

    def members(self):
        self.demand("(", "left")
        while True:
            if not self.take("word"):
                self.demand("a value", "string")
            if not self.take("comma"):
                break
        self.demand(")", "right")
