"""The parts of a container image reference: registry, repository, tag or digest.

As `docker pull` reads it: https://pkg.go.dev/github.com/distribution/reference
"""

from __future__ import annotations

from dataclasses import dataclass

DOCKER_HUB = "docker.io"
# Docker Hub's key in a docker configuration, where kubelet looks it up:
# https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/
_HUBS_KEY = "https://index.docker.io/v1/"


@dataclass(frozen=True)
class ImageName:
    """An image: `registry` with its port, `repository`, and `version`, a tag or a digest."""

    registry: str
    repository: str
    version: str

    @property
    def key(self) -> str:
        """The registry's key under `auths` in a docker configuration."""
        return _HUBS_KEY if self.registry == DOCKER_HUB else self.registry


def image_name(reference: str) -> ImageName:
    """Return the parts of a reference; the registry defaults to Docker Hub."""
    name, _, digest = reference.partition("@")
    registry, _, path = name.partition("/")
    if not path or not (set(".:") & set(registry) or registry == "localhost"):
        registry, path = DOCKER_HUB, name
    repository, _, tag = path.partition(":")
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return ImageName(registry, repository, digest or tag or "latest")
