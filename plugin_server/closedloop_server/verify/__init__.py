"""Checks that what is worked out follows from what was read, and that all of it agrees with itself.

    for finding in verify(services):
        print(finding)

It reads one state of the database and writes nothing, so it may run beside a server at work: what waits to
be worked out is left out of the comparison.
"""

from closedloop_server.verify.finding import Check, Finding
from closedloop_server.verify.verifying import verify

__all__ = ["Check", "Finding", "verify"]
