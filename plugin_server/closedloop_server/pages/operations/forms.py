"""What the forms of operators have in common: a question before what cannot be undone, a word after it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

_OURS = frozenset({"form", "sure"})


def done(message: str, endpoint: str, **arguments: str | int) -> Response:
    """Back to a page, which shows the message once."""
    flash(message)
    return redirect(url_for(endpoint, **arguments), code=303)  # type: ignore[arg-type]  # values of the address


def is_sure() -> bool:
    """Whether the question was answered."""
    return request.form.get("sure") == "yes"


def question(title: str, consequence: str, *, button: str, back: str) -> str:
    """The page that asks before the form that was sent is acted upon; it sends the same form again."""
    kept = [(name, value) for name, value in request.form.items(multi=True) if name not in _OURS]
    return render_template(
        "operations/question.html",
        title=title,
        consequence=consequence,
        button=button,
        back=back,
        kept=kept,
    )
