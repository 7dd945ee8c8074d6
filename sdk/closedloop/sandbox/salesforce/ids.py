"""Salesforce record ids: 15 case-sensitive characters, or 18 with a suffix that carries the case."""

from __future__ import annotations

_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Which of five characters are capitals, as zeros and ones, and the character of the suffix that says so.
_CAPITALS = {ord(c): "1" if c.isupper() else "0" for c in _DIGITS}
_GROUPS = {f"{number:05b}"[::-1]: character for number, character in enumerate(_SUFFIX)}
# Three characters after the key prefix name the instance that made the id.
_INSTANCE = "Qy0"


def suffix(short: str) -> str:
    """The three characters that make an 18-character id of a 15-character one.

    Each group of five characters gives one: bit j is set if character j is upper case.
    """
    bits = short.translate(_CAPITALS)
    return _GROUPS[bits[:5]] + _GROUPS[bits[5:10]] + _GROUPS[bits[10:]]


def long_id(value: object) -> str | None:
    """The 18-character form of an id, or None where the value is no id at all."""
    if not isinstance(value, str) or len(value) not in (15, 18) or not (value.isascii() and value.isalnum()):
        return None
    return value + suffix(value) if len(value) == 15 else value


def new_id(prefix: str, number: int) -> str:
    """The 18-character id of the `number`th record of the object with that key prefix."""
    short = prefix + _INSTANCE + _base62(number).rjust(15 - len(prefix) - len(_INSTANCE), "0")
    return short + suffix(short)


def of_this_org(record_id: str) -> bool:
    """Whether the id was made here, whatever it belongs to."""
    return record_id[3:6] == _INSTANCE


def _base62(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, len(_DIGITS))
        digits = _DIGITS[rest] + digits
    return digits
