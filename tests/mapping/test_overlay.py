"""Overlays: documents that hold only what differs, laid over the shipped mapping or an admin's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from closedloop.errors import MappingError, UnsupportedError
from closedloop.mapping import Mappings, load_mappings
from closedloop.schema.vocabulary import CrmName, ObjectType

_O = ObjectType
SALESFORCE = CrmName.SALESFORCE
LEAD = {"Id": "00Qak00000696HFEAY", "Status": "New"}


def fields(**named: Any) -> dict[str, Any]:
    return {"objects": {"lead": {"fields": named}}}


def read(mappings: Mappings, **payload: Any) -> Any:
    return mappings.crm(SALESFORCE).normalise(_O.LEAD, {**LEAD, **payload})


def test_a_field_is_read_and_written_where_the_overlay_says(mappings: Mappings) -> None:
    mine = mappings.overlaid(SALESFORCE, fields(reason="Why_Not__c"))
    assert read(mine, Why_Not__c="Price", Disqualified_Reason__c="x").reason == "Price"
    assert mine.crm(SALESFORCE).denormalise(_O.LEAD, {"reason": "Price"}) == {("Why_Not__c",): "Price"}
    assert read(mine, Email="a@example.com").email == "a@example.com"
    assert read(mappings, Why_Not__c="Price").reason is None


def test_null_takes_a_field_away(mappings: Mappings) -> None:
    mine = mappings.overlaid(SALESFORCE, fields(reason_note=None))
    assert read(mine, Disqualified_Reason_Details__c="x").reason_note is None
    assert "Disqualified_Reason_Details__c" not in mine.crm(SALESFORCE).fields(_O.LEAD)
    with pytest.raises(UnsupportedError):
        mine.crm(SALESFORCE).coerce(_O.LEAD, {"reason_note": "x"})


def test_a_field_is_replaced_as_a_whole(mappings: Mappings) -> None:
    mine = mappings.overlaid(SALESFORCE, fields(converted="Done__c"))
    assert mine.crm(SALESFORCE).writable(_O.LEAD)["converted"] == ("Done__c",)


def test_custom_fields_are_added_and_taken_away(mappings: Mappings) -> None:
    score = {"objects": {"lead": {"custom": {"score": {"from": "Score__c", "type": "int"}}}}}
    mine = mappings.overlaid(SALESFORCE, score)
    assert read(mine, Score__c=5).custom == {"score": 5}
    less = mine.overlaid(SALESFORCE, {"objects": {"lead": {"custom": {"score": None}}}})
    assert read(less, Score__c=5).custom == {}


def test_several_layers_lie_over_one_another(mappings: Mappings) -> None:
    first = mappings.overlaid(SALESFORCE, fields(reason="A__c", reason_note="N__c"))
    second = first.overlaid(SALESFORCE, fields(reason="B__c"))
    third = second.overlaid(CrmName.HUBSPOT, {"objects": {"lead": {"fields": {"campaign_id": None}}}})
    found = read(third, A__c="a", B__c="b", N__c="n")
    assert (found.reason, found.reason_note) == ("b", "n")
    assert "campaign_id" not in third.crm(CrmName.HUBSPOT).writable(_O.LEAD)
    assert len({each.version for each in (mappings, first, second, third)}) == 4


def test_it_lies_over_an_admins_own_file_too(
    own: Callable[[str, str], Mappings], shipped: Callable[[str], str]
) -> None:
    text = shipped("salesforce.yaml").replace("Disqualified_Reason_Details__c", "Mine__c")
    mine = own("salesforce.yaml", text).overlaid(SALESFORCE, fields(reason="Why__c"))
    found = read(mine, Why__c="a", Mine__c="b")
    assert (found.reason, found.reason_note) == ("a", "b")


def test_the_version_says_what_the_overlay_says_and_not_how(mappings: Mappings, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("# a remark\nobjects: {lead: {fields: {reason: Why__c}}}\n", encoding="utf-8")
    from_file, from_text = (mappings.overlaid(SALESFORCE, each) for each in (path, str(path)))
    assert (
        from_file.version
        == from_text.version
        == mappings.overlaid(SALESFORCE, fields(reason="Why__c")).version
    )
    assert from_file.version not in {
        mappings.version,
        mappings.overlaid(SALESFORCE, fields(reason="X__c")).version,
    }
    assert mappings.overlaid(SALESFORCE, {}).version == mappings.version


def test_the_overlay_may_change_afterwards(mappings: Mappings) -> None:
    overlay = fields(reason="A__c")
    mine = mappings.overlaid(SALESFORCE, overlay)
    overlay["objects"]["lead"]["fields"]["reason"] = "B__c"
    assert mine.overlaid(SALESFORCE, fields(reason_note="N__c")).crm(SALESFORCE).writable(_O.LEAD)[
        "reason"
    ] == ("A__c",)


def test_of_several_sources_each_is_named(mappings: Mappings) -> None:
    event = {"source": "Event", "fields": {"result": "Result__c"}}
    for overlay in ([event], event):
        mine = mappings.overlaid(SALESFORCE, {"objects": {"activity": overlay}}).crm(SALESFORCE)
        assert mine.writable(_O.ACTIVITY, "Event")["result"] == ("Result__c",)
        assert mine.writable(_O.ACTIVITY, "Task")["result"] == ("CallDisposition",)
    added = {"source": "Visit__c", "fields": {"id": "Id", "subject": "Name"}}
    for of, sources in (("activity", ("Task", "Event", "Visit__c")), ("account", ("Account", "Visit__c"))):
        extra = {**added, "fields": {"id": "Id"}} if of == "account" else added
        mine = mappings.overlaid(SALESFORCE, {"objects": {of: [extra]}}).crm(SALESFORCE)
        assert mine.sources(_O(of)) == sources


def test_an_object_can_be_closed_for_writing_or_taken_away(mappings: Mappings) -> None:
    closed = mappings.overlaid(SALESFORCE, {"objects": {"user": {"read_only": True}}}).crm(SALESFORCE)
    assert closed.writable(_O.USER) == {}
    gone = mappings.overlaid(SALESFORCE, {"objects": {"user": None}}).crm(SALESFORCE)
    assert gone.sources(_O.USER) == ()
    for use in (
        lambda: gone.coerce(_O.USER, {"email": "a@example.com"}),
        lambda: gone.source_for(_O.USER, {}),
    ):
        with pytest.raises(UnsupportedError) as caught:
            use()
        assert caught.value.reason in {"not_mapped", "unknown_field"}


WRONG: list[tuple[Any, str, str]] = [
    ({"objcts": {}}, "objcts", "did you mean `objects`?"),
    ({"objects": {"laed": {}}}, "objects.laed", "did you mean `lead`?"),
    ({"objects": {"lead": {"feilds": {}}}}, "objects.lead.feilds", "did you mean `fields`?"),
    ({"objects": {"lead": "Lead"}}, "objects.lead", "Invalid"),
    ({"objects": ["lead"]}, "objects", "Not a valid mapping"),
    ({"objects": {"lead": {"fields": ["reason"]}}}, "objects.lead.fields", "Not a valid mapping"),
    (fields(reson="X__c"), "objects.lead.fields.reson", "did you mean `reason`?"),
    (fields(reson=None), "objects.lead.fields.reson", "not there to be taken away; did you mean `reason`?"),
    (fields(id=None), "objects.lead.fields", "a lead needs `id`: map it"),
    (fields(reason="a b"), "objects.lead.fields.reason", "is not a path"),
    (fields(reason={"from": "X__c", "typ": "int"}), "objects.lead.fields.reason.typ", "did you mean `type`?"),
    (fields(reason={"from": "X__c", "type": "int"}), "objects.lead.fields.reason.type", "holds a string"),
    (fields(reason=1.5), "objects.lead.fields.reason", "a float has no place"),
    (fields(reason=b"X__c"), "objects.lead.fields.reason", "a bytes has no place"),
    (fields(reason={"from": ["A__c", 10**30]}), "objects.lead.fields.reason.from.1", "a int has no place"),
    (fields(reason="a\ud800"), "objects.lead.fields.reason", "no file can hold"),
    (fields(reason="a\0"), "objects.lead.fields.reason", "no file can hold"),
    ({"objects": {"activity": {"fields": {"result": "X__c"}}}}, "objects.activity", "say with `source`"),
    ({"objects": {"activity": [{"source": "Event", "fields": {"reslt": "X__c"}}]}},
     "objects.activity.0.fields.reslt", "did you mean `result`?"),
    ({"objects": {"activity": [{"source": "Visit__c", "fields": {"subject": "Name"}}]}},
     "objects.activity.0.source", "`Visit__c` is not there yet. Allowed: Event, Task"),
    ({"objects": {"activity": ["Event"]}}, "objects.activity", "Invalid"),
    ({"lifecycle": {}}, "lifecycle", "unknown key. Allowed: crm, feedback, objects, version"),
    ({"reasons": {}}, "reasons", "in a folder with your own reasons.yaml or lifecycle.yaml"),
    ({"version": "2"}, "version", "`2` is not known"),
    ({"crm": "hubspot"}, "crm", "this file maps salesforce"),
    ({"objects": {"account": {"also_called": ["Lead"]}}}, "objects", "`Lead` names"),
    ({"feedback": {"person": {"fields": {"outcom": "X__c"}}}},
     "feedback.person.fields.outcom", "did you mean `outcome`?"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("overlay", "keys", "said"), WRONG, ids=lambda part: part if isinstance(part, str) else ""
)
def test_what_is_wrong_with_a_mapping_in_code_is_named_by_its_keys(
    mappings: Mappings, overlay: Any, keys: str, said: str
) -> None:
    with pytest.raises(MappingError) as caught:
        mappings.overlaid(SALESFORCE, overlay)
    message = str(caught.value)
    assert message.startswith(f"the overlay, at `{keys}")
    assert said in message
    message.encode()


@pytest.mark.parametrize("overlay", [{1: "x"}, {None: {}}, {"objects": None}])
def test_a_whole_overlay_that_is_none_is_refused(mappings: Mappings, overlay: Any) -> None:
    with pytest.raises(MappingError, match=r"^the overlay"):
        mappings.overlaid(SALESFORCE, overlay)


def test_an_overlay_that_holds_itself_is_refused(mappings: Mappings) -> None:
    overlay: dict[str, Any] = {}
    overlay["objects"] = overlay
    with pytest.raises(MappingError, match="nested too deeply"):
        mappings.overlaid(SALESFORCE, overlay)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (
            "objects:\n  lead:\n    fields:\n      reason: X__c\n      reson: Y__c\n",
            5,
            "did you mean `reason`?",
        ),
        ("objects:\n  lead:\n    fields:\n      reson:\n", 4, "is not there to be taken away"),
        ("objects:\n  lead:\n    fields:\n\n      id: null\n", 3, "a lead needs `id`"),
        (
            "objects:\n  activity:\n    - source: Event\n      fields:\n        reslt: X__c\n",
            5,
            "did you mean `result`?",
        ),
        ("objects:\n  activity:\n    - fields: {}\n", 3, "say with `source`"),
        ("objects: {lead: {fields: {reason: &x X__c, reason_note: *x}}}\n", 1, "aliases"),
        ("objects:\n  lead: [\n", 3, "not YAML"),
        ("objects:\n  lead: !!python/name:os.system x\n", 2, "the tag"),
        ("", 1, "empty"),
    ],
)
def test_what_is_wrong_with_a_file_is_named_by_its_line(
    mappings: Mappings, tmp_path: Path, text: str, line: int, said: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        mappings.overlaid(SALESFORCE, path)
    assert (caught.value.file, caught.value.line) == ("mine.yaml", line)
    assert said in str(caught.value)


@pytest.mark.parametrize("path", ["/nowhere/mine.yaml", "a\0b", ""])
def test_a_file_that_cannot_be_read_is_named(mappings: Mappings, path: str) -> None:
    with pytest.raises(MappingError, match="cannot be read"):
        mappings.overlaid(SALESFORCE, path)


def test_the_fault_of_a_second_layer_is_not_laid_at_the_first(mappings: Mappings, tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text(
        "objects:\n  lead:\n    fields:\n      reason: X__c\n", encoding="utf-8"
    )
    (tmp_path / "second.yaml").write_text(
        "objects:\n  lead:\n    fields:\n      stage: 'a b'\n", encoding="utf-8"
    )
    first = mappings.overlaid(SALESFORCE, tmp_path / "first.yaml")
    with pytest.raises(MappingError) as caught:
        first.overlaid(SALESFORCE, tmp_path / "second.yaml")
    assert (caught.value.file, caught.value.line) == ("second.yaml", 4)


def test_the_shipped_mapping_stays_as_it_is(mappings: Mappings) -> None:
    before = load_mappings().version
    mappings.overlaid(SALESFORCE, fields(reason="X__c"))
    assert load_mappings().version == before
    assert load_mappings().crm(SALESFORCE).writable(_O.LEAD)["reason"] == ("Disqualified_Reason__c",)


def test_an_overlay_may_be_yaml_text(mappings: Mappings) -> None:
    for text in (
        "objects:\n  lead:\n    fields:\n      reason: Why__c\n",
        "objects: {lead: {fields: {reason: Why__c}}}",
    ):
        mine = mappings.overlaid(SALESFORCE, text)
        assert read(mine, Why__c="Price").reason == "Price"


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ("objects:\n  laed: {}\n", "overlay:2: `objects.laed`"),
        ("objects:\n  lead: [\n", "this is not YAML"),
        ("objects:\n  lead: \ud800\n", "cannot be read"),
        ("# nothing to add\n", "holds no sections"),
        (5, "is of type int: give a mapping, YAML text, or the path of a file"),
        (b"objects: {}", "is of type bytes"),
    ],
)
def test_what_is_wrong_with_a_text_is_named_by_its_line(mappings: Mappings, overlay: Any, said: str) -> None:
    with pytest.raises(MappingError, match="overlay") as caught:
        mappings.overlaid(SALESFORCE, overlay)
    assert said in str(caught.value)


def test_the_crm_may_be_named_by_its_word(mappings: Mappings) -> None:
    mine = mappings.overlaid("salesforce", fields(reason="Why__c"))
    with pytest.raises(UnsupportedError, match="Salesforce sets it itself"):
        mine.crm("salesforce").coerce(_O.LEAD, {"converted": True})
    for use in (lambda: mappings.overlaid("sugar", {}), lambda: mappings.crm("sugar")):
        with pytest.raises(MappingError, match="expected one of salesforce, hubspot"):
            use()
