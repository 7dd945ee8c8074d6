"""The literals of SOQL: text, patterns, numbers, amounts, days, stretches of days."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from closedloop.sandbox.salesforce.records.values import parse_date, parse_datetime
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.soql.dates import Range
from closedloop.sandbox.salesforce.soql.syntax import Money
from closedloop.sandbox.salesforce.soql.words import Token, Tokens

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "'": "'", '"': '"', "\\": "\\"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_WORDS = {"true": True, "false": False, "null": None}
# SOQL and SOSL Reference, "Date Formats and Date Literals".
_RANGE = re.compile(
    r"today|yesterday|tomorrow|(last|next)_90_days|(last|this|next)_(week|month|(fiscal_)?(quarter|year))"
)
_COUNTED = re.compile(
    r"(last|next)_n_(days|weeks|months|(fiscal_)?(quarters|years))|n_(days|weeks|months|(fiscal_)?(quarters|years))_ago"
)
_MONEY = re.compile(r"([a-z]{3})(\d*)", re.IGNORECASE)
_LONGEST_NUMBER = 400
_Value = TypeVar("_Value", bound=date)


def literal(tokens: Tokens) -> Any:
    """The value of the literal that comes next; a stretch of days is a Range, null is None."""
    token = tokens.take()
    match token.kind:
        case "text":
            return unquoted(tokens, token)
        case "number":
            return _number(tokens, token)
        case "datetime":
            return _known(parse_datetime(token.text), tokens, token, "datetime")
        case "date":
            return _known(parse_date(token.text), tokens, token, "date")
        case "name":
            return _word(tokens, token)
    if token.text == ":":
        raise _bind(tokens, token)
    raise tokens.unexpected(token)


def unquoted(tokens: Tokens, token: Token, *, keep: str = "") -> str:
    """The text between the quotes, its escapes undone but those of the letters to keep."""

    def plain(match: re.Match[str]) -> str:
        letter = match[1]
        if letter in keep:
            return match[0]
        if len(letter) > 1:
            return chr(int(letter[1:], 16))
        if letter in "%_":
            return letter
        if letter not in _ESCAPES:
            raise tokens.refusal(token.start + match.start() + 1, f"Illegal character escape: \\{letter}")
        return _ESCAPES[letter]

    return _ESCAPE.sub(plain, token.text[1:-1])


def pattern(tokens: Tokens) -> re.Pattern[str]:
    """What the literal after LIKE matches."""
    token = tokens.next
    if token.text == ":":
        raise _bind(tokens, token)
    pieces = re.findall(r"\\[%_]|.", unquoted(tokens, tokens.kind("text"), keep="%_"), flags=re.DOTALL)
    segments = [""]
    for piece in pieces:
        if piece == "%":
            segments.append("")
        else:
            segments[-1] += "." if piece == "_" else re.escape(piece[-1])
    return re.compile(glob(segments, "."), re.IGNORECASE | re.DOTALL)


def glob(segments: Sequence[str], letter: str) -> str:
    """A regular expression for the segments with any letters between them.

    Each segment is one of fixed length. None is looked for a second time further on: that would find nothing
    else, and with many segments would take for ever.
    """
    first, *others = segments
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>{letter}*?{part})" for part in middle) + f"{letter}*{last}"


def whole(tokens: Tokens) -> int:
    """The number after LIMIT or OFFSET."""
    token = tokens.next
    if token.text == ":":
        raise _bind(tokens, token)
    if token.kind != "number" or not token.text.isdecimal() or len(token.text) > 9:
        raise tokens.unexpected(token)
    return int(tokens.take().text)


def coordinate(tokens: Tokens) -> Decimal:
    """A latitude or longitude."""
    return _number(tokens, tokens.kind("number"))


def _number(tokens: Tokens, token: Token) -> Decimal:
    if len(token.text) > _LONGEST_NUMBER:
        raise tokens.unexpected(token)
    try:
        return Decimal(token.text)
    except InvalidOperation:  # an exponent that no number can have
        raise tokens.unexpected(token) from None


def _known(value: _Value | None, tokens: Tokens, token: Token, kind: str) -> _Value:
    if value is None:
        # In these words since Summer '24 (its release notes, "SOQL: Changed Error Messages").
        raise tokens.refusal(token.start, f"Invalid {kind}: {token.text}")
    return value


def _word(tokens: Tokens, token: Token) -> Any:
    if token.key in _WORDS:
        return _WORDS[token.key]
    if _RANGE.fullmatch(token.key):
        return Range(token.text.upper())
    if _COUNTED.fullmatch(token.key):
        return _counted(tokens, token)
    money = _money(tokens, token)
    if money is None:
        raise _bind(tokens, token)
    return money


def _counted(tokens: Tokens, token: Token) -> Range:
    tokens.want(":")
    number = tokens.next
    if number.kind != "number" or not number.text.isdecimal():
        raise tokens.unexpected(number)
    return Range(f"{token.text.upper()}:{tokens.take().text}")


def _money(tokens: Tokens, token: Token) -> Money | None:
    """The amount; its digits may be part of the word, follow it, or both: USD5, USD-5, USD5.01."""
    match = _MONEY.fullmatch(token.text)
    if match is None:
        return None
    digits = match[2]
    rest = tokens.next
    if rest.kind == "number" and rest.start == token.end and (not digits or rest.text[0] == "."):
        digits += tokens.take().text
    return Money(match[1].upper(), Decimal(digits)) if digits else None


def _bind(tokens: Tokens, token: Token) -> Refusal:
    # A word without quotes is taken for a variable, too (Stack Exchange, under these words).
    return tokens.refusal(token.start, "Bind variables only allowed in Apex code")
