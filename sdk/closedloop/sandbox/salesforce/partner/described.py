"""Describes in XML: what the REST resources say, in the WSDL's order, which is the alphabet's.

What is null is left out, but for the elements that the partner WSDL has in every answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.salesforce.soap.markup import Markup, tag

# In the REST answers only.
_NOT_IN_SOAP = frozenset(
    {
        "associateEntityType",
        "associateParentEntity",
        "extendedBy",
        "extendsInterfaces",
        "listviewable",
        "lookupLayoutable",
        "sobjectDescribeOption",
        "urls",
    }
)
_NILLABLE = frozenset({"keyPrefix", "defaultImplementation", "implementedBy", "implementsInterfaces"})
_ADDRESSES = ("urlDetail", "urlEdit", "urlNew")


def global_result(body: Mapping[str, Any]) -> Markup:
    """The DescribeGlobalResult."""
    return tag("result", {**_known(body), "sobjects": [_object(one) for one in body["sobjects"]]})


def object_result(body: Mapping[str, Any]) -> Markup:
    """A DescribeSObjectResult."""
    lists = {
        name: [_known(one) for one in body[name]]
        for name in ("childRelationships", "fields", "recordTypeInfos", "supportedScopes")
        if name in body
    }
    addresses = dict.fromkeys(_ADDRESSES)
    return tag("result", dict(sorted({**_object(body), **lists, **addresses}.items())))


def _object(body: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted({**_known(body), "idEnabled": True}.items()))


def _known(body: Mapping[str, Any]) -> dict[str, Any]:
    """What has a value, and what may be nil; parts that are themselves mappings the same way."""
    found: dict[str, Any] = {}
    for name, value in body.items():
        if name in _NOT_IN_SOAP or (value is None and name not in _NILLABLE):
            continue
        if isinstance(value, list):
            found[name] = [_known(one) if isinstance(one, Mapping) else one for one in value]
        else:
            found[name] = _known(value) if isinstance(value, Mapping) else value
    return found
