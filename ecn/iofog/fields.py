"""Kinds of values that many of ioFog's bodies hold, as msgspec checks them.

A pattern that ends in `$(?!\\n)` means the end of the text in Python too, where `$` alone lets a
newline follow.
"""

from typing import Annotated

from msgspec import Meta

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
Name = Annotated[str, Meta(pattern=rf"^{_LABEL}(\.{_LABEL})*$(?!\n)")]
"""Of applications, templates, microservices, routes, edge resources and their endpoints."""

NonEmpty = Annotated[str, Meta(min_length=1)]
PersonsName = Annotated[str, Meta(min_length=3)]
Password = Annotated[str, Meta(min_length=8)]

_ATOM = r"[^<>()\[\]\\.,;:\s@\"]+"
_HOST = r"([a-zA-Z\-0-9]+\.)+[a-zA-Z]{2,}"
_IPV4 = r"\[[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\]"
Email = Annotated[
    str, Meta(pattern=rf"^({_ATOM}(\.{_ATOM})*|\"[^\"\n]+\")@({_IPV4}|{_HOST})$(?!\n)")
]

Port = Annotated[int, Meta(ge=1, le=65535)]
Natural = Annotated[int, Meta(ge=0)]
