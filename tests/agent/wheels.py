"""Packages of the agent as they are in this tree, with another version or with a fault, as wheels.

Made by hand, so that neither a build tool nor a network is needed. What the agent itself needs, an
environment finds in that of the tests: a second wheel points there.
"""

import hashlib
import sysconfig
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

TREE = Path(__file__).parents[2]
PACKAGES = ("agent", "routing")
"""What a device runs of this tree."""
CRASHES = """
import sys
if "run" in sys.argv[1:]:
    raise SystemExit("this version crashes at its start")
"""
HANGS = """
import sys, time
if "run" in sys.argv[1:]:
    time.sleep(3600)
"""
CANNOT_CHECK = """
import sys
if "check" in sys.argv[1:]:
    raise SystemExit("this version can't read the folder")
"""


def agent_wheel(
    folder: Path, version: str, *, first: str = "", changes: Mapping[str, tuple[str, str]] = {}
) -> None:
    """A wheel of `ecn` in that folder.

    first:   runs before anything else of the agent does
    changes: by file, a piece of text and what stands in its place
    """
    files: dict[str, bytes] = {}
    found = [each for package in PACKAGES for each in (TREE / package).rglob("*.*")]
    for path in sorted(each for each in found if each.suffix in (".py", ".lark")):
        text = path.read_text()
        if path.name in changes:
            old, new = changes[path.name]
            assert old in text, f"{path.name} has no {old!r} any more"
            text = text.replace(old, new)
        if path == TREE / "agent" / "__main__.py":
            text = first + text
        files[str(path.relative_to(TREE))] = text.encode()
    requires = 'Provides-Extra: agent\nRequires-Dist: ecn-test-deps; extra == "agent"\n'
    _wheel(folder, "ecn", version, files, requires)


def unreachable(url: str) -> dict[str, tuple[str, str]]:
    """A version that looks for its controller in the wrong place."""
    return {"controller_client.py": ('self._url = url.rstrip("/")', f'self._url = "{url}"')}


def deps_wheel(folder: Path) -> None:
    """What the agent needs."""
    path = sysconfig.get_paths()["purelib"]
    _wheel(folder, "ecn_test_deps", "1", {"ecn_test_deps.pth": path.encode()}, "")


def _wheel(folder: Path, name: str, version: str, files: dict[str, bytes], requires: str) -> None:
    about = f"{name}-{version}.dist-info"
    meta = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}"
    kind = "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {**files, f"{about}/METADATA": meta.encode(), f"{about}/WHEEL": kind.encode()}
    record = ""
    for path, content in files.items():
        digest = urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(content)}\n"
    files[f"{about}/RECORD"] = (record + f"{about}/RECORD,,\n").encode()
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
