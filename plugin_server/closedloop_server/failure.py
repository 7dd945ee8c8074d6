"""Says where something failed, without saying with what: a log keeps no personal data."""

from __future__ import annotations

import traceback
from pathlib import Path


def where(error: BaseException) -> str:
    """The type of the error and the places it passed, the innermost first; never its message."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    cause = error.__cause__
    told = f"{type(error).__name__} at {places}"
    return f"{told}; caused by {where(cause)}" if cause is not None else told
