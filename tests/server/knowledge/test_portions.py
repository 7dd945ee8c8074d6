"""What was judged together is written in portions, each of which stands for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline import derive as deriving
from closedloop_server.pipeline.derive import derive
from closedloop_server.pipeline.expand import expand
from closedloop_server.store.rows import Key
from closedloop_server.subscriptions.following import follow
from closedloop_server.verify import verify

if TYPE_CHECKING:
    from tests.server.knowledge.conftest import History


class _StoppedError(Exception):
    """Stands for a process that ends."""


def test_a_derivation_that_is_stopped_between_portions_goes_on_where_it_was(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.hold(*(history.make.lead(f"L{n}", "Unqualified", reason="No budget") for n in range(1, 6)))
    while expand(history.services):
        pass
    written: list[Key] = []

    def once(connection: Any, services: Any, verdicts: Any, added: Any) -> None:
        if written:
            raise _StoppedError
        written.extend(added)
        follow(connection, services, verdicts, added)

    monkeypatch.setattr(deriving, "PORTION", 2)
    with monkeypatch.context() as patch:
        patch.setattr(deriving, "follow", once)
        with pytest.raises(_StoppedError):
            derive(history.services)
    kept = {
        Key(row["connection"], ObjectType(row["object"]), row["crm_id"])
        for row in history.loop.rows("ledger")
    }
    assert kept == set(written)
    assert len(history.loop.rows("stale", work="subject")) == 3
    assert len(history.loop.rows("events")) == 2
    assert derive(history.services) == 3
    assert len(history.loop.rows("ledger")) == len(history.loop.rows("events")) == 5
    assert history.loop.rows("stale", work="subject") == []
    history.follow()
    assert verify(history.services) == []
