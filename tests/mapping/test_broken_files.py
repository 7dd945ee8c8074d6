"""A broken mapping file is refused with its line, what was found and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from closedloop.errors import MappingError
from closedloop.mapping import FILES, load_mappings

Refusal = Callable[[str, str], MappingError]

HEAD = "version: 1\ncrm: salesforce\nobjects:\n  lead:\n    source: Lead\n    fields:\n      id: Id\n"
HUBSPOT = "version: 1\ncrm: hubspot\nobjects:\n  contact:\n    source: contacts\n    fields:\n      id: id\n"
USER = "  user:\n    source: User\n    fields: {id: Id}\n    linked_ids:\n"
RULES = "version: 1\nrules:\n"
STAGES = "version: 1\nlead:\n  salesforce:\n    stages:\n"


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        # The form of the file.
        ("salesforce.yaml", "", 1, "the file is empty"),
        ("salesforce.yaml", "- a\n", 1, "the file is empty"),
        ("salesforce.yaml", "version: 1\ncrm: [a\n", 3, "this is not YAML"),
        ("salesforce.yaml", "version: 1\n\tcrm: x\n", 2, "this is not YAML"),
        (
            "salesforce.yaml",
            "version: 1\ncrm: salesforce\nversion: 1\n",
            3,
            "`version` stands here twice, first on line 1",
        ),
        ("salesforce.yaml", "version: 1\ncrm: !!python/name:os.system\n", 2, "the tag"),
        ("salesforce.yaml", "version: 1\na: !thing 1\n", 2, "the tag"),
        ("salesforce.yaml", "version: &v 1\ncrm: *v\n", 1, "anchors and aliases"),
        ("salesforce.yaml", "version: 1\n<<: {a: b}\n", 2, "a key must be plain text"),
        ("salesforce.yaml", "version: 1\n---\nversion: 1\n", 2, "this is not YAML"),
        ("salesforce.yaml", "version: 1\ncrm: \x07\n", 2, "a character that YAML does not allow"),
        ("salesforce.yaml", "a: " + "[" * 40 + "]" * 40, 1, "nested too deeply"),
        ("salesforce.yaml", "a: " + "[" * 9000, 1, "this is not YAML"),
        ("salesforce.yaml", "crm: salesforce\nobjects: {}\n", 1, "`version` is missing"),
        ("salesforce.yaml", "version: 2\ncrm: salesforce\nobjects: {}\n", 1, "`2` is not known"),
        ("salesforce.yaml", "version: 1\ncrm: salesforse\nobjects: {}\n", 2, "did you mean `salesforce`?"),
        ("salesforce.yaml", "version: 1\ncrm: hubspot\nobjects: {}\n", 2, "this file maps salesforce"),
        (
            "salesforce.yaml",
            "version: 1\ncrm: salesforce\nobject: {}\n",
            3,
            "unknown key; did you mean `objects`?",
        ),
        (
            "salesforce.yaml",
            "version: 1\ncrm: salesforce\nobjects:\n  leads: {}\n",
            4,
            "did you mean `lead`?",
        ),
        ("salesforce.yaml", "version: 1\ncrm: salesforce\nobjects:\n  lead: text\n", 4, "Invalid input type"),
        # Fields.
        (
            "salesforce.yaml",
            HEAD + "      emial: Email\n",
            8,
            "`emial` is no field of lead; did you mean `email`?",
        ),
        ("salesforce.yaml", HEAD + "      email: {form: Email}\n", 8, "unknown key; did you mean `from`?"),
        (
            "salesforce.yaml",
            HEAD + "      email:\n        from: Email\n        type: mail\n",
            10,
            "did you mean `email`?",
        ),
        (
            "salesforce.yaml",
            HEAD + "      email: {from: Email, type: datetime}\n",
            8,
            "holds a string, which a datetime",
        ),
        ("salesforce.yaml", HEAD + "      converted: {from: IsConverted, type: string}\n", 8, "holds a bool"),
        ("salesforce.yaml", HEAD + "      email: 'Email..x'\n", 8, "is not a path"),
        ("salesforce.yaml", HEAD + "      email: 'E mail'\n", 8, "is not a path"),
        ("salesforce.yaml", HEAD + "      email: ['Emails[0]']\n", 8, "has no places in lists"),
        ("salesforce.yaml", HEAD + "      email: []\n", 8, "expected a text or a list of texts"),
        ("salesforce.yaml", HEAD + "      email: [Email, true]\n", 8, "expected a text"),
        ("salesforce.yaml", HEAD + "      email: true\n", 8, "expected a path"),
        (
            "salesforce.yaml",
            HEAD + "      email: {type: email}\n",
            8,
            "exactly one of `from`, `join` and `always`",
        ),
        ("salesforce.yaml", HEAD + "      email: {from: Email, always: x}\n", 8, "exactly one of"),
        (
            "salesforce.yaml",
            HEAD + "      company: {from: Company, currency: Iso}\n",
            8,
            "goes with the type `money`",
        ),
        ("salesforce.yaml", HEAD + "      company: {from: Company, type: guid}\n", 8, "`guid` is HubSpot's"),
        (
            "salesforce.yaml",
            HEAD + "      converted:\n        from: X\n        values:\n          a: maybe\n",
            11,
            "`maybe` is not a bool",
        ),
        (
            "salesforce.yaml",
            "version: 1\ncrm: salesforce\nobjects:\n  lead:\n    source: Lead\n    fields: {name: Name}\n",
            6,
            "a lead needs `id`",
        ),
        (
            "salesforce.yaml",
            "version: 1\ncrm: salesforce\nobjects:\n  lead:\n    fields: {id: Id}\n",
            4,
            "`source` is missing",
        ),
        (
            "salesforce.yaml",
            HEAD + "  contact: {source: Lead, fields: {id: Id}}\n",
            8,
            "`Lead` names lead already",
        ),
        (
            "salesforce.yaml",
            HEAD + "    custom:\n      rating: {from: Rating, type: text}\n",
            9,
            "`text` is not known",
        ),
        (
            "salesforce.yaml",
            HEAD + USER + "    - {crm: hubspot, object: user, from: X}\n",
            12,
            "a user has no `linked_ids`",
        ),
        ("hubspot.yaml", HUBSPOT + "      email: propertys.email\n", 8, "did you mean `properties`?"),
        (
            "hubspot.yaml",
            HUBSPOT + "    linked_ids:\n    - {crm: sap, object: lead, from: X}\n",
            9,
            "`sap` is not known",
        ),
        # Feedback.
        (
            "salesforce.yaml",
            HEAD + "feedback:\n  persons: {source: X, fields: {}}\n",
            9,
            "did you mean `person`?",
        ),
        (
            "salesforce.yaml",
            HEAD + "feedback:\n  person:\n    source: X\n    fields:\n      outcom: A__c\n",
            12,
            "did you mean `outcome`?",
        ),
        # Reasons.
        ("reasons.yaml", RULES + "  - {reason: no_budgets, exact: [x]}\n", 3, "did you mean `no_budget`?"),
        (
            "reasons.yaml",
            RULES + "  - {reason: price, outcomes: [losst], exact: [x]}\n",
            3,
            "did you mean `lost`?",
        ),
        (
            "reasons.yaml",
            RULES + "  - reason: price\n    patterns:\n      - 'too (dear'\n",
            5,
            "is not a regular expression",
        ),
        (
            "reasons.yaml",
            RULES + "  - reason: price\n    patterns:\n      - 'a*'\n",
            5,
            "matches an empty text",
        ),
        ("reasons.yaml", RULES + "  - reason: price\n", 3, "the rule matches nothing"),
        (
            "reasons.yaml",
            RULES + "  - reason: price\n    exact: [A]\n  - reason: no_fit\n    exact: [A]\n",
            6,
            "has a rule for accepted already, on line 4",
        ),
        (
            "reasons.yaml",
            RULES + "  - reason: price\n    patterns: [a]\n  - reason: price\n    patterns: [a]\n",
            6,
            "already, on line 4",
        ),
        ("reasons.yaml", RULES + "  - {reason: price, exact: [' ']}\n", 3, "a blank reason is `unspecified`"),
        ("reasons.yaml", RULES + "  - {reason: price, exacts: [x]}\n", 3, "did you mean `exact`?"),
        ("reasons.yaml", "version: 1\nambiguous: ['(']\nrules: []\n", 2, "is not a regular expression"),
        # Stages.
        ("lifecycle.yaml", STAGES + "      opened: [New]\n", 5, "did you mean `open`?"),
        (
            "lifecycle.yaml",
            STAGES + "      open: [New]\n      accepted:\n        - Open\n        - new\n",
            8,
            "`new` means open already",
        ),
        ("lifecycle.yaml", "version: 1\nlead:\n  sugar: {stages: {}}\n", 3, "`sugar` is not known"),
        # Files.
        ("reason.yaml", "version: 1\n", 1, "did you mean `reasons.yaml`?"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(
    refusal: Refusal, name: str, text: str, line: int, said: str
) -> None:
    error = refusal(name, text)
    assert said in str(error)
    assert (error.file, error.line) == (name, line)
    assert str(error).startswith(f"{name}:{line}: ")
    assert error.reason == "bad_mapping"


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reasons.yaml").write_bytes(b"version: 1\n# caf\xe9\n")
    with pytest.raises(MappingError) as caught:
        load_mappings(tmp_path)
    assert caught.value.line == 2


def test_a_file_too_large_to_be_a_mapping_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reasons.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(MappingError):
        load_mappings(tmp_path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reasons.yaml").mkdir()
    with pytest.raises(MappingError) as caught:
        load_mappings(tmp_path)
    assert caught.value.file == "reasons.yaml"


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MappingError):
        load_mappings(tmp_path / "nowhere")


def test_an_empty_folder_changes_nothing(tmp_path: Path) -> None:
    assert load_mappings(tmp_path).version == load_mappings().version


def test_an_own_file_replaces_the_shipped_one_and_changes_the_version(
    tmp_path: Path, shipped: Callable[[str], str]
) -> None:
    (tmp_path / "reasons.yaml").write_text(shipped("reasons.yaml") + "\n# ours\n", encoding="utf-8")
    (tmp_path / "README.txt").write_text("not a mapping")
    assert load_mappings(tmp_path).version != load_mappings().version


@pytest.mark.parametrize("name", FILES)
def test_the_shipped_files_load_as_an_admins_copy_too(
    tmp_path: Path, shipped: Callable[[str], str], name: str
) -> None:
    (tmp_path / name).write_text("\ufeff" + shipped(name), encoding="utf-8")
    assert load_mappings(tmp_path).crms.keys() == load_mappings().crms.keys()
