"""Makes the demo's image, `ecn-demo/busybox`, from a static busybox and the scripts in `rootfs/`.

`scripts/up --demo` calls it. No registry is asked for anything: the busybox is the machine's own
or comes out of Debian's or Ubuntu's package, and the base is `scratch`. The image carries a hash
of all that went in; while that is the same, the image is left alone and so are its containers.

    image.py TAG    make the image where it is missing or was made from something else
"""

import asyncio
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import aiohttp
from aiodocker import Docker, DockerError

HERE = Path(__file__).parent
CONTENT = "ecn-demo.content"
"""The label with the hash."""


class ImageError(Exception):
    """What is missing, in a sentence for people."""


def is_static(binary: Path) -> bool:
    """Whether it runs in an image without any library: no interpreter is named in its headers."""
    try:
        start = binary.read_bytes()[:4096]
    except OSError:
        return False
    return start.startswith(b"\x7fELF") and b"/ld-linux" not in start


def busybox() -> bytes:
    """A static busybox: ECN_DEMO_BUSYBOX, the machine's own, or one out of its distribution."""
    named = os.environ.get("ECN_DEMO_BUSYBOX")
    for place in [named] if named else ["/usr/bin/busybox", "/bin/busybox"]:
        if is_static(Path(place)):
            return Path(place).read_bytes()
    if named:
        raise ImageError(f"ECN_DEMO_BUSYBOX={named} is not a static busybox")
    if not shutil.which("apt-get"):
        raise ImageError("it needs a static busybox; name one with ECN_DEMO_BUSYBOX=/path/to/it")
    with tempfile.TemporaryDirectory() as folder:
        # Unpacked, not installed: that needs no root and leaves the machine as it is.
        try:
            run("apt-get", "download", "busybox-static", folder=folder)
            [package] = Path(folder).glob("*.deb")
            run("dpkg-deb", "-x", str(package), "unpacked", folder=folder)
        except subprocess.CalledProcessError as e:
            raise ImageError(
                f"busybox-static could not be downloaded: {e.stderr.strip()}\n"
                "Install it (apt-get install busybox-static) and try again."
            ) from e
        found = [p for p in Path(folder, "unpacked").rglob("busybox") if is_static(p)]
        if not found:
            raise ImageError(f"{package.name} holds no static busybox")
        return found[0].read_bytes()


def run(*command: str, folder: str) -> None:
    """Run a program there. Errors: CalledProcessError with its words."""
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)


def applets(binary: bytes) -> list[str]:
    """The names under which that busybox may be called."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "busybox")
        program.write_bytes(binary)
        program.chmod(0o755)
        listed = subprocess.run([program, "--list"], check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.split() if name != "busybox"]


def context(binary: bytes) -> bytes:
    """What the engine builds from, as a tar: the same bytes for the same content, always."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:

        def add(name: str, mode: int, content: bytes | None = None, link: str = "") -> None:
            entry = tarfile.TarInfo(name)
            entry.mode = mode
            if link:
                entry.type, entry.linkname = tarfile.SYMTYPE, link
            elif content is None:
                entry.type = tarfile.DIRTYPE
            else:
                entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content or b""))

        add("Dockerfile", 0o644, (HERE / "Dockerfile").read_bytes())
        add("data", 0o755)
        add("rootfs", 0o755)
        add("rootfs/tmp", 0o1777)
        add("rootfs/bin", 0o755)
        add("rootfs/bin/busybox", 0o755, binary)
        for name in applets(binary):
            add(f"rootfs/bin/{name}", 0o777, link="busybox")
        for path in sorted((HERE / "rootfs").rglob("*")):
            name = str(path.relative_to(HERE))
            if path.is_dir():
                add(name, 0o755)
            else:
                add(name, 0o755 if os.access(path, os.X_OK) else 0o644, path.read_bytes())
    return buffer.getvalue()


async def make(docker: Docker, tag: str) -> str:
    """See that the image is there. Returns what was done, in a few words."""
    tar = context(busybox())
    content = hashlib.sha256(tar).hexdigest()
    try:
        present = await docker.images.inspect(tag)
    except DockerError as e:
        if e.status != 404:
            raise
        present = None
    if present and (present["Config"].get("Labels") or {}).get(CONTENT) == content:
        return "there already"
    async for line in docker.images.build(
        fileobj=io.BytesIO(tar),
        encoding="identity",
        tag=tag,
        labels={CONTENT: content},
        stream=True,
    ):
        if "error" in line:
            raise ImageError(line["error"])
    if present:
        return "made anew; containers made from the old one stay until their manifest changes"
    return "made"


async def main(tag: str) -> str:
    """Make that image with the engine that the agent will use."""
    async with Docker(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock") as docker:
        return await make(docker, tag)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        sys.stdout.write(asyncio.run(main(sys.argv[1])) + "\n")
    except (ImageError, DockerError, aiohttp.ClientError, OSError) as e:
        sys.exit(str(e))
