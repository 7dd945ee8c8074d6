"""Writes docs/fields.md, which lists every field of ours and what becomes of it in each CRM.

python -m closedloop.mapping.reference > docs/fields.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from closedloop.mapping.crm import CrmMapping
from closedloop.mapping.inverse import NEVER_WRITTEN, Writer
from closedloop.mapping.load import Mappings, load_mappings
from closedloop.mapping.loss import possible_loss
from closedloop.mapping.shape import Slot, has_links, slots
from closedloop.mapping.spec import ObjectSpec, path_text
from closedloop.schema.records import RECORDS
from closedloop.schema.vocabulary import CrmName, ObjectType

_INTRO = """\
# Fields

What the shipped mapping files read and write, made from them by `python -m closedloop.mapping.reference`.
An overlay or a mapping file of your own changes it for your org; `crm.explain(record)` says the same of one
record, and `crm.describe("lead")` compares it with what your org has.

**Read from** lists the CRM's fields in the order they are asked: the first that holds something counts.
**Written** is `yes`, `at creation` or `no`; what cannot be written, and what has no place in the CRM, is
refused by name with an `UnsupportedError`. **May lose** is what our field does not keep of the CRM's, beside
the blanks around texts and the time zone of times. The untouched payload stays reachable as `raw`.

Writing keeps what it is given, with these exceptions:

- blanks around a text are left out, and blank text clears the field;
- times are kept in UTC, by HubSpot to the millisecond, by Salesforce to the second;
- Salesforce rounds a number to the decimal places of its field without a word, and to about 15 digits; what
  it rounded differs from what you gave, so that every `update` with it writes it again;
- a picklist that has a default in the org, such as a lead's status, takes it again when it is cleared;
- an address in another case, or the same choices in another order, counts as unchanged;
- a Salesforce org with a single currency has no field for it: only amounts in that currency can be written;
- a day goes to HubSpot as midnight UTC where the property keeps a time, such as `closedate`.

Of a record of another CRM, `create` takes every field but its identity (`id`, `other_id`, ids of other
records, `linked_ids`), its times and what a CRM works out by itself, such as `closed`.
"""


def fields_page(mappings: Mappings) -> str:
    """The whole page, in Markdown."""
    lines = [_INTRO]
    for of in ObjectType:
        lines += [f"## {of}", "", _first_line(of), ""]
        for crm in CrmName:
            lines += _of_crm(mappings.crm(crm), of)
    return "\n".join(lines).rstrip() + "\n"


def _first_line(of: ObjectType) -> str:
    text = (RECORDS[of].__doc__ or "").partition("\n\n")[0]
    return " ".join(text.split())


def _of_crm(mapping: CrmMapping, of: ObjectType) -> Iterator[str]:
    for source in mapping.sources(of):
        spec = mapping.specification(of, source)
        yield from (f"### {of} in {mapping.crm.label}: {source}", "")
        yield from ("| Field | Read from | Written | Written to | May lose |", "|---|---|---|---|---|")
        writers = mapping.writers(of, source)
        for slot in slots(of).values():
            yield _row(slot, writers.get(slot.name))
        for name, writer in writers.items():
            if name.startswith("custom."):
                yield _row(writer.slot, writer)
        yield from _other(of, spec)
        yield ""


def _row(slot: Slot, writer: Writer | None) -> str:
    if writer is None:
        return f"| `{slot.name}` | – | no |  |  |"
    to = f"`{path_text(writer.path)}`" if writer.path else ""
    loss = "" if slot.name in NEVER_WRITTEN else possible_loss(writer.spec, slot)
    return f"| `{slot.name}` | {_read(writer)} | {_when(writer)} | {to} | {loss} |"


def _when(writer: Writer) -> str:
    return "says which object is made" if writer.fixed else writer.when


def _read(writer: Writer) -> str:
    spec = writer.spec
    if spec.always is not None:
        return f"always `{spec.always}`"
    if spec.join:
        return f" `{spec.separator}` ".join(f"`{path_text(path)}`" for path in spec.join)
    read = ", ".join(f"`{path_text(path)}`" for path in spec.paths)
    currency = f", currency `{path_text(spec.currency)}`" if spec.currency else ""
    return read + (f", if it starts with `{spec.starts_with}`" if spec.starts_with else "") + currency


def _other(of: ObjectType, spec: ObjectSpec) -> Iterator[str]:
    """The fields that no line of the mapping fills."""
    if has_links(of):
        links = ", ".join(f"`{path_text(link.path)}`" for link in spec.links)
        yield f"| `linked_ids` | {links or '–'} | no |  |  |"
    if of is ObjectType.STAGE:
        yield "| `meaning` | the stage's own flags, or lifecycle.yaml for leads | no |  |  |"


if __name__ == "__main__":
    sys.stdout.write(fields_page(load_mappings()))
