"""The error that the settings' validators raise: a reason, and the settings it concerns."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_core import ErrorDetails, PydanticCustomError

_TYPE = "refused"


def refused(reason: str, *settings: str) -> PydanticCustomError:
    """Return the error for a validator to raise.

    A model validator names the settings concerned, in the order of the code, as that model names
    them: `nodes` in a group, `gpu.nodes` in `Settings`. A field validator names none: pydantic
    knows the field.
    https://docs.pydantic.dev/latest/concepts/validators/#raising-validation-errors
    """
    return PydanticCustomError(_TYPE, "{reason}", {"reason": reason, "settings": settings})


def concerned(detail: ErrorDetails) -> Sequence[str]:
    """Return the dotted paths of the settings that a model validator named, if any."""
    named: Sequence[str] = detail["ctx"]["settings"] if detail["type"] == _TYPE else ()
    return [".".join([*map(str, detail["loc"]), name]) for name in named]
