"""Draws the companies of the market."""

from __future__ import annotations

import unicodedata
from functools import cache

from closedloop.sandbox.world.drawing import Draw, Weights
from closedloop.sandbox.world.model import Account
from closedloop.sandbox.world.names import (
    COMPANY_ENDS,
    COMPANY_STARTS,
    COUNTRIES,
    INDUSTRIES,
    PLACES,
    SEGMENTS,
)

_TITLES = tuple((start, end) for start in COMPANY_STARTS for end in COMPANY_ENDS)
# Prime to the number of titles, so that each comes once before any comes again.
_STRIDES = (1, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)
_SEGMENTS = Weights({"Small business": 5, "Mid-market": 4, "Enterprise": 2})
_COUNTRIES = tuple(COUNTRIES)
_ENDINGS = ("com", "com", "com", "net", "org")


def draw_account(draw: Draw, seed: int, index: int) -> Account:
    """Returns the company of that number; no two of a seed share a name or a domain."""
    title, industry = _title(seed, index)
    country = draw.pick(_COUNTRIES)
    form, region, _ = COUNTRIES[country]
    segment = draw.weighted(_SEGMENTS)
    employees = draw.between(*SEGMENTS[segment])
    domain = f"{plain(title).replace(' ', '-')}.example.{draw.pick(_ENDINGS)}"
    revenue = employees * draw.between(90, 240) * 1000
    return Account(
        f"account-{index}", f"{title} {form}", domain, industry, segment, country, region, employees, revenue
    )


def _title(seed: int, index: int) -> tuple[str, str]:
    """A name that no other number has: the plain ones first, then those with a town, then numbered ones."""
    again, turn = divmod(index, len(_TITLES))
    number = (turn * _STRIDES[seed % len(_STRIDES)] + seed) % len(_TITLES)
    start, end = _TITLES[number]
    if not again:
        return f"{start} {end}", INDUSTRIES[end]
    more, town = divmod(again - 1, len(PLACES))
    title = f"{start} {end} {PLACES[(town + number) % len(PLACES)]}"
    return f"{title} {more + 1}" if more else title, INDUSTRIES[end]


_SPECIAL = str.maketrans({"ø": "o", "ł": "l", "ı": "i", "ß": "ss", "'": ""})


@cache
def _word(word: str) -> str:
    small = unicodedata.normalize("NFKD", word.casefold()).translate(_SPECIAL)
    return "".join(char for char in small if char.isascii())


def plain(text: str) -> str:
    """The text in small ASCII letters."""
    return " ".join(map(_word, text.split()))
