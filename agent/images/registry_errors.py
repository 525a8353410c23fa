"""What a registry's refusal means, as sentences with the next step. Pure.

Used for what the engine says of a registry (`docker/errors.py`) and for what the agent hears itself
(`registry_client.py`), so that a pull fails in the same words whichever way it went.
"""

from agent.errors import DiskFull, ImageNotFound, RegistryRefused, RegistryUnreachable


def refused(image: str, said: str, *, as_user: str = "") -> RegistryRefused:
    """Credentials are missing, wrong, or not enough. as_user: whom the pull was made as."""
    if as_user:
        step = f"check the password and the rights of {as_user!r}: ecn describe registry"
    else:
        step = (
            "if it wants credentials, create a registry with them and name it in the microservice"
        )
    return RegistryRefused(f"the registry refused to give out {image}: {said}; {step}")


def asked_too_often(image: str, said: str) -> RegistryRefused:
    """A rate limit."""
    return RegistryRefused(
        f"the registry refused to give out {image} for now, too much was asked of it: {said}; "
        "wait, or pull as a user with a higher limit"
    )


def missing(image: str, said: str) -> ImageNotFound:
    """No such repository, tag or digest there."""
    return ImageNotFound(
        f"the registry has no image {image}: {said}; check its name and tag, or push it"
    )


def missing_or_locked(image: str) -> ImageNotFound:
    """Docker Hub has one word for both; a missing image is by far the commoner case."""
    return ImageNotFound(
        f"the image {image} does not exist, or its registry wants credentials for it; "
        "check its name, or name a registry with credentials in the microservice"
    )


def unreachable(image: str, said: str) -> RegistryUnreachable:
    """Nobody there, nobody trusted, or it broke off."""
    text, step = said.lower(), "check the device's network and the registry"
    if "no such host" in text or "name or service" in text or "server misbehaving" in text:
        step = "check the host's name in the image, and the device's DNS"
    elif any(word in text for word in ("x509", "certificate", "tls:", "ssl")):
        step = "give the engine the registry's CA (/etc/docker/certs.d/<host>/ca.crt)"
    elif "http response to https" in text:
        step = "let the registry speak TLS, or name it in the engine's insecure-registries"
    return RegistryUnreachable(f"the registry of {image} can't be reached: {said}; {step}")


def disk_full(image: str, said: str) -> DiskFull:
    """There was no room for it."""
    return DiskFull(
        f"there is no room for {image}: {said}; free some space on the device, "
        "or remove unused images with: ecn prune node NAME"
    )
