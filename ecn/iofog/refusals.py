"""What ioFog's clients are told when something is refused: a status, a class of errors, a message.

Their clients look at the status, and here and there into the message: it is said as they know it.
What the domain refuses is translated in ecn/api/iofog/errors.py; here is what only ioFog knows.
"""


class Refusal(Exception):
    """A request that is refused in ioFog's words. Nothing was changed."""

    def __init__(self, status: int, name: str, message: str) -> None:
        """name: ioFog's class of errors, `ValidationError` for instance."""
        super().__init__(message)
        self.status, self.name, self.message = status, name, message


def invalid(message: str, *, status: int = 400) -> Refusal:
    """The request breaks a rule."""
    return Refusal(status, "ValidationError", message)


def not_found(message: str, *, status: int = 404) -> Refusal:
    """There is no such thing."""
    return Refusal(status, "NotFoundError", message)


def unauthenticated(message: str = "authorization failed") -> Refusal:
    """Nobody knows who is asking."""
    return Refusal(401, "AuthenticationError", message)


def duplicate(message: str, *, status: int = 409) -> Refusal:
    """Another thing of that kind is called that."""
    return Refusal(status, "DuplicatePropertyError", message)
