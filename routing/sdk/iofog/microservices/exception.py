"""What the client raises."""


class IoFogException(Exception):
    """Something did not work; its text says what."""


class IoFogHttpException(IoFogException):
    """The agent said no. code: of HTTP; message: its sentence."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message
