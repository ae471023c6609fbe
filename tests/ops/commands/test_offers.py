"""`./bionemo preflight --offers`: which Capacity Blocks can be bought, and how."""

from __future__ import annotations

import json
import re

import pytest

from ops.cost.ways import block_hours
from tests.ops.commands.command_line import Line
from tests.ops.reading import in_order
from tests.simulated.accounts import standing
from tests.simulated.answers import ZONES, quotas
from tests.simulated.aws import Answers, denied, error
from tests.simulated.capacity import OFFER, block, reserved

NONE: Answers = {"ec2.describe_capacity_block_offerings": {"CapacityBlockOfferings": []}}


@pytest.mark.parametrize(
    ("training", "hours"),
    [
        (1, 24),
        (22, 24),
        (23, 48),
        (84, 96),
        (14 * 24 - 2, 14 * 24),
        (14 * 24, 21 * 24),
        (9999, 4368),
    ],
)
def test_the_proposed_block_is_the_shortest_on_sale_that_holds_the_training(
    training: float, hours: int
) -> None:
    """Sold by the day up to 14 days, by the week up to 182; the last save needs time too."""
    assert block_hours(training) == hours


def test_offers_are_listed_the_earliest_first_with_zone_start_and_price(line: Line) -> None:
    done = line({}, "preflight", "--offers", "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == 0
    assert document["hours"] == 72, "the training takes 48.6"
    first, second = document["offers"]
    assert (first["zone"], first["offering_id"]) == (ZONES[2], OFFER)
    assert first["start"].startswith("2027-01-05T11:30")
    assert first["dollars"] == 10 * 2 * 72
    assert first["start"] < second["start"], "and none in a local zone"
    assert document["quota"] == {"code": "L-2C8F52B3", "allowed": 1.0, "there": 0}


def test_a_person_is_told_how_to_buy_the_first_and_what_to_set_then(line: Line) -> None:
    out = line({}, "preflight", "--offers").stdout
    assert "1,440.00" in out
    assert "aws ec2 purchase-capacity-block --region us-west-2 " in out
    assert f"--capacity-block-offering-id {OFFER}" in out
    options = hint(out)
    assert options["gpu.purchase"] == "capacity-block"
    assert options["gpu.availability_zone"] == ZONES[2]
    assert options["network.availability_zones"] == f"{ZONES[2]},{ZONES[0]}"
    assert "destroy" not in out, "nothing is deployed"


def hint(out: str) -> dict[str, str]:
    """The options that are proposed."""
    return dict(re.findall(r"-c ([\w.]+)=(\S+)", out))


def test_a_block_in_another_zone_than_the_deployments_needs_a_new_deployment(line: Line) -> None:
    out = line(standing(), "preflight", "--offers").stdout
    text = " ".join(out.split())
    assert "the first in" not in text, "neither is in the file system's zone"
    assert in_order(text, "new deployment", ZONES[0], f"{ZONES[2]} would replace", "subnets")
    assert in_order(text, "destroy the deployment first", "npx cdk destroy --all", "Then")


def test_a_block_in_the_file_systems_zone_changes_only_the_gpu_zone(line: Line) -> None:
    """Zones in another order would replace existing subnets."""
    answers = standing() | {
        "ec2.describe_subnets": lambda SubnetIds: {
            "Subnets": [{"SubnetId": SubnetIds[0], "AvailabilityZone": ZONES[1]}]
        }
    }
    out = line(answers, "preflight", "--offers", "-c", f"gpu.availability_zone={ZONES[1]}").stdout
    text = " ".join(out.split())
    assert f"the first in {ZONES[1]}" in text
    assert hint(out)["gpu.availability_zone"] == ZONES[1]
    assert "network.availability_zones" not in hint(out)
    assert "destroy" not in text


def test_if_the_file_system_is_unknown_it_says_when_to_destroy_first(line: Line) -> None:
    silent: Answers = standing() | {"fsx.describe_file_systems": denied("DescribeFileSystems")}
    text = " ".join(line(silent, "preflight", "--offers").stdout.split())
    assert in_order(
        text, "If there is a deployment", "Destroy the deployment first", "npx cdk destroy --all"
    )


def test_hours_may_be_chosen(line: Line) -> None:
    document = json.loads(line({}, "preflight", "--offers", "--hours", "48", "--json").stdout)
    assert {each["hours"] for each in document["offers"]} == {48}


def test_without_an_offer_it_says_what_to_change(line: Line) -> None:
    done = line(NONE, "preflight", "--offers")
    assert done.exit_code == 1
    text = " ".join(done.stdout.split())
    assert "offers no Capacity Block of 2 x p4d.24xlarge" in text
    assert in_order(text, "--hours", "gpu.instance_type", "gpu.nodes", "region")


def test_without_room_in_the_quota_it_says_so_first(line: Line) -> None:
    short: Answers = {"service-quotas.get_service_quota": quotas(L_2C8F52B3=0)}
    done = line(short, "preflight", "--offers")
    assert done.exit_code == 1
    assert "request-service-quota-increase" in done.stdout
    assert "L-2C8F52B3 --desired-value 1" in done.stdout


def test_a_block_that_the_account_has_counts_toward_the_quota(line: Line) -> None:
    answers: Answers = {"ec2.describe_capacity_reservations": reserved(block())}
    document = json.loads(line(answers, "preflight", "--offers", "--json").stdout)
    assert document["quota"]["there"] == 1


def test_an_unreadable_quota_hides_no_offer(line: Line) -> None:
    silent: Answers = {"service-quotas.get_service_quota": denied("GetServiceQuota")}
    done = line(silent, "preflight", "--offers")
    assert done.exit_code == 0
    assert "is unknown" in done.stdout
    assert OFFER in done.stdout


@pytest.mark.parametrize(
    ("answers", "options", "message"),
    [
        (
            {
                "ec2.describe_capacity_block_offerings": error(
                    "DescribeCapacityBlockOfferings", "InvalidParameterValue", message="not sold so"
                )
            },
            [],
            "not sold so",
        ),
        ({}, ["-c", "gpu.instance_type=p4d.24xlarge,p4de.24xlarge"], "has one instance type"),
    ],
)
def test_a_block_that_is_not_for_sale_is_reported_in_one_line(
    line: Line, answers: Answers, options: list[str], message: str
) -> None:
    done = line(answers, "preflight", "--offers", *options)
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
