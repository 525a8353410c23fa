"""Docker's refusals as sentences and types of ours.

A sibling of `engine.py`, which makes each call inside `asking`. The engine's status tells
little: a registry that is down, an unknown host and wrong credentials all arrive as 500 (or inside
a stream that began with 200), so the text has to be read. The texts are those of Engine 20.10 and
later.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import msgspec
from aiodocker.exceptions import DockerError

from agent.errors import (
    BadContainerOptions,
    ContainerGone,
    EngineError,
    EngineRefused,
    EngineUnavailable,
    ImageNotFound,
    NetworkGone,
    PortTaken,
    StartLeftOver,
)
from agent.images import registry_errors

ANSWER_WITHIN = 60.0
"""Seconds for an ordinary call. Creating a container takes a slow SD card its time."""
NO_ENGINE = 900
"""aiodocker's own status for "nobody there"; not an HTTP code."""

_REFUSED = (
    "unauthorized",
    "no basic auth credentials",
    "authentication required",
    "denied",
    "forbidden",
)
_TOO_OFTEN = ("toomanyrequests", "too many requests", "rate limit")
_NOT_FOUND = ("manifest unknown", "not found", "does not exist", "no such image", "name unknown")
_UNREACHABLE = (
    "connection refused",
    "no such host",
    "timeout",
    "timed out",
    "deadline exceeded",
    "no route to host",
    "network is unreachable",
    "connection reset",
    "server misbehaving",
    "x509",
    "tls:",
    "certificate",
    "gave http response to https client",
    "unexpected eof",
    ": eof",
    "bad gateway",
    "service unavailable",
    "internal server error",
)
_PORT = ("port is already allocated", "address already in use", "ports are not available")
_DEVICE = re.compile(r'custom device "([^"]+)": no such file')
_ADDRESS = re.compile(r"(?:for|tcp|udp)4? (\[?[0-9a-fA-F.:]*\]?:\d+)")


@asynccontextmanager
async def asking(verb: str, subject: str, within: float = ANSWER_WITHIN) -> AsyncGenerator[None]:
    """Bound an exchange with the engine, and translate what goes wrong in it."""
    try:
        async with asyncio.timeout(within):
            yield
    except DockerError as error:
        raise container_error(error, verb, subject) from error
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        raise unavailable(error) from error
    except (msgspec.ValidationError, json.JSONDecodeError) as error:
        raise EngineRefused(f"the engine's answer makes no sense: {error}") from error


def pull_error(error: DockerError, image: str, as_user: str = "") -> EngineError:
    """Why an image could not be pulled. as_user: whose credentials were sent; empty for none."""
    if error.status == NO_ENGINE:
        return unavailable(error)
    said = _words(error)
    text = said.lower()
    if "no space left" in text:
        return registry_errors.disk_full(image, said)
    if "does not exist or may require" in text:
        return registry_errors.missing_or_locked(image)
    if any(word in text for word in _TOO_OFTEN):
        return registry_errors.asked_too_often(image, said)
    if any(word in text for word in _REFUSED):
        return registry_errors.refused(image, said, as_user=as_user)
    if any(word in text for word in _UNREACHABLE):
        return registry_errors.unreachable(image, said)
    if error.status == 404 or any(word in text for word in _NOT_FOUND):
        return registry_errors.missing(image, said)
    if error.status == 400:
        return BadContainerOptions(f"{image} is not an image reference: {said}")
    return EngineRefused(f"the engine could not pull {image}: {said}")


def container_error(error: DockerError, verb: str, subject: str) -> EngineError:
    """Why something could not be done to a container. subject: its image or its id."""
    if error.status == NO_ENGINE:
        return unavailable(error)
    said = _words(error)
    text = said.lower()
    if any(word in text for word in _PORT):
        found = _ADDRESS.search(said)
        which = f"the port {found.group(1)}" if found else "a port it publishes"
        return PortTaken(f"{which} is already in use on this device")
    if error.status == 404 and "no such image" in text:
        return ImageNotFound(f"the image {subject} is not on this device")
    if error.status == 404 and "no such container" in text:
        return ContainerGone(f"the container {subject[:12]} is gone")
    if "network" in text and "not found" in text:
        return NetworkGone(f"the network of the container {subject[:12]} is gone")
    if verb == "start" and text.startswith("task ") and "already exists" in text:
        return StartLeftOver(f"the engine was killed in the middle of starting {subject[:12]}")
    if absent := _DEVICE.search(said):
        return BadContainerOptions(f"this device has no {absent.group(1)}, which it is to have")
    if "could not select device driver" in text:
        return BadContainerOptions(f"the engine of this device offers no such GPU: {said}")
    if error.status == 400 or "oci runtime" in text or "invalid" in text:
        return BadContainerOptions(f"the engine can't {verb} a container like this: {said}")
    return EngineRefused(f"the engine could not {verb} {subject}: {said}")


def unavailable(error: Exception) -> EngineUnavailable:
    """Nobody answered, in time or at all."""
    said = error.message if isinstance(error, DockerError) else str(error)
    # aiodocker quotes aiohttp, which quotes the system: what [how [why]]. People need two of them.
    what, *quoted = str(said).split(" [")
    said = f"{what}: {quoted[-1].rstrip(']')}" if quoted else what
    return EngineUnavailable(
        f"the container engine does not answer: {said or type(error).__name__}"
    )


def _words(error: DockerError) -> str:
    """The engine's text on one line, and not longer than anyone would read."""
    return " ".join(str(error.message).split())[:500]
