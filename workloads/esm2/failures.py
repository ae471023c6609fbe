"""Errors, each as one message that a user can act on; and the exit statuses."""

from __future__ import annotations

EXIT_DONE, EXIT_AGAIN, EXIT_WRONG, EXIT_TERMINATED = 0, 1, 2, 143


class TrainingError(Exception):
    """Something that the user must know or change; its text is the whole message.

    Another start would fail the same way.
    """


class SharedError(TrainingError):
    """A TrainingError that all processes have raised, so that only one reports it."""


class PassingError(Exception):
    """A temporary failure: another start resumes from the newest complete checkpoint.

    Its text is the whole message.
    """


class StoppedError(Exception):
    """The training stopped at a signal with its state saved; its text says where."""
