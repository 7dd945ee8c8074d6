"""A CRM that cannot be told is an event when it begins, and noted when it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.server.subscriptions.conftest import Post

from closedloop.errors import AuthenticationError, CrmError
from closedloop_server.pipeline.deliver import deliver
from closedloop_server.store.engine import reading
from closedloop_server.subscriptions import troubles

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make


def test_a_crm_that_cannot_be_told_is_said_once_and_its_end_is_noted(
    loop: Loop, post: Post, salesforce: Make
) -> None:
    now = loop.clock()
    loop.sales.put(salesforce.campaign("C1"))
    loop.sales.put(salesforce.lead("L1", "Unqualified", reason="No budget", stage_changed_at=now))
    loop.sales.put(salesforce.member("M1", "C1", lead_id="L1", touched_at=now))
    loop.poll()
    post.send()
    assert loop.rows("troubles") == []

    began = loop.clock.pass_(minutes=1)
    loop.sales.put(salesforce.lead("L1", "Qualified", stage_changed_at=began, updated_at=began))
    loop.sales.told.clear()
    _break(loop)
    for _ in range(4):
        loop.clock.pass_(minutes=20)
        _try_to_tell(loop)
        post.send()
    (event,) = loop.rows("events", type="delivery.failing")
    assert event["connection"] == "sales"
    data = event["payload"]["data"]
    assert (data["connection"], data["crm"]) == ("sales", "salesforce")
    assert data["waiting"] > 0
    with reading(loop.engine) as connection:
        (trouble,) = troubles.lasting(connection)
    assert trouble.reason == data["reason"]

    loop.sales.deliver = type(loop.sales).deliver.__get__(loop.sales)  # type: ignore[method-assign]
    loop.clock.pass_(hours=2)
    loop.turn()
    loop.clock.pass_(minutes=2)
    post.send()
    with reading(loop.engine) as connection:
        assert troubles.lasting(connection) == []
        (over,) = troubles.latest(connection)
    assert over.ended_at == loop.clock()
    assert len(loop.rows("events", type="delivery.failing")) == 1


def test_it_is_looked_at_once_a_minute(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []

    def failing(*_: object, **__: object) -> list[object]:
        looked.append(post.loop.clock())
        return []

    monkeypatch.setattr("closedloop_server.store.deliverers.failing", failing)
    for _ in range(6):
        post.send()
        post.loop.clock.now += timedelta(seconds=25)
    assert len(looked) == 2


def _break(loop: Loop) -> None:
    """Has the CRM answer, but take nothing."""

    def deliver(*_: object) -> list[object]:
        raise AuthenticationError("the token ended: give another", reason="not_authenticated")

    loop.sales.deliver = deliver  # type: ignore[method-assign,assignment]
    loop.sales.down = None
    with pytest.raises(CrmError):
        loop.poll()


def _try_to_tell(loop: Loop) -> None:
    with pytest.raises(CrmError):
        deliver(loop.services, "sales")
