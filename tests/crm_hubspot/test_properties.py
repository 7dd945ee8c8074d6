"""Which properties a portal has, and what their options are called."""

from __future__ import annotations

from typing import Any

from closedloop.crm.hubspot import HubSpotCrm
from closedloop.crm.hubspot.properties import Definitions
from closedloop.sandbox.hubspot.settings.kinds import LEADS

REASON = "hs_lead_disqualification_reason"


class Clock:
    """Seconds that pass when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def add_option(portal: Any, value: str, label: str, *, hidden: bool = False) -> None:
    """An admin adds a reason by hand."""
    leads = LEADS
    options = portal.catalogue.get(leads, REASON).to_wire()["options"]
    option = {"value": value, "label": label, "hidden": hidden}
    portal.catalogue.change(leads, REASON, {"options": [*options, option]}, "2026-01-01T00:00:00.000Z")


def label(definitions: Definitions, value: str) -> str | None:
    return definitions.labels("leads", {REASON: value}).get(REASON)


def test_an_option_is_shown_by_its_label_even_when_it_is_hidden(portal: Any, connected: HubSpotCrm) -> None:
    add_option(portal, "opt_9", "Old reason", hidden=True)
    assert label(connected.definitions, "NOT_A_GOOD_FIT") == "Not a Good Fit"
    assert label(connected.definitions, "opt_9") == "Old reason"


def test_of_several_options_each_is_shown(connected: HubSpotCrm) -> None:
    assert label(connected.definitions, "NOT_A_GOOD_FIT; ;nobody knows") == "Not a Good Fit;nobody knows"


def test_what_names_no_option_has_no_label(connected: HubSpotCrm) -> None:
    values = {REASON: "nobody knows", "hs_lead_name": "Ada", "no_such": "x", "hs_pipeline": None}
    assert connected.definitions.labels("leads", values) == {}


def test_an_option_added_today_is_known_within_a_minute(
    portal: Any, connected: HubSpotCrm, requests: Any
) -> None:
    clock = Clock()
    definitions = Definitions(connected.client, clock=clock)
    assert label(definitions, "opt_77") is None
    add_option(portal, "opt_77", "Wrong region")
    assert label(definitions, "opt_77") is None
    clock.now += 61
    assert label(definitions, "opt_77") == "Wrong region"
    assert requests("GET", "/crm/v3/properties/leads") == 2


def test_what_seems_to_be_missing_is_looked_for_after_a_minute(connected: HubSpotCrm, requests: Any) -> None:
    clock = Clock()
    definitions = Definitions(connected.client, clock=clock)
    for seconds in (0, 59, 2):
        clock.now += seconds
        definitions.newest("leads")
    assert requests("GET", "/crm/v3/properties/leads") == 2


def test_definitions_are_read_again_after_ten_minutes(connected: HubSpotCrm, requests: Any) -> None:
    clock = Clock()
    definitions = Definitions(connected.client, clock=clock)
    for seconds in (0, 599, 2):
        clock.now += seconds
        definitions.of("leads")
    assert requests("GET", "/crm/v3/properties/leads") == 2
