"""Which connections fail to deliver: since when, why, and how much waits."""

from __future__ import annotations

from datetime import timedelta

from tests.server.delivering.conftest import Teller, person, read_

from closedloop.errors import AuthenticationError, RetryableError
from closedloop.loop.feedback import Delivery, DeliveryResult
from closedloop_server.store import deliverers
from closedloop_server.store.deliverers import FAILING_AFTER, Failing
from closedloop_server.store.engine import writing

KEY = "person|campaign_member|M1"
DOWN = RetryableError("Salesforce cannot be reached", reason="no_connection")


def failing(teller: Teller) -> list[Failing]:
    found: list[Failing] = read_(
        teller.loop, deliverers.failing, ["sales", "marketing"], now=teller.loop.clock()
    )
    return found


def test_nothing_fails_where_nothing_waits(teller: Teller) -> None:
    teller.want(person("M1"))
    teller.tell_all()
    teller.loop.clock.pass_(days=3)
    assert failing(teller) == []


def test_a_crm_that_is_down_for_long_fails(teller: Teller) -> None:
    began = teller.loop.clock()
    teller.want(person("M1"), person("M2"))
    teller.fail(DOWN)
    assert failing(teller) == []
    teller.loop.clock.pass_(minutes=10)
    teller.fail(DOWN)
    teller.loop.clock.pass_(minutes=5)
    assert failing(teller) == [
        Failing(connection="sales", since=began, waiting=2, code="no_connection", message=DOWN.message)
    ]


def test_a_token_that_is_not_accepted_fails_at_once(teller: Teller) -> None:
    teller.want(person("M1"))
    teller.fail(AuthenticationError("the access token is not accepted", reason="bad_token"))
    (one,) = failing(teller)
    assert (one.code, one.since, one.waiting) == ("bad_token", teller.loop.clock(), 1)


def test_one_success_ends_it(teller: Teller) -> None:
    teller.want(person("M1"))
    teller.fail(DOWN)
    teller.loop.clock.pass_(hours=1)
    teller.want(person("M2"))
    teller.tell_all()
    assert failing(teller) == []


def test_a_refusal_is_an_answer(teller: Teller) -> None:
    teller.crm.fates[KEY] = DeliveryResult(key=KEY, delivery=Delivery.REFUSED, code="NO")
    teller.want(person("M1"))
    teller.tell_all()
    teller.loop.clock.pass_(hours=1)
    assert failing(teller) == []


def test_values_that_are_put_off_one_by_one_fail_in_the_end(teller: Teller) -> None:
    teller.crm.fates[KEY] = DeliveryResult(key=KEY, delivery=Delivery.RETRY, code="UNABLE_TO_LOCK_ROW")
    teller.want(person("M1"))
    teller.tell()
    teller.loop.clock.pass_(seconds=FAILING_AFTER.total_seconds())
    (one,) = failing(teller)
    assert one.code == "UNABLE_TO_LOCK_ROW"


def test_what_nobody_even_tries_to_tell_fails(teller: Teller) -> None:
    began = teller.loop.clock()
    teller.want(person("M1"))
    teller.loop.clock.pass_(minutes=14)
    assert failing(teller) == []
    teller.loop.clock.pass_(minutes=1)
    assert failing(teller) == [Failing(connection="sales", since=began, waiting=1, tried=False)]


def test_bulk_that_waits_for_its_share_does_not_fail(teller: Teller) -> None:
    teller.want(person("M1"))
    teller.tell_all()
    teller.want(person("M2"), bulk=True)
    with writing(teller.loop.engine) as connection:
        deliverers.hold_bulk(connection, "sales", until=teller.loop.clock() + timedelta(hours=2))
    teller.loop.clock.pass_(hours=1)
    assert failing(teller) == []
    teller.loop.clock.pass_(hours=2)
    assert [one.connection for one in failing(teller)] == ["sales"]
