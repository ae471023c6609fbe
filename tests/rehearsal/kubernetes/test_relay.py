"""Steps go from one process to the other, and only with the secret."""

from __future__ import annotations

import pytest

from rehearsal.kubernetes.objects import RefusedError
from rehearsal.kubernetes.relay import Step, hand_over, relay
from tests.rehearsal.kubernetes_objects import config_map

STEP = Step("apply", [config_map(data={"text": "π\n"})], "label")


def test_a_step_arrives_as_it_was_sent() -> None:
    taken: list[Step] = []
    with relay(taken.append) as address:
        hand_over(address, STEP)
    assert taken == [STEP]


def test_a_refusal_comes_back_with_its_message() -> None:
    def refuse(step: Step) -> None:
        raise ValueError("exceeded quota: none")

    with relay(refuse) as address, pytest.raises(RefusedError, match="exceeded quota: none"):
        hand_over(address, STEP)


def test_without_the_secret_or_after_the_end_steps_are_refused() -> None:
    taken: list[Step] = []
    with relay(taken.append) as address:
        port = address.partition("@")[2]
        with pytest.raises(RefusedError, match="was stopped"):
            hand_over(f"{'0' * 64}@{port}", STEP)
    with pytest.raises(RefusedError, match="was stopped"):
        hand_over(address, STEP)
    assert taken == []
