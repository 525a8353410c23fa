"""The agent's log: events with fields, on standard error or in a file of bounded size.

For people on a terminal, else one JSON object per line. Set up once by `cli.py`;
`device/own_life.py` sets the level that operators choose, while it runs. Tracebacks come without
the values of variables, among which are credentials.
"""

import logging
import logging.handlers
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import structlog
import structlog.tracebacks

LEVELS = {
    "SEVERE": logging.ERROR,
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "CONFIG": logging.INFO,
    "FINE": logging.DEBUG,
    "FINER": logging.DEBUG,
    "FINEST": logging.DEBUG,
    "DEBUG": logging.DEBUG,
    "ALL": logging.DEBUG,
}
"""ioFog's words, which are Java's, and the usual ones."""
MIB = 1 << 20


def set_up(*, json: bool | None = None, stream: TextIO | None = None) -> None:
    """json: None decides by whether the stream is a terminal."""
    stream = stream or sys.stderr
    as_json = not stream.isatty() if json is None else json
    _configure(structlog.PrintLoggerFactory(stream), as_json=as_json)


def set_up_file(path: Path, *, limit_mib: int, files: int) -> logging.Handler:
    """Into that file; when it is full it becomes `<path>.1`, and so on: `files` in all.

    limit_mib: of all of them together. Returns who holds it open. Errors: OSError, at once.
    """
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=max(1, limit_mib * MIB // files), backupCount=files - 1, encoding="utf-8"
    )
    # What can't be written (a full disk) is lost, and nothing else: no traceback per line.
    handler.handleError = lambda record: None  # type: ignore[method-assign]
    _configure(lambda *_: _FileLogger(handler), as_json=True)
    return handler


def set_level(name: str) -> None:
    """From now on only events of that level and above; an unknown word leaves it as it is."""
    level = LEVELS.get(name.strip().upper())
    if level is not None:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))


class _FileLogger:
    """Takes finished lines, whatever their level: the level was decided before."""

    def __init__(self, handler: logging.Handler) -> None:
        self._handler = handler

    def msg(self, message: str) -> None:
        """One line."""
        self._handler.handle(logging.makeLogRecord({"msg": message}))

    log = debug = info = warn = warning = error = critical = exception = fatal = failure = msg


def _configure(factory: Callable[..., object], *, as_json: bool) -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(
                [
                    structlog.processors.ExceptionRenderer(
                        structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
                    ),
                    structlog.processors.JSONRenderer(),
                ]
                if as_json
                else [
                    structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
                ]
            ),
        ],
        logger_factory=factory,
        cache_logger_on_first_use=False,
    )
