"""Transactions that commit late: stamped when they wrote, seen when they are done."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from closedloop.sandbox.salesforce import Org, Refusal

EVERY_LEAD = "SELECT Id, Title, SystemModstamp FROM Lead ORDER BY SystemModstamp, Id"


def person(name: str) -> dict[str, Any]:
    return {"LastName": name, "Company": "Acme"}


def test_a_late_insert_is_seen_when_its_time_has_come_with_the_stamp_of_the_write(
    http: Any, org: Org, clock: Any
) -> None:
    with org.late(240):
        late = org.insert("Lead", person("Late"))
    clock.move(seconds=60)
    prompt = org.insert("Lead", person("Prompt"))
    assert [row["Id"] for row in http.records(EVERY_LEAD)] == [prompt]
    clock.move(seconds=179)
    assert http("GET", f"/sobjects/Lead/{late}").status_code == 404
    clock.move(seconds=1)
    seen = http.records(EVERY_LEAD)
    assert [row["Id"] for row in seen] == [late, prompt]
    assert seen[0]["SystemModstamp"] == "2026-11-20T14:03:07.000+0000"


def test_a_late_update_shows_the_old_row_until_it_is_committed(http: Any, org: Org, lead: str) -> None:
    with org.late() as transaction:
        org.update("Lead", lead, {"Title": "CFO"})
        assert org.get("Lead", lead)["Title"] == "CFO"
    assert org.get("Lead", lead)["Title"] is None
    assert http.records(EVERY_LEAD)[0]["Title"] is None
    transaction.commit()
    transaction.commit()
    assert http.records(EVERY_LEAD)[0]["Title"] == "CFO"


def test_a_late_deletion_is_in_no_answer_before_its_commit(http: Any, org: Org, lead: str) -> None:
    with org.late() as transaction:
        org.delete("Lead", lead)
    assert http.query("SELECT count() FROM Lead")["totalSize"] == 1
    transaction.commit()
    assert http.query("SELECT count() FROM Lead")["totalSize"] == 0


def test_what_an_open_transaction_wrote_is_locked_to_others(http: Any, org: Org, lead: str) -> None:
    with org.late() as transaction:
        org.update("Lead", lead, {"Title": "CFO"})
    refused = http("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "CTO"})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "UNABLE_TO_LOCK_ROW")
    transaction.commit()
    assert http("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "CTO"}).status_code == 204


def test_a_late_transaction_that_fails_leaves_nothing(org: Org, clock: Any) -> None:
    def work() -> None:
        with org.late(1):
            org.insert("Lead", person("Half"))
            org.insert("Lead", {"Company": "No name"})

    with pytest.raises(Refusal):
        work()
    clock.move(seconds=2)
    assert org.rows("Lead") == []


def test_a_late_commit_stands_alone(org: Org) -> None:
    with org.transaction(), pytest.raises(RuntimeError, match="on its own"), org.late():
        pass


def test_its_flows_fire_at_the_commit(org: Org, receiver: Any) -> None:
    org.subscribe("Lead", ["Id"], receiver.url, when_changed=["Title"])
    with org.late() as transaction:
        org.insert("Lead", person("Late"))
    assert org.settle(0.05)
    assert receiver.bodies == []
    transaction.commit()
    assert org.settle()
    assert len(receiver.bodies) == 1


def test_other_threads_wait_for_the_block_and_see_nothing_of_it(http: Any, org: Org) -> None:
    counts: list[int] = []

    def ask() -> None:
        counts.append(http.query("SELECT count() FROM Lead")["totalSize"])

    asking = threading.Thread(target=ask)
    with org.late():
        org.insert("Lead", person("Late"))
        asking.start()
    asking.join()
    assert counts == [0]
