"""Memory for pieces of 100 KiB and more, many times a second.

glibc takes such a piece fresh from the kernel each time and gives it back at once: a hundred page
faults for each packet, which was most of what a proxy did. It is told to keep some instead.
"""

import ctypes
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
PIECES = 4 << 20
"""Bytes: smaller pieces are taken from what is kept."""
KEPT = 16 << 20
"""Bytes at the end of the heap that are kept rather than given back."""


@cache
def keep_freed() -> None:
    """For the whole process, from now on. Nothing where there is no glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_MMAP_THRESHOLD, PIECES)
    mallopt(_TRIM_THRESHOLD, KEPT)
