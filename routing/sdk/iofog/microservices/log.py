"""Lines for people, on standard output."""

import logging
import sys


class Logger:
    """With a name in each line."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"iofog.{name}")
        if not self._logger.handlers:
            handler = logging.StreamHandler(sys.stdout)
            handler.setFormatter(
                logging.Formatter("%(levelname)s [%(asctime)s] %(name)s %(message)s")
            )
            self._logger.addHandler(handler)
            self._logger.setLevel(logging.DEBUG)
            self._logger.propagate = False

    def debug(self, message: object) -> None:
        """For those who look for a fault."""
        self._logger.debug(message)

    def info(self, message: object) -> None:
        """What goes its way."""
        self._logger.info(message)

    def warn(self, message: object) -> None:
        """What should not be."""
        self._logger.warning(message)

    def error(self, message: object) -> None:
        """What went wrong."""
        self._logger.error(message)
