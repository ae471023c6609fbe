"""What the settings' validators raise: a reason in words, and the settings that it concerns."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_core import ErrorDetails, PydanticCustomError

_TYPE = "refused"


def refused(reason: str, *settings: str) -> PydanticCustomError:
    """Return the error for a validator to raise.

    A validator of a whole model names the settings that it concerns, in the order of the code, as
    that model names them: `nodes` in a group, `gpu.nodes` in `Settings`. The validator of one
    setting names none: pydantic knows which it is.
    https://docs.pydantic.dev/latest/concepts/validators/#raising-validation-errors
    """
    return PydanticCustomError(_TYPE, "{reason}", {"reason": reason, "settings": settings})


def concerned(detail: ErrorDetails) -> Sequence[str]:
    """Return the dotted paths of the settings that a model's validator has named, if any."""
    named: Sequence[str] = detail["ctx"]["settings"] if detail["type"] == _TYPE else ()
    return [".".join([*map(str, detail["loc"]), name]) for name in named]
