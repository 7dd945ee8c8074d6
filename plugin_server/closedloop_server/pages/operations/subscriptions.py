"""Who is told by webhook: adding a subscriber, and what every one of them was told."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from closedloop_server.access import Scope, require, services, viewer
from closedloop_server.api.arguments import BeforeArguments, RangeArguments, load_arguments
from closedloop_server.pages.operations.forms import done, is_sure, question
from closedloop_server.pages.site import blueprint
from closedloop_server.pages.words import count
from closedloop_server.subscriptions import admin
from closedloop_server.subscriptions.event_types import CHOOSABLE, MEANINGS
from closedloop_server.subscriptions.problems import SubscriptionError

A_PAGE = 25


@blueprint.get("/operations/subscriptions")
@require(Scope.ADMIN)
def subscriptions() -> str:
    """Every subscription, and a form for another."""
    return _list()


@blueprint.post("/operations/subscriptions")
@require(Scope.ADMIN)
def create_subscription() -> str | tuple[str, int]:
    """Adds a subscription and shows its secret: not after a redirect, since it must not lie in a cookie."""
    try:
        made = admin.create(services(), **_given(), who=viewer().name)
    except SubscriptionError as exc:
        return _list(problem=exc.message, given=_given()), 400
    return _one(made.subscription.id, secret=made.secret)


@blueprint.get("/operations/subscriptions/<id_>")
@require(Scope.ADMIN)
def subscription(id_: str) -> str:
    """One subscription: what it is for, how telling it goes, what can be done."""
    return _one(id_)


@blueprint.post("/operations/subscriptions/<id_>")
@require(Scope.ADMIN)
def update_subscription(id_: str) -> Response | tuple[str, int]:
    """Changes what a subscription is for."""
    try:
        admin.update(services(), id_, **_given(), who=viewer().name)
    except SubscriptionError as exc:
        return _one(id_, problem=exc.message, given=_given()), 400
    return done("The subscription is changed.", "pages.subscription", id_=id_)


@blueprint.post("/operations/subscriptions/<id_>/test")
@require(Scope.ADMIN)
def test_subscription(id_: str) -> Response:
    """Sends a test, and says how it went."""
    attempt = admin.test(services(), id_, who=viewer().name)
    took = f" after {attempt.duration_ms:,} ms" if attempt.duration_ms is not None else ""
    if attempt.accepted:
        flash(f"The test was accepted with {attempt.status}{took}.")
    else:
        flash(f"The test was not accepted{took}: {attempt.error or attempt.status or 'no answer'}")
    return redirect(url_for("pages.subscription", id_=id_), code=303)


@blueprint.post("/operations/subscriptions/<id_>/rotate")
@require(Scope.ADMIN)
def rotate_subscription(id_: str) -> str:
    """Makes a new secret and shows it."""
    found = admin.one(services(), id_)
    if not is_sure():
        return question(
            f"Make a new secret for “{found.name}”?",
            "The new secret is shown once. For a day, every webhook is signed with the old one as well;"
            " put the new one into the subscriber before that is over.",
            button="Make a new secret",
            back=url_for("pages.subscription", id_=id_),
        )
    return _one(id_, secret=admin.rotate(services(), id_, who=viewer().name))


@blueprint.post("/operations/subscriptions/<id_>/pause")
@require(Scope.ADMIN)
def pause_subscription(id_: str) -> Response:
    """Has its webhooks wait."""
    admin.pause(services(), id_, who=viewer().name)
    return done("The subscription is paused: its webhooks wait.", "pages.subscription", id_=id_)


@blueprint.post("/operations/subscriptions/<id_>/resume")
@require(Scope.ADMIN)
def resume_subscription(id_: str) -> Response:
    """Lets its webhooks go on."""
    admin.resume(services(), id_, who=viewer().name)
    return done("The subscription is active.", "pages.subscription", id_=id_)


@blueprint.post("/operations/subscriptions/<id_>/remove")
@require(Scope.ADMIN)
def remove_subscription(id_: str) -> Response | str:
    """Removes it, once that is confirmed."""
    found = admin.one(services(), id_)
    if not is_sure():
        return question(
            f"Remove the subscription “{found.name}”?",
            "It is told nothing more, and its secrets and its address are forgotten. This cannot be undone;"
            " a new subscription can be added.",
            button="Remove",
            back=url_for("pages.subscription", id_=id_),
        )
    admin.remove(services(), id_, who=viewer().name)
    return done(f"“{found.name}” is removed.", "pages.subscriptions")


@blueprint.post("/operations/subscriptions/<id_>/replay")
@require(Scope.ADMIN)
def replay_subscription(id_: str) -> Response:
    """Sends events again: one, those of a time, or all that were missed."""
    event = request.form.get("event")
    if event:
        sent = admin.replay(services(), id_, event=event, who=viewer().name)
    elif request.form.get("missed"):
        sent = admin.replay_missed(services(), id_, who=viewer().name)
    else:
        wanted = load_arguments(RangeArguments, request.form, strict=False)
        sent = admin.replay_range(services(), id_, **wanted, who=viewer().name)
    return done(f"{count(sent, 'event is', 'events are')} sent again.", "pages.subscription", id_=id_)


def _given() -> dict[str, Any]:
    """What the form says."""
    return {
        "name": request.form.get("name", ""),
        "url": request.form.get("url", "").strip(),
        "types": tuple(request.form.getlist("types")),
        "connections": tuple(request.form.getlist("connections")),
        "description": request.form.get("description", ""),
    }


def _list(**told: Any) -> str:
    found = admin.every(services())
    waiting = {each.id: admin.counts(services(), each.id) for each in found}
    return render_template(
        "operations/subscriptions.html",
        subscriptions=found,
        counts=waiting,
        **_choices(),
        **told,
    )


def _one(id_: str, **told: Any) -> str:
    before = load_arguments(BeforeArguments, request.args, strict=False).get("before")
    log = admin.log(services(), id_, limit=A_PAGE + 1, before=before)
    return render_template(
        "operations/subscription.html",
        each=admin.one(services(), id_),
        counts=admin.counts(services(), id_),
        log=log[:A_PAGE],
        older=log[A_PAGE - 1].number if len(log) > A_PAGE else None,
        later_page=before is not None,
        **_choices(),
        **told,
    )


def _choices() -> dict[str, Any]:
    return {
        "types": {each: MEANINGS[each] for each in CHOOSABLE},
        "connections": [each.name for each in services().settings.connections],
    }
