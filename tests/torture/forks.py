"""Where the processes come from that are killed: forked from one that has imported everything and runs no
thread, so that a start takes no second.

The preloading is one for a whole Python process, whoever asks: it is asked for here alone.
"""

from __future__ import annotations

import multiprocessing

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        # A new process imports what its parent was started with.
        "tests.torture.run",
        "tests.fleet.run",
        "closedloop.crm.hubspot.client",
        "closedloop.crm.salesforce.client",
        "closedloop_server.work.jobs",
        "procrastinate.sql",
        "tests.torture.warm",
    ]
)
