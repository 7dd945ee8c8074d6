"""The shipped mappings, and a folder to break them in."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from closedloop.errors import MappingError
from closedloop.mapping import CrmMapping, Mappings, load_mappings
from closedloop.schema.vocabulary import CrmName


@pytest.fixture(scope="session")
def mappings() -> Mappings:
    return load_mappings()


@pytest.fixture(scope="session")
def salesforce_mapping(mappings: Mappings) -> CrmMapping:
    return mappings.crm(CrmName.SALESFORCE)


@pytest.fixture(scope="session")
def hubspot(mappings: Mappings) -> CrmMapping:
    return mappings.crm(CrmName.HUBSPOT)


@pytest.fixture
def own(tmp_path: Path) -> Callable[[str, str], Mappings]:
    """Loads the mappings with one file of the admin's over the shipped ones."""

    def load(name: str, text: str) -> Mappings:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return load_mappings(tmp_path)

    return load


@pytest.fixture
def refusal(own: Callable[[str, str], Mappings]) -> Callable[[str, str], MappingError]:
    """The error that a broken file is refused with."""

    def refuse(name: str, text: str) -> MappingError:
        with pytest.raises(MappingError) as caught:
            own(name, text)
        return caught.value

    return refuse


@pytest.fixture(scope="session")
def shipped() -> Callable[[str], str]:
    """The text of a shipped file."""
    return lambda name: resources.files("closedloop_mappings").joinpath(name).read_text(encoding="utf-8")
