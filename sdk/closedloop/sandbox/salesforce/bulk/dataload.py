"""What goes over the wire in the older Bulk API: XML and JSON of jobs, batches, results and errors.

Bulk API Developer Guide, "Bulk API"; bodies as recorded (cumulusci's sessions): elements are indented by one
blank, JSON has its keys in alphabetical order, and instants are written `…Z` here and `…+0000` there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree
from werkzeug import Request

from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.call import Answer
from closedloop.sandbox.salesforce.soap.markup import printable

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_JSON, _XML = "application/json", "application/xml"

Tree = Sequence[tuple[str, Any]]
"""Elements in order: the text of each, or the elements within it; None is left out of XML."""


def in_json(request: Request) -> bool:
    """Whether what is not the content of a batch is answered as JSON: clients that send it want it."""
    return request.mimetype == _JSON or (not request.mimetype and _JSON in request.headers.get("Accept", ""))


def content(request: Request) -> bytes:
    """The body sent."""
    # What could be unpacked has been.
    if request.headers.get("Content-Encoding", "").lower() == "gzip":
        raise Refusal("ClientInputError", "The request body is not gzip.")
    return request.get_data()


def job_info(request: Request) -> dict[str, Any]:
    """What the body says about a job, in either form."""
    data = content(request)
    return _from_json(data) if request.mimetype == _JSON else _from_xml(data)


def answer(name: str, tree: Tree, *, as_json: bool, status: int = 200, location: str = "") -> Answer:
    """One thing, such as a job."""
    headers = {"Location": location} if location else {}
    if as_json:
        return Answer(status=status, raw=to_json(_as_object(tree)), kind=_JSON, headers=headers)
    return Answer(status=status, raw=document(name, tree), kind=_XML, headers=headers)


def listing(name: str, item: str, trees: Iterable[Tree], *, as_json: bool) -> Answer:
    """Several things in one answer."""
    if as_json:
        return Answer(raw=to_json({item: [_as_object(tree) for tree in trees]}), kind=_JSON)
    return Answer(raw=document(name, [(item, tree) for tree in trees]), kind=_XML)


def refused(refusal: Refusal, *, as_json: bool) -> Answer:
    """The body of a request that fails: a bare object, or an `error` element."""
    tree = [("exceptionCode", refusal.code), ("exceptionMessage", refusal.message)]
    return answer("error", tree, as_json=as_json, status=refusal.status)


def document(name: str, tree: Tree, *, more: str = "") -> bytes:
    """The tree as an XML document; `more` are further attributes of its first element."""
    head = f'<?xml version="1.0" encoding="UTF-8"?><{name}\n   xmlns="{NAMESPACE}"{more}'
    return (head + (f">\n{_elements(tree, ' ')}</{name}>" if tree else " />")).encode()


def to_json(value: Any) -> bytes:
    """The value as the Bulk API writes JSON."""
    return json.dumps(value).encode()


def instant(text: str) -> str:
    """A REST datetime as XML writes it."""
    return text.replace("+0000", "Z")


def parsed(data: bytes) -> etree._Element:
    """The first element of an XML body; a document type, and what is no XML, is refused."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise Refusal("InvalidXML", f"Failed to parse XML. {error.msg}") from None
    if b"<!DOCTYPE" in data:
        raise Refusal("InvalidXML", "Failed to parse XML. A document type is not allowed.")
    return root


def local(element: etree._Element) -> str:
    """The element's name without its namespace; empty for a comment."""
    tag: object = element.tag
    return etree.QName(tag).localname if isinstance(tag, str) else ""


def _from_json(data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        # The Guide's errors have a code for XML alone; the words are our own.
        raise Refusal("ClientInputError", "The request body is not a JSON object.")
    return body


def _from_xml(data: bytes) -> dict[str, Any]:
    root = parsed(data)
    if local(root) != "jobInfo":
        raise Refusal("InvalidXML", f"Failed to parse XML. Unexpected element {local(root)}")
    return {local(child): (child.text or "").strip() for child in root if local(child)}


def _as_object(tree: Tree) -> Mapping[str, Any]:
    return dict(sorted(tree))


def _elements(tree: Tree, indent: str) -> str:
    return "".join(_element(name, value, indent) for name, value in tree if value is not None)


def _element(name: str, value: Any, indent: str) -> str:
    if isinstance(value, list | tuple):
        return f"{indent}<{name}>\n{_elements(value, indent + ' ')}{indent}</{name}>\n"
    return f"{indent}<{name}>{escape(printable(_text(value)))}</{name}>\n"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return instant(value) if isinstance(value, str) and value.endswith(".000+0000") else str(value)
