"""The API versions, and their names."""

from __future__ import annotations

from closedloop.sandbox.salesforce.refusal import Refusal, not_found

OLDEST, NEWEST = 31, 68
"""Those that answer (reference: Releases)."""

_SEASONS = ("Spring", "Summer", "Winter")


def known(text: str) -> bool:
    """Whether that is a version which answers, as 62.0."""
    number, _, rest = text.partition(".")
    return rest == "0" and number.isdecimal() and OLDEST <= int(number) <= NEWEST


def check(text: str) -> None:
    """Refuses a version that does not answer: one that did once, differently from one that never was."""
    if known(text):
        return
    number, _, rest = text.partition(".")
    if rest == "0" and number.isdecimal() and 0 < int(number) < OLDEST:
        # Help 000354473: "410: GONE"; the words are our own.
        raise Refusal("GONE", f"API version {text} is retired. Use a later one.", status=410)
    raise not_found()


def listing() -> list[dict[str, str]]:
    """Every version, the oldest first. Three releases a year: 60 was Spring '24."""
    return [
        {
            "label": f"{_SEASONS[number % 3]} '{4 + (number + 1) // 3:02}",
            "url": f"/services/data/v{number}.0",
            "version": f"{number}.0",
        }
        for number in range(OLDEST, NEWEST + 1)
    ]
