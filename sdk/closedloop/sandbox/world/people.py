"""Draws the companies of the market and the people who work there."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta

from closedloop.sandbox.world.model import Account, Home, Link, Person
from closedloop.sandbox.world.names import (
    COMPANY_ENDS,
    COMPANY_STARTS,
    COUNTRIES,
    FIRST_NAMES,
    INDUSTRIES,
    LAST_NAMES,
    SEGMENTS,
    SOURCES,
    TITLES,
)

# Where people are kept: Salesforce home, in HubSpot, how the two records are linked, and how many of 100.
# Marketing in HubSpot and sales in Salesforce is the commonest installation, so most people are in both.
PLACES: tuple[tuple[Home | None, bool, Link | None, int], ...] = (
    (Home.LEAD, True, Link.ID, 28),
    (Home.LEAD, True, Link.EMAIL, 8),
    (Home.LEAD, False, None, 14),
    (Home.CONTACT, True, Link.ID, 17),
    (Home.CONTACT, True, Link.EMAIL, 5),
    (Home.CONTACT, False, None, 10),
    (None, True, None, 18),
)


def draw_accounts(draw: random.Random, count: int) -> tuple[Account, ...]:
    """Returns `count` companies, no two of the same name."""
    names = [(start, end) for start in COMPANY_STARTS for end in COMPANY_ENDS]
    chosen = [names[place % len(names)] for place in draw.sample(range(len(names) * 4), count)]
    used: dict[str, int] = {}
    return tuple(_account(draw, number, start, end, used) for number, (start, end) in enumerate(chosen))


def _account(draw: random.Random, number: int, start: str, end: str, used: dict[str, int]) -> Account:
    again = used[f"{start} {end}"] = used.get(f"{start} {end}", 0) + 1
    title = f"{start} {end}" if again == 1 else f"{start} {end} {'I' * again}"
    country = draw.choice(list(COUNTRIES))
    form, ending, _ = COUNTRIES[country]
    segment = draw.choices(list(SEGMENTS), weights=(5, 4, 2))[0]
    employees = draw.randint(*SEGMENTS[segment])
    return Account(
        key=f"account-{number}",
        name=f"{title} {form}",
        domain=f"{_plain(title).replace(' ', '-')}.{ending}",
        industry=INDUSTRIES[end],
        segment=segment,
        country=country,
        employees=employees,
        revenue=employees * draw.randint(90, 240) * 1000,
    )


def draw_people(
    draw: random.Random, accounts: tuple[Account, ...], count: int, *, start: datetime
) -> tuple[Person, ...]:
    """Returns `count` people spread over the accounts; no two share an e-mail address in any letter case."""
    places = _places(draw, count)
    used: dict[str, int] = {}
    return tuple(
        _person(draw, number, accounts[number % len(accounts)], place, used=used, start=start)
        for number, place in enumerate(places)
    )


def _places(draw: random.Random, count: int) -> Iterator[tuple[Home | None, bool, Link | None]]:
    """Every kind of place in its proportion, in a drawn order, however few people there are."""
    deck = [(home, hubspot, link) for home, hubspot, link, share in PLACES for _ in range(share)]
    for _ in range(0, count, len(deck)):
        draw.shuffle(deck)
        yield from deck[: min(count, len(deck))]
        count -= len(deck)


def _person(
    draw: random.Random,
    number: int,
    account: Account,
    place: tuple[Home | None, bool, Link | None],
    *,
    used: dict[str, int],
    start: datetime,
) -> Person:
    home, hubspot, link = place
    first, last = draw.choice(FIRST_NAMES), draw.choice(LAST_NAMES)
    email = _email(first, last, account.domain, used)
    role = draw.choices(list(TITLES), weights=(4, 2, 5, 4, 2))[0]
    return Person(
        key=f"person-{number}",
        first_name=first,
        last_name=last,
        email=email,
        hubspot_email=draw.choice((email, email.title(), email.upper())) if link is Link.EMAIL else email,
        phone=f"{COUNTRIES[account.country][2]} {draw.randint(1000000, 9999999)}",
        title=draw.choice(TITLES[role]),
        buying_role=role,
        account=account.key,
        source=draw.choice(SOURCES),
        created_at=start - timedelta(days=draw.randint(740, 900), seconds=draw.randint(0, 86399)),
        salesforce=home,
        hubspot=hubspot,
        link=link,
    )


def _email(first: str, last: str, domain: str, used: dict[str, int]) -> str:
    local = f"{_plain(first)}.{_plain(last).replace(' ', '')}"
    again = used[f"{local}@{domain}"] = used.get(f"{local}@{domain}", 0) + 1
    return f"{local}@{domain}" if again == 1 else f"{local}{again}@{domain}"


_SPECIAL = str.maketrans({"ø": "o", "ł": "l", "ı": "i", "ß": "ss", "'": ""})


def _plain(text: str) -> str:
    """The text in small ASCII letters."""
    small = unicodedata.normalize("NFKD", text.casefold()).translate(_SPECIAL)
    return "".join(char for char in small if char.isascii())
