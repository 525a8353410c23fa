"""What the parts of a controller count as it happens. Each part has its own, and knows no other."""

from routing.metrics.measures import Counter, Histogram, Histograms


class CommandMeasures:
    """Of the writer."""

    def __init__(self) -> None:
        self.outcomes = Counter()
        """By `done`, `refused` or `failed`."""
        self.seconds = Histogram()
        """From a command's arrival to its answer."""
        self.append_seconds = Histogram()
        """Of one append, with all the commands that shared it."""


class RequestMeasures:
    """Of HTTP."""

    def __init__(self) -> None:
        self.answers = Counter()
        """By method, endpoint (as its route is written, so that there are few) and status."""
        self.seconds = Histograms()
        """By method and endpoint, from a request's arrival to the end of its answer."""
