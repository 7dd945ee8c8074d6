"""The log of a server at its worst: faults of many kinds, attacks, failures. It tells about nobody."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from sqlalchemy import insert

from closedloop.sandbox.world import World
from closedloop.schema.vocabulary import AttributionModel
from closedloop_server.demo.clock import DemoClock
from closedloop_server.demo.progress import ProgressLine
from closedloop_server.demo.run import run
from closedloop_server.demo.scene import Scene
from closedloop_server.logs import CHATTY, write_log
from closedloop_server.store.engine import writing
from closedloop_server.store.tables import records

START = datetime(2026, 6, 1, tzinfo=UTC)
FAULTS = ("error", "locked", "page", "partial_batch", "truncated")
STRANGER = "mallory.unmistakable@evil.example"


class Collected(logging.Handler):
    """Every line of this process, as it would be written; the sandboxes in it are no part of the server."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("closedloop.sandbox"):
            self.lines.append(self.format(record))


@pytest.fixture
def log() -> Iterator[Collected]:
    """Our own loggers write everything, the libraries what the server lets them."""
    ours = ("closedloop", "closedloop_server")
    before = {name: logging.getLogger(name).level for name in (*CHATTY, *ours)}
    handler = Collected()
    root = logging.getLogger()
    root.addHandler(handler)
    write_log()
    for name in ours:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def plan(fault: str) -> dict[str, Any]:
    rule = {"fault": fault, "times": 1, "skip": 2}
    return rule | ({"status": 500} if fault == "error" else {})


def attack(scene: Scene, secrets: list[str]) -> None:
    """What strangers send, with words in it that would be recognised."""
    url, path = scene.runtime.url, next(iter(scene.crms.connections())).webhook_secrets[0]
    hook = f"{url}/webhooks/salesforce/salesforce"
    xml = {"Content-Type": "text/xml"}
    requests.post(f"{hook}/{STRANGER}", data="<x/>", headers=xml, timeout=5)
    for body in (f"<a>{STRANGER}</a>", f"<!DOCTYPE {STRANGER}>", STRANGER):
        requests.post(f"{hook}/{path}", data=body, headers=xml, timeout=5)
    requests.post(f"{url}/webhooks/hubspot/hubspot", json=[{"email": STRANGER}], timeout=5)
    headers = {"X-HubSpot-Signature-v3": STRANGER, "X-HubSpot-Request-Timestamp": STRANGER}
    requests.post(f"{url}/webhooks/hubspot/hubspot", json=[STRANGER], headers=headers, timeout=5)
    for address in (f"/login?link={STRANGER}", f"/{STRANGER}", f"/?q={STRANGER}", f"/campaigns/x/{STRANGER}"):
        requests.get(url + address, timeout=5)
    requests.post(f"{url}/login", data={"token": STRANGER, "form": STRANGER}, timeout=5)
    for token in (STRANGER, *secrets):
        headers = {"Authorization": f"Bearer {token}"}
        for address in ("reasons", f"campaigns/{STRANGER}", f"reasons?{STRANGER}"):
            requests.get(f"{url}/api/v1/{address}", headers=headers, timeout=5)


def fail(scene: Scene) -> None:
    """A record that nobody can read any more makes a view and a worker fail over it."""
    now = scene.runtime.services.clock()
    row = {"connection": "salesforce", "object": "lead", "crm_id": "00Q000000000000AAA", "name": STRANGER}
    with writing(scene.runtime.services.engine) as connection:
        connection.execute(
            insert(records).values(
                **row, email=STRANGER, read_at=now, deleted=False, erased=False, data={"object": STRANGER}
            )
        )


def words(world: World) -> set[str]:
    """What nobody must find in a log: everything about everybody."""
    found = {STRANGER}
    for person in world.people:
        found |= {person.email, person.hubspot_email, person.phone}
        found.add(f"{person.first_name} {person.last_name}")
    for step in world.steps:
        if step.verdict and step.verdict.note:
            found.add(step.verdict.note)
    return {word for word in found if word}


def test_no_line_of_the_log_tells_about_anybody_or_gives_anything_away(log: Collected) -> None:
    world = World.from_seed(4, decisions=12, start=START)
    with Scene(world=world, model=AttributionModel.PRIMARY, port=0, clock=DemoClock(world.start)) as scene:
        settings = scene.runtime.services.settings
        for sandbox in (scene.crms.salesforce, scene.crms.hubspot):
            sandbox.faults.use({"seed": 4, "rules": [plan(fault) for fault in FAULTS]})
        result = run(scene, ProgressLine(io.StringIO()))
        assert result.decisions == 12
        token = scene.make_token()
        link = scene.login_url(token).partition("link=")[2]
        attack(scene, [token])
        fail(scene)
        requests.get(f"{scene.runtime.url}/login?link={link}", timeout=5)
        secrets = {token, link, settings.secret_key}
        for each in settings.connections:
            secrets |= {*each.webhook_secrets, str(each.credentials.access_token)}
            secrets |= {getattr(each.credentials, "client_secret", None) or token}
    text = "\n".join(log.lines)
    assert len(log.lines) > 10, "the faults and the attacks are told of"
    told = [word for word in sorted(words(world) | secrets) if word.lower() in text.lower()]
    assert told == []
    assert not re.search(r"[\w.+-]+@[\w-]+\.[\w.]+", text), "nor is anything else an e-mail address"
