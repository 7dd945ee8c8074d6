"""For marketers and analysts: why sales dropped a campaign's people, from the JSON API.

    python examples/campaign_reasons.py http://127.0.0.1:8080 TOKEN

Without an address it plays a small demo first and asks that.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import requests

from closedloop.sandbox.world import World
from closedloop.schema.vocabulary import AttributionModel
from closedloop_server.demo.clock import DemoClock
from closedloop_server.demo.run import run
from closedloop_server.demo.scene import Scene


def ask(address: str, token: str, resource: str) -> dict[str, Any]:
    """The API's answer."""
    headers = {"Authorization": f"Bearer {token}"}
    response = requests.get(f"{address}/api/v1/{resource}", headers=headers, timeout=10)
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer


def show(address: str, token: str) -> None:
    """Prints the busiest campaign and the decisions behind its numbers."""
    busiest = ask(address, token, "campaigns?limit=1")["campaigns"][0]
    print(busiest["name"])
    decisions = ask(address, token, f"campaigns/{quote(busiest['id'])}/dispositions?limit=100")
    for each in decisions["dispositions"]:
        reason, said = each["reason"] or "-", each["raw_reason"] or "-"
        print(f"  {each['share']:>8}  {each['outcome']}: {reason} (the rep said: {said})")


def main() -> None:
    """Asks the server that was named, or that of a small demo."""
    if len(sys.argv) == 3:
        show(sys.argv[1], sys.argv[2])
        return
    world = World.from_seed(1, decisions=30, start=datetime.now(UTC) - timedelta(days=20))
    with Scene(world=world, model=AttributionModel.PRIMARY, port=0, clock=DemoClock(world.start)) as scene:
        run(scene, lambda *_: None)
        show(scene.runtime.url, scene.make_token())


if __name__ == "__main__":
    main()
