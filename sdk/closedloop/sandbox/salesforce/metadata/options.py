"""The options of a deployment.

Metadata API Developer Guide, "DeployOptions".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from closedloop.sandbox.salesforce.metadata.wsdl import words_of
from closedloop.sandbox.salesforce.soap.markup import Element

_NO_TESTS = "NoTestRun"
_SWITCHES = {
    "allow_missing": "allowMissingFiles",
    "auto_update": "autoUpdatePackage",
    "check_only": "checkOnly",
    "ignore_warnings": "ignoreWarnings",
    "retrieve": "performRetrieve",
    "purge": "purgeOnDelete",
    "rollback": "rollbackOnError",
    "single": "singlePackage",
}


class OptionsError(ValueError):
    """An option has a value that it cannot have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a deployment goes. Tests are named, but there are none to run: Apex is only kept."""

    allow_missing: bool = False
    auto_update: bool = False
    check_only: bool = False
    ignore_warnings: bool = False
    retrieve: bool = False
    purge: bool = False
    rollback: bool = False
    single: bool = False
    tests: tuple[str, ...] = ()
    test_level: str | None = None

    @property
    def runs_tests(self) -> bool:
        return self.test_level not in (None, _NO_TESTS)

    def as_json(self) -> dict[str, Any]:
        """What the REST resource says of them."""
        switches = {name: getattr(self, ours) for ours, name in _SWITCHES.items()}
        return {**switches, "runTests": list(self.tests), "testLevel": self.test_level}


def from_element(element: Element | None) -> Options:
    """The options of the SOAP call. Text between them is ignored: simple-salesforce writes `None` there."""
    if element is None:
        return Options()
    switches = {ours: element.flag(name) for ours, name in _SWITCHES.items()}
    return _options(switches, element.value("testLevel"), tuple(element.values("runTests")))


def from_json(given: Mapping[str, Any]) -> Options:
    """The options of the REST call; flags may be text, as CumulusCI sends them."""
    switches = {ours: str(given.get(name, "")).lower() == "true" for ours, name in _SWITCHES.items()}
    tests = given.get("runTests")
    names = tuple(str(name) for name in tests) if isinstance(tests, list) else ()
    level = given.get("testLevel")
    return _options(switches, None if level is None else str(level), names)


def _options(switches: Mapping[str, bool], level: str | None, tests: tuple[str, ...]) -> Options:
    if level and level not in words_of("TestLevel"):
        raise OptionsError(f"'{level}' is not a valid value for the enum 'TestLevel'")
    return Options(**switches, tests=tests, test_level=level or None)
