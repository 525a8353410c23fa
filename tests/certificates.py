"""A certificate authority of a test's own, and a server's certificate of it, made by openssl."""

import subprocess
from pathlib import Path

from msgspec import Struct


class Certificates(Struct, frozen=True):
    """Files in PEM."""

    authority: Path
    certificate: Path
    """Of a server at 127.0.0.1 and localhost."""
    key: Path

    @property
    def ca_pem(self) -> str:
        """What a client has to trust."""
        return self.authority.read_text()

    @classmethod
    def made(cls, folder: Path) -> "Certificates":
        """In a folder that need not be there."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
        names = folder / "names"
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        _openssl(
            "req", "-x509", *new_key, "-days", "2", "-subj", "/CN=authority of tests",
            "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign",
            "-keyout", f"{folder}/ca.key", "-out", str(made.authority),
        )  # fmt: skip
        _openssl(
            "req", *new_key, "-subj", "/CN=localhost",
            "-keyout", str(made.key), "-out", f"{folder}/server.csr",
        )  # fmt: skip
        _openssl(
            "x509", "-req", "-days", "2", "-in", f"{folder}/server.csr",
            "-CA", str(made.authority), "-CAkey", f"{folder}/ca.key", "-CAcreateserial",
            "-extfile", str(names), "-out", str(made.certificate),
        )  # fmt: skip
        return made


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr.decode()
