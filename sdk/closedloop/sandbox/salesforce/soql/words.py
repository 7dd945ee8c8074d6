"""The words that query text is made of, one at a time, and the refusal that points at one of them."""

from __future__ import annotations

import re
from typing import NamedTuple

from closedloop.sandbox.salesforce.refusal import Refusal

_EXCERPT = 60
_AHEAD = 3  # how far anybody looks ahead, and one more
# Comments are no part of the SOQL reference; the parsers that tools use read over them, and so do we.
_TOKEN = re.compile(
    r"""(?>(?:\s+|//[^\n]*|/\*.*?\*/)*)
    (?:(?P<name>[A-Za-z][A-Za-z0-9_]*)
    |(?P<datetime>\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d))
    |(?P<date>\d{4}-\d\d-\d\d)
    |(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<text>'(?:[^'\\]|\\.)*')
    |(?P<sign>!=|<>|<=|>=|[=<>])
    |(?P<mark>[(),.:])
    |(?P<odd>.)
    |\Z)""",
    re.DOTALL | re.VERBOSE,
)


class Word(str):
    """A piece of the text that knows where it stands in it."""

    __slots__ = ("start",)
    start: int

    @classmethod
    def at(cls, start: int, text: str) -> Word:
        """The text as the word that stands at that place."""
        word = cls(text)
        word.start = start
        return word


class Token(NamedTuple):
    """What kind of word (name, text, number, …), the text, its place, and a name in lower case."""

    kind: str
    text: str
    start: int
    key: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class Tokens:
    """The words of a text in their order; `next` is the one that comes next, at the end one of kind `end`.

    `code` is the code of the refusal where one stands wrong.
    """

    def __init__(self, text: str, code: str = "MALFORMED_QUERY", *, start: int = 0) -> None:
        self.text = text
        self.code = code
        self._all = [
            Token(kind, word, match.start(kind), word.lower() if kind == "name" else word)
            for match in _TOKEN.finditer(text, start)
            if (kind := match.lastgroup) is not None  # None at the end of the text
            for word in (match[kind],)
        ]
        end = Token("end", "<EOF>", len(text), "")
        self._all += [end] * _AHEAD
        self._at = 0
        self.next = self._all[0]

    def ahead(self, steps: int) -> Token:
        """The token that comes one or two after the next one."""
        return self._all[self._at + steps]

    def take(self) -> Token:
        """The next token, which is then behind us."""
        token = self.next
        if token.kind != "end":
            self._at += 1
            self.next = self._all[self._at]
        return token

    def taken(self, key: str) -> bool:
        """Whether the next token was that one (a word in lower case, or a mark); if so, it is taken."""
        if self.next.key != key:
            return False
        self._at += 1
        self.next = self._all[self._at]
        return True

    def both(self, first: str, second: str) -> bool:
        """Whether the next tokens were those two; if so, both are taken."""
        if self.next.key != first or self.ahead(1).key != second:
            return False
        self.take()
        self.take()
        return True

    def want(self, key: str) -> Token:
        """The next token, which has to be that one."""
        token = self.next
        if token.key != key:
            raise self.unexpected(token)
        return self.take()

    def kind(self, kind: str) -> Token:
        """The next token, which has to be of that kind."""
        token = self.next
        if token.kind != kind:
            raise self.unexpected(token)
        return self.take()

    def unexpected(self, token: Token) -> Refusal:
        """The refusal of a token that cannot stand where it stands."""
        text = token.text[:1] if token.text[:1] == "'" and token.kind == "odd" else token.text
        return self.refusal(token.start, f"unexpected token: '{text}'")

    def refusal(self, start: int, message: str) -> Refusal:
        """The refusal of the text, which points at a place in it."""
        return Refusal(self.code, pointed(self.text, start, message))


def pointed(text: str, start: int, message: str) -> str:
    """The message under the place in the text that it is about, as Salesforce shows it."""
    row = text.count("\n", 0, start) + 1
    begin = text.rfind("\n", 0, start) + 1
    end = text.find("\n", begin)
    column = start - begin
    shown = max(begin, start - _EXCERPT)
    excerpt = text[shown : min(start + _EXCERPT, len(text) if end < 0 else end)]
    return f"\n{excerpt}\n{' ' * (start - shown)}^\nERROR at Row:{row}:Column:{column + 1}\n{message}"
