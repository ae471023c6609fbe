"""The images in a deployment's own manifests."""

from __future__ import annotations

from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import IMAGES


def images(settings: Settings) -> dict[str, str]:
    """Return what runs each image, by the image's reference.

    Charts and EKS add-ons have their own.
    """
    named = {settings.training.image: "training and data Job"}
    if settings.training.enabled:
        named |= {IMAGES["kubectl"].reference: "launcher"}
    return named | {
        IMAGES["watch"].reference: "watch",
        IMAGES["training-operator"].reference: "training operator",
    }
