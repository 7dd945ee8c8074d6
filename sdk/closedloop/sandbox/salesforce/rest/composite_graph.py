"""Composite graphs: sets of up to 500 requests, each set done as a whole or not at all.

REST API Developer Guide, "Composite Graph" and "Composite Graph Limits".
"""

from __future__ import annotations

import re
from typing import Any

from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.composite import Inner, Part, parts_of, run, shown, too_many

_MOST_NODES = 500
_MOST_GRAPHS = 75
_NODE = re.compile(r"/services/data/v[\d.]+/sobjects/[^/?]+(?:/[^?]*)?/?(?:\?.*)?")
_GRAPH_ID = re.compile(r"[A-Za-z0-9][^.]{0,38}")


def graphs(call: Call, inner: Inner) -> Answer:
    """Runs every graph; one that fails is undone, and says so in `isSuccessful`."""
    wanted = call.body().get("graphs")
    if not isinstance(wanted, list) or not all(isinstance(graph, dict) for graph in wanted):
        raise Refusal("JSON_PARSER_ERROR", "graphs is required: graphId and compositeRequest of each.")
    prepared = [(_name(graph), _nodes(graph)) for graph in wanted]
    if len(prepared) > _MOST_GRAPHS:
        raise too_many(f"Limit of {_MOST_GRAPHS} graphs exceeded")
    if sum(len(nodes) for _, nodes in prepared) > _MOST_NODES:
        raise too_many(f"Limit of {_MOST_NODES} nodes exceeded")
    if len({name for name, _ in prepared}) < len(prepared):
        raise Refusal("INVALID_INPUT", "Duplicate graphId")
    return Answer(body={"graphs": [_graph(call, name, nodes, inner) for name, nodes in prepared]})


def _graph(call: Call, name: str, nodes: list[Part], inner: Inner) -> dict[str, Any]:
    done = run(call, nodes, inner, all_or_none=True)
    good = all(answer.status < 400 for _, answer in done)
    return {"graphId": name, "graphResponse": shown(done), "isSuccessful": good}


def _name(graph: dict[str, Any]) -> str:
    name = graph.get("graphId")
    if not isinstance(name, str) or not _GRAPH_ID.fullmatch(name):
        # The rules are the Guide's; the words, and the code, are our own.
        message = "A graphId begins with a letter or a number, has less than 40 characters and no full stop."
        raise Refusal("INVALID_INPUT", message)
    return name


def _nodes(graph: dict[str, Any]) -> list[Part]:
    nodes = parts_of(graph)
    for node in nodes:
        if not _NODE.fullmatch(node["url"]):
            message = f"{node['url']} cannot be part of a graph: only records can."
            raise Refusal("INVALID_INPUT", message)
    return nodes
