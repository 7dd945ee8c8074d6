"""docs/fields.md is made from the mapping files, and says everything there is to say of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from closedloop.mapping import Mappings
from closedloop.mapping.reference import fields_page
from closedloop.mapping.shape import slots
from closedloop.schema.vocabulary import CrmName, ObjectType

PAGE = Path(__file__).parents[2] / "docs" / "fields.md"


def test_the_page_is_the_one_that_the_mapping_files_make(mappings: Mappings) -> None:
    """If this fails: `python -m closedloop.mapping.reference > docs/fields.md`."""
    assert PAGE.read_text(encoding="utf-8") == fields_page(mappings)


def test_the_command_prints_the_page() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "closedloop.mapping.reference"], capture_output=True, check=True, text=True
    )
    assert made.stdout == PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("crm", list(CrmName))
@pytest.mark.parametrize("of", list(ObjectType))
def test_every_object_and_field_of_both_crms_is_on_the_page(
    mappings: Mappings, crm: CrmName, of: ObjectType
) -> None:
    mapping = mappings.crm(crm)
    for source in mapping.sources(of):
        heading = rf"### {of} in \w+: {source}\n"
        (section,) = re.findall(heading + r"(.*?)(?=\n#|\Z)", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        rows = dict(re.findall(r"^\| `([\w.]+)` \| (.*) \|$", section, re.MULTILINE))
        assert rows.keys() >= slots(of).keys()
        for name, cells in rows.items():
            _, written, to, _ = (cell.strip() for cell in cells.split(" | ", 3))
            if name in mapping.writable(of, source):
                assert written == ("at creation" if name in mapping.create_only(of) else "yes"), name
                assert to.strip("`").split(".")[-1].replace("[0]", "") in map(
                    str, mapping.writable(of, source)[name]
                )
            else:
                assert (written in {"no", "says which object is made"}, to) == (True, ""), name
