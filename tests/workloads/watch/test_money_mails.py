"""Messages about cost: the end of the hours, idle GPUs, a stalled training."""

from __future__ import annotations

from acts import Limits
from tests.simulated.cloudwatch import OK
from tests.workloads.watch.deployment import SETTINGS, SOON, deployed, trains

IDLE = SETTINGS.notifications.idle_minutes
STALL = Limits().stall_minutes


def test_the_end_of_its_hours_is_one_message_and_the_training_is_suspended() -> None:
    deployment = trains(Limits(max_hours=2)).after(89)
    assert deployment.mails() == []
    assert deployment.course.workers
    deployment.after(SOON)
    assert deployment.mails() == ["training-out-of-time"]
    assert not deployment.course.workers
    assert deployment.after(600).mails() == ["training-out-of-time"]


def test_with_more_hours_it_resumes_and_the_next_end_is_reported_too() -> None:
    deployment = trains(Limits(max_hours=2)).after(200)
    deployment.limits = Limits(max_hours=3)
    deployment.course.retry_training(hours=2)
    deployment.after(5).course.nodes_come()
    assert deployment.after(59).course.workers
    assert deployment.after(SOON).mails() == ["training-out-of-time"] * 2
    assert not deployment.course.workers


def test_idle_gpus_while_a_training_should_run_are_one_message() -> None:
    deployment = trains().uses(80, 60)
    assert deployment.uses(2, IDLE - 5).mails() == []
    assert deployment.uses(2, 10).mails() == ["gpus-idle"]
    assert deployment.uses(2, 300).mails() == ["gpus-idle"]
    assert deployment.uses(80, 60).uses(2, IDLE + 10).mails() == ["gpus-idle"] * 2


def test_a_node_that_waits_for_another_is_idle() -> None:
    deployment = deployed()
    deployment.course.end_data("Complete")
    deployment.course.end_launcher()
    deployment.after(10)
    assert "gpus-idle" in deployment.uses(0, IDLE + 10).mails()


def test_pauses_and_times_without_work_are_not_idle() -> None:
    assert trains().uses(80, 60).uses(0, IDLE - 5).uses(80, 60).mails() == []
    assert deployed().uses(0, 600).mails() == [], "fixed nodes, while the data is prepared"
    ended = trains()
    ended.course.end_training("Succeeded")
    assert ended.uses(0, 600).mails() == ["training-succeeded"]


def test_without_gpu_nodes_nothing_is_idle() -> None:
    assert trains().after(600).mails() == []


def test_a_stalled_training_is_one_message_and_may_continue_by_itself() -> None:
    deployment = trains().after(200)
    where, deployment.course.printing = deployment.course.printing, None
    assert deployment.after(STALL - 1).mails() == []
    assert deployment.after(SOON).mails() == ["training-stalled"]
    assert deployment.after(300).mails() == ["training-stalled"]
    deployment.course.printing = where
    assert deployment.after(60).mails() == ["training-stalled"]
    assert deployment.doings == []
    assert deployment.cloudwatch.states["bionemo-on-eks-training-stalled"] == OK


def test_suspended_for_a_stall_it_stays_so_with_one_message() -> None:
    deployment = trains(Limits(on_stall="suspend")).after(100)
    deployment.course.printing = None
    deployment.after(STALL + SOON)
    assert not deployment.course.workers
    assert deployment.after(600).mails() == ["training-stalled"]
    assert len(deployment.doings) == 1


def test_restarted_for_a_stall_it_continues_and_the_next_stall_is_another() -> None:
    deployment = trains(Limits(on_stall="restart")).after(100)
    for times in (1, 2):
        deployment.course.printing = None
        deployment.after(STALL + SOON)
        assert [each.suspend for each in deployment.doings[-2:]] == [True, False]
        assert len(deployment.course.workers) == 16
        deployment.course.nodes_come()
        assert deployment.after(300).mails() == ["training-stalled"] * times


def test_a_restart_that_does_not_help_is_not_repeated() -> None:
    deployment = trains(Limits(on_stall="restart")).after(100)
    deployment.course.printing = None
    deployment.after(STALL + SOON).course.nodes_come()
    deployment.course.printing = None
    assert deployment.after(STALL + SOON).mails() == ["training-stalled"] * 2
    assert not deployment.course.workers
    assert deployment.after(600).mails() == ["training-stalled"] * 2
    assert [each.suspend for each in deployment.doings] == [True, False, True]
