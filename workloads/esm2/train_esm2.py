"""Train ESM-2: masked language modeling on packed sequences, with one process or many."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

# For the modules in common/; in a pod they are next to this file.
sys.path.append(str(Path(__file__).resolve().parents[1] / "common"))

import settings
from failures import (
    EXIT_AGAIN,
    EXIT_DONE,
    EXIT_TERMINATED,
    EXIT_WRONG,
    PassingError,
    SharedError,
    StoppedError,
    TrainingError,
)
from loop import Training
from processes import join
from watchdog import GROUP_PATIENCE, SLOW, Stop, Watchdog


def _say(message: str, shared: bool = False) -> None:
    """Print why this process ends; if all know the reason, only rank 0 does."""
    if not shared or os.environ.get("RANK", "0") == "0":
        print(message, file=sys.stderr, flush=True)


def _of_another(error: RuntimeError) -> bool:
    """Whether a collective operation failed because another process has ended."""
    text = str(error)
    return isinstance(error, torch.distributed.DistError) or any(
        word in text for word in ("gloo", "Connection closed", "Connection reset", "NCCL")
    )


def train(chosen: settings.Settings) -> int:
    """Run the training; return the exit status."""
    stop, watchdog = Stop(), Watchdog(chosen.hang_after)
    stop.listen()
    watchdog.heard(slow=True)
    try:
        processes = join(chosen.device, chosen.hang_after * SLOW + GROUP_PATIENCE)
        Training(chosen, processes, stop, watchdog).run()
    except SharedError as error:
        _say(f"error: {error}", shared=True)
        return EXIT_WRONG
    except TrainingError as error:
        _say(f"error: {error}")
        return EXIT_WRONG
    except StoppedError as error:
        _say(str(error), shared=True)
        return EXIT_TERMINATED
    except PassingError as error:
        _say(f"error: {error}")
        return EXIT_AGAIN
    except OSError as error:
        _say(f"error: {error.filename or ''}: {error.strerror or error}. The next start resumes")
        return EXIT_AGAIN
    except torch.OutOfMemoryError:
        _say("error: the GPU's memory is full: choose a smaller --units-at-once, or --recompute")
        return EXIT_WRONG
    except RuntimeError as error:
        if not _of_another(error):
            raise
        _say(f"another process has ended, or the network failed: {str(error).splitlines()[0]}")
        return EXIT_AGAIN
    return EXIT_DONE


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    return train(settings.read(arguments))


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that wait for a dead process must not delay the exit.
    os._exit(status)
