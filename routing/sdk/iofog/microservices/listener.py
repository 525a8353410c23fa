"""What is called when something comes: to be derived from. Each runs in a thread of its own."""

from iofog.microservices.iomessage import IoMessage


class IoFogControlWsListener:
    """Of the control socket."""

    def on_control_signal(self) -> None:
        """There is a new configuration to be read."""

    def on_edge_resources_signal(self) -> None:
        """There are other edge resources to be read."""


class IoFogMessageWsListener:
    """Of the message socket."""

    def on_message(self, io_msg: IoMessage) -> None:
        """A message came. It is acknowledged when this returns."""

    def on_receipt(self, message_id: str, timestamp: int) -> None:
        """One that was posted is kept. timestamp: milliseconds since 1970."""
