"""What goes wrong between a microservice and its agent.

EcnError
├── NotConfigured   this process does not know which microservice it is
├── Unreachable     no agent answered in the time that was given; nothing was done
├── Unanswered      the agent was asked, and the connection broke: it may have been done
└── Refused         the agent said no, and why
    ├── BadToken    it does not believe who asks
    └── StoreFull   there is no room for the message; what is stored is safe
"""


class EcnError(Exception):
    """All of them."""


class NotConfigured(EcnError):
    """This process does not know which microservice it is."""

    def __init__(self) -> None:
        super().__init__(
            "SELFNAME is not set: the agent sets it in every container; outside of one, give"
            " Settings(microservice_id=…) to the client"
        )


class Unreachable(EcnError):
    """No agent answered; nothing was done. tried: addresses."""

    def __init__(self, tried: str, because: str) -> None:
        super().__init__(f"no agent answers at {tried}: {because}")
        self.tried = tried


class Unanswered(EcnError):
    """The connection broke before the answer: what was asked may have been done, or not."""

    def __init__(self, path: str, because: str) -> None:
        super().__init__(f"no answer to {path}: {because}; it may have been done all the same")
        self.path = path


class Refused(EcnError):
    """The agent said no. status: of HTTP; says: its sentence."""

    def __init__(self, status: int, says: str) -> None:
        super().__init__(says)
        self.status, self.says = status, says


class BadToken(Refused):
    """The agent does not know this token; ECN_TOKEN is right for one container alone."""


class StoreFull(Refused):
    """There is no room for the message. retry_after: seconds."""

    def __init__(self, status: int, says: str, retry_after: float) -> None:
        super().__init__(status, says)
        self.retry_after = retry_after
