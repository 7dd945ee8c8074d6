"""Deployments over time: they are taken, wait, are done, can be cancelled; their results are kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace

from closedloop.sandbox.salesforce.ids import long_id, new_id
from closedloop.sandbox.salesforce.metadata import archive
from closedloop.sandbox.salesforce.metadata.changes import Changer
from closedloop.sandbox.salesforce.metadata.deployment import deploy
from closedloop.sandbox.salesforce.metadata.options import Options
from closedloop.sandbox.salesforce.metadata.outcome import Outcome
from closedloop.sandbox.salesforce.metadata.pace import Pace
from closedloop.sandbox.salesforce.records.values import seconds
from closedloop.sandbox.salesforce.refusal import Refusal

_KEPT = 200


class Deployments:
    """The deployments of an org, the oldest forgotten after a while."""

    def __init__(self, changer: Changer, pace: Pace) -> None:
        self._changer = changer
        self._org = changer.catalogue.org
        self._pace = pace
        self._outcomes: OrderedDict[str, Outcome] = OrderedDict()
        self._archives: OrderedDict[str, bytes] = OrderedDict()
        self._waits: dict[str, int] = {}

    def start(self, data: bytes, options: Options) -> Outcome:
        """Takes a deployment."""
        now, user = seconds(self._org.clock()), self._org.integration_user_id
        found = Outcome(
            id=new_id("0Af", self._org.number()),
            options=options,
            by=user[:15],
            by_name=str(self._org.get("User", user)["Name"]),
            at=now,
            changed=now,
        )
        self._outcomes[found.id], self._archives[found.id] = found, data
        self._waits[found.id] = self._pace.polls
        if len(self._outcomes) > _KEPT:
            oldest, _ = self._outcomes.popitem(last=False)
            self._archives.pop(oldest, None)
        if not self._pace.polls:
            self._finish(found)
        return found

    def again(self, validated: str) -> Outcome:
        """Deploys what a check-only deployment found good (deployRecentValidation)."""
        checked = self.find(validated)
        if not (checked.options.check_only and checked.success and checked.id in self._archives):
            raise Refusal("INVALID_ID_FIELD", f"The id {validated} is not of a recent successful validation.")
        return self.start(self._archives[checked.id], replace(checked.options, check_only=False))

    def find(self, given: str) -> Outcome:
        """The deployment with that id."""
        found = self._outcomes.get(long_id(given) or "")
        if found is None:
            raise Refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        return found

    def poll(self, given: str) -> Outcome:
        """The same, when somebody asks how it goes."""
        found = self.find(given)
        if found.done:
            return found
        self._waits[found.id] -= 1
        if found.status == "Canceling":
            self._end(found, "Canceled")
        elif self._waits[found.id] < 0:
            self._finish(found)
        else:
            found.status = "InProgress"
            found.started = found.started or seconds(self._org.clock())
        return found

    def cancel(self, given: str) -> Outcome:
        """Cancels it: at once while it waits, else when it is looked at next."""
        found = self.find(given)
        if found.done:
            raise Refusal("INVALID_ID_FIELD", "Deployment already completed")
        found.canceled_by = (found.by, found.by_name)
        if found.status == "Pending":
            self._end(found, "Canceled")
        else:
            found.status = "Canceling"
        return found

    def _finish(self, found: Outcome) -> None:
        found.started = found.started or seconds(self._org.clock())
        try:
            files: Mapping[str, bytes] = archive.unzipped(self._archives[found.id])
        except archive.ArchiveError as error:
            found.error = ("UNKNOWN_EXCEPTION", f"UNKNOWN_EXCEPTION: {error}")
            self._end(found, "Failed")
            return
        found.messages = deploy(self._changer, files, found.options)
        good = len(found.failures) < len([m for m in found.messages if not m.of_manifest or not m.success])
        if not found.failures:
            self._end(found, "Succeeded")
        else:
            self._end(found, "SucceededPartial" if good and not found.options.rollback else "Failed")

    def _end(self, found: Outcome, status: str) -> None:
        found.status = status
        found.completed = found.changed = seconds(self._org.clock())
        if not (found.options.check_only and found.success):
            self._archives.pop(found.id, None)
