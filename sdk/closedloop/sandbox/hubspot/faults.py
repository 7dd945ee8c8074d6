"""Failures to order: the next calls that match are answered with them instead.

What goes wrong on an answer's way, such as a connection that is cut, is `HubSpotSandbox.disturbances`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from closedloop.sandbox.hubspot.limits import RateLimitError


@dataclass(slots=True, kw_only=True)
class Fault:
    """One kind of failure; `left` is how often it still happens."""

    status: int
    path: str = ""
    method: str | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    left: int = 1

    def matches(self, method: str, path: str) -> bool:
        """Whether this call fails: the method is the same, if one is named, and the path holds `path`."""
        return self.left > 0 and self.method in {None, method} and self.path in path


class Faults:
    """The failures that are still to come."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(
        self,
        status: int,
        *,
        path: str = "",
        method: str | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Makes the next `times` calls fail; `body` is JSON, or text such as a gateway's HTML page."""
        fault = Fault(status=status, path=path, method=method, body=body, headers=headers or {}, left=times)
        with self._lock:
            self._faults.append(fault)

    def rate_limit(self, policy: str = "TEN_SECONDLY_ROLLING", **more: Any) -> None:
        """Makes calls fail with 429; the policy may also be SECONDLY or DAILY."""
        self.add(429, body=RateLimitError(policy).body("c033cdaa-2c40-4a64-ae48-b4cec88dad24"), **more)

    def take(self, method: str, path: str) -> Fault | None:
        """The failure that this call meets, if any; it is used up by that."""
        with self._lock:
            found = next((f for f in self._faults if f.matches(method, path)), None)
            if found is not None:
                found.left -= 1
            return found
