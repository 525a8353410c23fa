"""What a program in a container sees, and reaches over its agent's socket, as a user of its own.

`python inside_container.py <pid> <uid> <unix socket> <request>` enters the mount namespace of that
process, as somebody else than root, sends the request and prints the answer: images of tests have
nothing in them that speaks over such a socket.
"""

import ctypes
import os
import socket
import subprocess
import sys

CLONE_NEWNS = 0x00020000


def asked(pid: int, request: bytes, *, path: str = "/run/ecn/agent.sock", uid: int = 1234) -> bytes:
    """The whole answer; the request has to ask for the connection to be closed."""
    done = subprocess.run(
        [sys.executable, __file__, str(pid), str(uid), path],
        input=request,
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def main() -> None:
    pid, uid, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    request = sys.stdin.buffer.read()
    libc = ctypes.CDLL(None, use_errno=True)
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    if libc.setns(namespace, CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    connection.sendall(request)
    while piece := connection.recv(65536):
        sys.stdout.buffer.write(piece)


if __name__ == "__main__":
    main()
