"""What clients with pages ask of an object: its layouts, list views and actions.

REST API Developer Guide, "SObject Layouts", "List View" and "Quick Actions". The sandbox has one layout an
object, with every field in one column, and no list views and actions.
"""

from __future__ import annotations

from typing import Any

from closedloop.sandbox.salesforce.refusal import not_found
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.route import Route
from closedloop.sandbox.salesforce.schema.describe import compact, layoutable, record_types
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject


def routes() -> tuple[Route, ...]:
    """Where they are."""
    one = "/sobjects/<sobject>"
    return (
        Route(methods="GET", path=f"{one}/describe/layouts", handler=_layouts),
        Route(methods="GET", path=f"{one}/describe/layouts/<type>", handler=_layout_of_type),
        Route(methods="GET", path=f"{one}/describe/compactLayouts", handler=_compact_layouts),
        Route(methods="GET", path=f"{one}/describe/approvalLayouts", handler=_approval_layouts),
        Route(methods="GET", path=f"{one}/listviews", handler=_list_views),
        Route(methods="GET", path=f"{one}/quickActions", handler=_quick_actions),
    )


def _layouts(call: Call) -> Answer:
    kind = _laid_out(call)
    mappings = [
        {**info, "layoutId": _layout_id(kind), "picklistsForRecordType": None}
        for info in record_types(kind, call.version, call.org.tables)
    ]
    body = {
        "layouts": [_layout(kind)],
        "recordTypeMappings": mappings,
        "recordTypeSelectorRequired": [len(mappings) > 1],
    }
    return Answer(body=body)


def _layout_of_type(call: Call) -> Answer:
    kind = _laid_out(call)
    types = {info["recordTypeId"] for info in record_types(kind, call.version, call.org.tables)}
    if call.path["type"] not in types:
        raise not_found()
    return Answer(body=_layout(kind))


def _compact_layouts(call: Call) -> Answer:
    if not compact(call.kind()):
        raise not_found()
    body: dict[str, Any] = {
        "compactLayouts": [],
        "defaultCompactLayoutId": None,
        "recordTypeCompactLayoutMappings": [],
    }
    return Answer(body=body)


def _approval_layouts(call: Call) -> Answer:
    _laid_out(call)
    return Answer(body={"approvalLayouts": []})


def _list_views(call: Call) -> Answer:
    kind = _laid_out(call)
    body = {"done": True, "listviews": [], "nextRecordsUrl": None, "size": 0, "sobjectType": kind.name}
    return Answer(body=body)


def _quick_actions(call: Call) -> Answer:
    _laid_out(call)
    return Answer(body=[])


def _laid_out(call: Call) -> SObject:
    kind = call.kind()
    if not layoutable(kind):
        raise not_found()
    return kind


def _layout(kind: SObject) -> dict[str, Any]:
    section = {
        "collapsed": False,
        "columns": 1,
        "heading": "Information",
        "layoutRows": [_row(f) for f in kind.fields.values()],
        "rows": len(kind.fields),
        "tabOrder": "topToBottom",
        "useCollapsibleSection": False,
        "useHeading": False,
    }
    return {
        "buttonLayoutSection": {"detailButtons": []},
        "detailLayoutSections": [section],
        "editLayoutSections": [section],
        "feedView": None,
        "highlightsPanelLayoutSection": None,
        "id": _layout_id(kind),
        "multirowEditLayoutSections": [],
        "offlineLinks": [],
        "quickActionList": None,
        "relatedContent": None,
        "relatedLists": [],
        "saveOptions": [],
    }


def _row(field: Field) -> dict[str, Any]:
    component = {"displayLines": 1, "tabOrder": 1, "type": "Field", "value": field.name}
    item = {
        "editableForNew": field.createable,
        "editableForUpdate": field.updateable,
        "label": field.label,
        "layoutComponents": [component],
        "placeholder": False,
        "required": field.required,
    }
    return {"layoutItems": [item], "numItems": 1}


def _layout_id(kind: SObject) -> str:
    return f"00h{kind.prefix}000000000AAA"
