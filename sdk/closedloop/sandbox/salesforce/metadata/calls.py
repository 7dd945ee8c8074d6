"""The Metadata API's SOAP calls.

Metadata API Developer Guide, "File-Based Calls", "CRUD-Based Calls", "Utility Calls".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping

from closedloop.sandbox.salesforce.metadata import kinds, wsdl
from closedloop.sandbox.salesforce.metadata.changes import Changer
from closedloop.sandbox.salesforce.metadata.crud import Crud, fields_of
from closedloop.sandbox.salesforce.metadata.deployments import Deployments
from closedloop.sandbox.salesforce.metadata.options import OptionsError, from_element
from closedloop.sandbox.salesforce.metadata.retrieval import Retrievals, describe, properties
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.soap.markup import Element, Markup, tag
from closedloop.sandbox.salesforce.soap.service import FaultError, Operation

_MOST_QUERIES = 3


class Calls:
    """Every operation by its name."""

    def __init__(self, changer: Changer, deployments: Deployments) -> None:
        self._catalogue = changer.catalogue
        self._deployments = deployments
        self._retrievals = Retrievals(changer.catalogue)
        self._crud = Crud(changer)

    def operations(self) -> Mapping[str, Callable[[Operation], Markup]]:
        """The operations."""
        return {
            "cancelDeploy": self._cancel,
            "checkDeployStatus": self._check_deploy,
            "checkRetrieveStatus": self._check_retrieve,
            "checkStatus": self._check,
            "createMetadata": self._crud.create,
            "deleteMetadata": self._crud.delete,
            "deploy": self._deploy,
            "deployRecentValidation": self._deploy_again,
            "describeMetadata": self._describe,
            "describeValueType": self._describe_type,
            "listMetadata": self._list,
            "readMetadata": self._crud.read,
            "renameMetadata": self._crud.rename,
            "retrieve": self._retrieve,
            "updateMetadata": self._crud.update,
            "upsertMetadata": self._crud.upsert,
        }

    def _deploy(self, operation: Operation) -> Markup:
        element = operation.element
        try:
            data = base64.b64decode("".join((element.value("ZipFile") or "").split()), validate=True)
            options = from_element(element.find("DeployOptions"))
        except (binascii.Error, ValueError) as error:
            message = str(error) if isinstance(error, OptionsError) else "ZipFile is no base64"
            raise FaultError("Client", message, prefix="soapenv") from None
        return _queued(self._deployments.start(data, options).id)

    def _deploy_again(self, operation: Operation) -> Markup:
        found = self._deployments.again(operation.element.value("validationId") or "")
        return tag("result", found.id)

    def _check_deploy(self, operation: Operation) -> Markup:
        found = self._deployments.poll(_process(operation))
        return tag("result", found.as_tags(details=operation.element.flag("includeDetails")))

    def _cancel(self, operation: Operation) -> Markup:
        # jsforce calls the argument `id`, and the WSDL `String`; only its place counts.
        given = next((child.text.strip() for child in operation.element.children), "")
        found = self._deployments.cancel(given)
        return tag("result", {"done": found.done, "id": found.id})

    def _check(self, operation: Operation) -> Markup:
        given = _process(operation)
        try:
            done = self._deployments.poll(given).done
        except Refusal:
            done = bool(self._retrievals.status(given, with_zip=False)["done"])
        state = "Completed" if done else "InProgress"
        return tag("result", {"done": done, "id": given, "state": state})

    def _retrieve(self, operation: Operation) -> Markup:
        # jsforce calls the argument `request`.
        request = next(iter(operation.element.children), Element(name="retrieveRequest"))
        return _queued(self._retrievals.start(request))

    def _check_retrieve(self, operation: Operation) -> Markup:
        with_zip = operation.element.flag("includeZip", default=True)
        return tag("result", self._retrievals.status(_process(operation), with_zip=with_zip))

    def _describe(self, _: Operation) -> Markup:
        return tag("result", describe(kinds.KINDS))

    def _describe_type(self, operation: Operation) -> Markup:
        name = (operation.element.value("type") or "").rpartition("}")[2]
        if not wsdl.known(name):
            raise FaultError("INVALID_TYPE", "This type of metadata is not available for this organization")
        abilities = ("apiCreatable", "apiDeletable", "apiReadable", "apiUpdatable")
        able = Markup("".join(tag(ability, kinds.exists(name)) for ability in abilities))
        return tag("result", Markup(able + "".join(fields_of(name))))

    def _list(self, operation: Operation) -> Markup:
        queries = operation.element.all("queries")
        if len(queries) > _MOST_QUERIES:
            message = f"Exceeded maximum number of {_MOST_QUERIES} listMetadata queries"
            raise FaultError("LIMIT_EXCEEDED", message)
        found = []
        for query in queries:
            kind = query.value("type") or ""
            if not wsdl.known(kind):
                raise FaultError("INVALID_TYPE", f"Unknown type:{kind}")
            if kinds.exists(kind):
                found += [properties(self._catalogue, one) for one in self._catalogue.all(kind)]
        return Markup("".join(tag("result", one) for one in found))


def _process(operation: Operation) -> str:
    return operation.element.value("asyncProcessId") or ""


def _queued(record_id: str) -> Markup:
    """The AsyncResult of a call that has only begun."""
    return tag("result", {"done": False, "id": record_id, "state": "Queued"})
