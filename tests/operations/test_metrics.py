"""The numbers for Prometheus."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from closedloop_server.access import Role

GUIDE = Path(__file__).parents[2] / "docs" / "operating.md"


def _ask(site: Any, role: Role | None) -> Any:
    headers = {} if role is None else {"Authorization": f"Bearer {site.tokens[role]}"}
    return site.app.test_client().get("/metrics", headers=headers)


@pytest.mark.parametrize(
    ("role", "status"), [(None, 401), (Role.VIEWER, 403), (Role.OPERATOR, 200), (Role.ADMIN, 200)]
)
def test_they_are_for_operators(watched: Any, role: Role | None, status: int) -> None:
    assert _ask(watched, role).status_code == status


def test_the_session_of_the_pages_does_not_open_them(watched: Any) -> None:
    assert watched.client(Role.ADMIN).get("/metrics").status_code == 401


def test_they_count_what_the_pages_show(watched: Any) -> None:
    text = _ask(watched, Role.OPERATOR).get_data(as_text=True)
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["closedloop_waiting", "inbox", "salesforce-emea"] == 4
    assert found["closedloop_waiting_oldest_seconds", "read", "salesforce-emea"] == 540
    assert found["closedloop_inbox_deliveries", "salesforce-emea", "unreadable"] == 1
    assert found["closedloop_failing", "salesforce-emea"] == 1
    assert found["closedloop_crm_calls", "salesforce-emea"] == 1_204
    assert found["closedloop_crm_calls", "hubspot-marketing"] == 4_990
    assert found["closedloop_crm_calls_allowed", "hubspot-marketing"] == 5_000
    assert ("closedloop_crm_calls_allowed", "salesforce-emea") not in found
    assert found["closedloop_sendings", "waiting"] == 8
    assert found["closedloop_lease_number", "", "loop"] == 3
    assert found["closedloop_database_bytes",] > 100_000


def test_every_one_is_explained_in_the_guide(watched: Any) -> None:
    text = _ask(watched, Role.OPERATOR).get_data(as_text=True)
    names = {family.name for family in text_string_to_metric_families(text)}
    assert names == set(re.findall(r"^\| `(closedloop_\w+)", GUIDE.read_text(encoding="utf-8"), re.MULTILINE))


def test_they_name_no_record_and_nobody(watched: Any) -> None:
    text = _ask(watched, Role.OPERATOR).get_data(as_text=True)
    assert re.search(r"00Q|003|@|sub_|evt_|cl_", text) is None


def test_on_the_first_day_nothing_waits(empty: Any) -> None:
    text = _ask(empty, Role.OPERATOR).get_data(as_text=True)
    assert "closedloop_waiting{" not in text
