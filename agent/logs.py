"""The agent's log: events with fields, on standard error.

For people on a terminal, else one JSON object per line. Set up once by `cli.py`. Tracebacks come
without the values of variables, among which are credentials.
"""

import sys
from typing import TextIO

import structlog
import structlog.tracebacks


def set_up(*, json: bool | None = None, stream: TextIO | None = None) -> None:
    """json: None decides by whether the stream is a terminal."""
    stream = stream or sys.stderr
    as_json = not stream.isatty() if json is None else json
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
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
