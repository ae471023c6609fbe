"""EC2's answer has the type of each interface in a launch template."""

from __future__ import annotations

from xml.etree import ElementTree

from rehearsal.local_aws import private
from rehearsal.local_aws.corrections import launch_templates

INTERFACES = [
    {"NetworkCardIndex": 0, "DeviceIndex": 0, "InterfaceType": "interface", "Groups": ["sg-1"]},
    {"NetworkCardIndex": 1, "DeviceIndex": 0, "InterfaceType": "efa-only", "Groups": ["sg-1"]},
    {"DeviceIndex": 1},
]


def test_an_interface_has_its_type_and_card() -> None:
    data = {"InstanceType": "p5.48xlarge", "NetworkInterfaces": INTERFACES}
    text = launch_templates.whole(private.TEMPLATE_ANSWER.value, data)
    listed = ElementTree.fromstring(f"<data>{text}</data>").findall("networkInterfaceSet/item")
    answered = [
        tuple(each.findtext(name) for name in ("networkCardIndex", "deviceIndex", "interfaceType"))
        for each in listed
    ]
    assert answered == [("0", "0", "interface"), ("1", "0", "efa-only"), (None, "1", None)]


def test_other_templates_are_answered_as_before() -> None:
    data = {"InstanceType": "p5.48xlarge"}
    answer = private.TEMPLATE_ANSWER.value
    assert launch_templates.whole(answer, data) == answer(data)
