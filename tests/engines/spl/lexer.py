"""Splits SPL into tokens and pipelines.

In: the text. Out: a pipeline, which is a list of commands; a command holds its name token and its argument tokens, and a
bracketed pipeline among them is a token of kind "search" with that pipeline as its value. Raises Fault at the first
thing that no closing quote, bracket or backtick can mend. Must not know: which commands are allowed.
"""

import re
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<comment>```(?:(?!```)[\s\S])*```)
      | (?P<macro>`[^`\s]*(?:\s[^`]*)?`)
      | (?P<string>"(?:[^"\\]|\\[\s\S])*")
      | (?P<name>'(?:[^'\\]|\\[\s\S])*')
      | (?P<pipe>\|) | (?P<open>\[) | (?P<close>\]) | (?P<left>\() | (?P<right>\)) | (?P<comma>,)
      | (?P<compare>==|!=|<=|>=|=|<|>)
      | (?P<word>[^\s"'`|\[\](),=<>!]+)
      | (?P<odd>[\s\S])""",
    re.VERBOSE,
)
QUOTES = {'"': "a string", "'": "a field name", "`": "a macro or a comment"}


class Fault(Exception):
    """A problem at an offset of the text."""

    def __init__(self, offset, code, message):
        super().__init__(message)
        self.offset, self.code, self.message = offset, code, message


@dataclass
class Token:
    kind: str
    text: str
    start: int
    pipeline: list = field(default_factory=list)

    @property
    def end(self):
        return self.start + len(self.text)


@dataclass
class Command:
    """A stage of a pipeline; `name` is None for an implicit search or a macro that stands alone."""

    name: Token | None
    arguments: list
    start: int
    after_pipe: bool


def tokens(text):
    for match in TOKEN.finditer(text):
        token = Token(match.lastgroup, match.group(), match.start())
        if token.kind == "odd":
            what = QUOTES.get(token.text)
            raise Fault(token.start, "CP01", f"{what} is not closed" if what else f"a stray {token.text}")
        if token.kind not in ("space", "comment"):
            yield token


def parse(text):
    stream = list(tokens(text))
    pipeline, rest = parse_pipeline(stream, 0, len(text))
    if rest < len(stream):
        raise Fault(stream[rest].start, "CP01", "] closes nothing")
    return pipeline


def parse_pipeline(stream, index, end):
    """The pipeline from `index` up to its closing bracket or the end, and the index behind its last token."""
    commands, after_pipe = [], False
    if index < len(stream) and stream[index].kind == "pipe":
        index, after_pipe = index + 1, True
    while True:
        arguments, index = parse_stage(stream, index, end)
        start = arguments[0].start if arguments else (stream[index].start if index < len(stream) else end)
        if not arguments:
            raise Fault(start, "CP01", "a command is missing here")
        commands.append(command(arguments, start, after_pipe))
        if index == len(stream) or stream[index].kind == "close":
            return commands, index
        index, after_pipe = index + 1, True


def parse_stage(stream, index, end):
    """The tokens of one command, bracketed pipelines folded into one token each."""
    arguments = []
    while index < len(stream) and stream[index].kind not in ("pipe", "close"):
        token = stream[index]
        index += 1
        if token.kind == "open":
            inner, index = parse_pipeline(stream, index, end)
            if index == len(stream):
                raise Fault(token.start, "CP01", "[ is not closed")
            token = Token("search", "[", token.start, inner)
            index += 1
        arguments.append(token)
    return arguments, index


def command(arguments, start, after_pipe):
    """Behind a pipe the first word is the command; elsewhere a search, whose word may be left out."""
    first = arguments[0]
    named = first.kind == "word" and (after_pipe or first.text == "search")
    return Command(first if named else None, arguments[1:] if named else arguments, start, after_pipe)
