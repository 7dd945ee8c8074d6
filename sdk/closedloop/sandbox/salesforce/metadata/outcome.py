"""What became of a deployment: a message for each component, in XML and in JSON.

The keys are those of the WSDL, and of a recorded answer of the REST resource (opsera, `validationLog`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from closedloop.sandbox.salesforce.metadata.options import Options
from closedloop.sandbox.salesforce.records.values import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What became of one component. A warning that counts as an error is `success` false and `warning`."""

    kind: str
    file: str
    full_name: str
    success: bool = True
    id: str | None = None
    created: bool = False
    changed: bool = False
    deleted: bool = False
    problem: str | None = None
    warning: bool = False
    line: int | None = None
    column: int | None = None
    of_manifest: bool = False

    @property
    def problem_type(self) -> str | None:
        if self.problem is None:
            return None
        return "Warning" if self.warning else "Error"

    def as_tags(self, at: datetime) -> dict[str, object]:
        """The message in SOAP, in the WSDL's order; what is not known is left out."""
        values: dict[str, object] = {
            "changed": self.changed,
            "columnNumber": self.column,
            "componentType": self.kind,
            "created": self.created,
            "createdDate": at,
            "deleted": self.deleted,
            "fileName": self.file,
            "fullName": self.full_name,
            "id": self.id,
            "lineNumber": self.line,
            "problem": self.problem,
            "problemType": self.problem_type,
            "success": self.success,
        }
        return {name: value for name, value in values.items() if value is not None}

    def as_json(self, at: datetime) -> dict[str, Any]:
        """The message over REST."""
        return {
            "componentType": self.kind,
            "fileName": self.file,
            "fullName": self.full_name,
            "id": self.id,
            "problem": self.problem,
            "success": self.success,
            "warning": self.warning,
            "created": self.created,
            "changed": self.changed,
            "deleted": self.deleted,
            "lineNumber": self.line,
            "columnNumber": self.column,
            "requiresProductionTestRun": False,
            "createdDate": to_json(at),
            "knownPackagingProblem": False,
            "forPackageManifestFile": self.of_manifest,
            "problemType": self.problem_type,
        }


@dataclass(slots=True, kw_only=True)
class Outcome:
    """A deployment as its status shows it."""

    id: str
    options: Options
    by: str
    by_name: str
    at: datetime
    changed: datetime
    status: str = "Pending"
    messages: Sequence[Message] = ()
    started: datetime | None = None
    completed: datetime | None = None
    error: tuple[str, str] | None = None
    canceled_by: tuple[str, str] | None = None

    @property
    def done(self) -> bool:
        return self.completed is not None

    @property
    def success(self) -> bool:
        return self.status in ("Succeeded", "SucceededPartial")

    @property
    def failures(self) -> list[Message]:
        return [message for message in self.messages if not message.success]

    @property
    def successes(self) -> list[Message]:
        return [message for message in self.messages if message.success]

    def _counts(self) -> dict[str, int]:
        components = [message for message in self.messages if not message.of_manifest or not message.success]
        errors = len(self.failures)
        return {
            "numberComponentErrors": errors,
            "numberComponentsDeployed": len(components) - errors,
            "numberComponentsTotal": len(components),
            "numberTestErrors": 0,
            "numberTestsCompleted": 0,
            "numberTestsTotal": 0,
        }

    def _values(self) -> dict[str, object]:
        """What both forms have, by name."""
        canceled, error = self.canceled_by or (None, None), self.error or (None, None)
        return {
            "canceledBy": canceled[0],
            "canceledByName": canceled[1],
            "checkOnly": self.options.check_only,
            "completedDate": self.completed,
            "createdBy": self.by,
            "createdByName": self.by_name,
            "createdDate": self.at,
            "done": self.done,
            "errorMessage": error[1],
            "errorStatusCode": error[0],
            "id": self.id,
            "ignoreWarnings": self.options.ignore_warnings,
            "lastModifiedDate": self.changed,
            **self._counts(),
            "rollbackOnError": self.options.rollback,
            "runTestsEnabled": self.options.runs_tests,
            "startDate": self.started,
            "stateDetail": None,
            "status": self.status,
            "success": self.success,
        }

    def as_tags(self, *, details: bool) -> dict[str, object]:
        """The DeployResult in SOAP."""
        values = {name: value for name, value in self._values().items() if value is not None}
        if details:
            values["details"] = {
                "componentFailures": [message.as_tags(self.at) for message in self.failures],
                "componentSuccesses": [message.as_tags(self.at) for message in self.successes],
                "runTestResult": {"numFailures": 0, "numTestsRun": 0, "totalTime": 0.0},
            }
        return dict(sorted(values.items()))

    def as_json(self, *, details: bool) -> dict[str, Any]:
        """The deployResult over REST."""
        values = {name: to_json(value) for name, value in self._values().items()}
        values |= {"messages": None, "retrieveResult": None, "runTestResult": None, "details": None}
        if details:
            values["details"] = {
                "componentFailures": [message.as_json(self.at) for message in self.failures],
                "componentSuccesses": [message.as_json(self.at) for message in self.successes],
                "retrieveResult": None,
                "allComponentMessages": [message.as_json(self.at) for message in self.messages],
                "runTestResult": _no_tests(),
            }
        return values


def _no_tests() -> dict[str, Any]:
    names = ("successes", "failures", "flowCoverage", "codeCoverage", "codeCoverageWarnings")
    empty: dict[str, Any] = {name: [] for name in (*names, "flowCoverageWarnings")}
    return {**empty, "totalTime": 0.0, "apexLogId": None, "numFailures": 0, "numTestsRun": 0}
