"""The running server: what sales decides goes out as a webhook, through the workers that it starts itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from standardwebhooks import Webhook
from tests.server.subscriptions.conftest import Receiver
from tests.server.test_runtime import PATIENCE, comes_true

from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.runtime import Runtime
from closedloop_server.subscriptions import admin

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_a_decision_goes_out_without_anybody_asking_for_it(
    loop: Loop, salesforce: Make, receiver: Receiver
) -> None:
    loop.sales.put(salesforce.lead("L1", "Working", updated_at=datetime.now(UTC)))
    settings = replace(loop.services.settings, public_url="", port=0, settle_seconds=0.01)
    with Runtime(settings, crms=loop.services.crms) as runtime:
        assert runtime.wait_idle(PATIENCE)
        made = admin.create(runtime.services, name="Data team", url=receiver.url, who="a test")
        now = datetime.now(UTC)
        loop.sales.change(
            Ref(ObjectType.LEAD, "L1"), stage="Unqualified", stage_changed_at=now, updated_at=now
        )
        runtime.poll_now()
        assert comes_true(lambda: bool(receiver.requests))
    (request,) = receiver.requests
    assert Webhook(made.secret).verify(request.body, request.headers)
    assert json.loads(request.body)["type"] == "lead.disqualified"
