"""A message as ioFog's microservices write it, and as ours carries it; both ways.

Pure. Used by the REST endpoints and the message socket. What ioFog's message has no place for
travels in its context data, as a JSON object: its members are the message's properties, those that
begin with `$` what the system knows of it. `docs/local-api.md` explains it to people.
"""

import msgspec

from routing.iomessage import BadIoMessage, IoMessage
from routing.message import JSON, LARGEST, UTF_8, IoFields, Message

OUTPUT, INPUT = "$outputName", "$inputName"
CONTENT_TYPE, CONTENT_ENCODING = "$contentType", "$contentEncoding"
CORRELATION_ID = "$correlationId"

IO_JSON, IO_UTF_8 = "application/json", "text/utf-8"
"""infotype and infoformat of JSON."""

NOTHING = b"\x00"
"""What ioFog's Go SDK writes for no data."""


def taken(io: IoMessage) -> Message:
    """What a microservice sent, but for id, time and publisher, which are not its to say.

    Errors: BadIoMessage when it is larger than a message may be.
    """
    said = _context(io.contextdata)
    is_json = (io.infotype, io.infoformat) == (IO_JSON, IO_UTF_8)
    message = Message(
        output=said.get(OUTPUT, ""),
        content_type=said.get(CONTENT_TYPE, JSON if is_json else ""),
        content_encoding=said.get(CONTENT_ENCODING, UTF_8 if is_json else ""),
        correlation_id=said.get(CORRELATION_ID, ""),
        properties={
            **_as_properties(io, is_json=is_json),
            **{name: text for name, text in said.items() if not name.startswith("$")},
        },
        body=io.contentdata,
        io=IoFields(
            tag=io.tag,
            group_id=io.groupid,
            sequence_number=io.sequencenumber,
            sequence_total=io.sequencetotal,
            priority=io.priority,
            auth_id=io.authid,
            auth_group=io.authgroup,
            chain_position=io.chainposition,
            hash=io.hash,
            previous_hash=io.previoushash,
            nonce=io.nonce,
            difficulty_target=io.difficultytarget,
            info_type=io.infotype,
            info_format=io.infoformat,
            context_data=io.contextdata,
        ),
    )
    if message.size > LARGEST:
        raise BadIoMessage(f"the message has {message.size} bytes; {LARGEST} are the most")
    return message


def given(message: Message, input_name: str = "") -> IoMessage:
    """What a microservice is handed: as it was sent, by whatever way that was."""
    io = message.io
    if io is None:
        return _made(message, input_name)
    return IoMessage(
        id=message.message_id,
        tag=io.tag,
        groupid=io.group_id,
        sequencenumber=io.sequence_number,
        sequencetotal=io.sequence_total,
        priority=io.priority,
        timestamp=message.created,
        publisher=message.publisher,
        authid=io.auth_id,
        authgroup=io.auth_group,
        chainposition=io.chain_position,
        hash=io.hash,
        previoushash=io.previous_hash,
        nonce=io.nonce,
        difficultytarget=io.difficulty_target,
        infotype=io.info_type,
        infoformat=io.info_format,
        contextdata=_with_input(io.context_data, input_name),
        contentdata=message.body,
    )


def _made(message: Message, input_name: str) -> IoMessage:
    """Of one that did not come as an ioMessage."""
    system = {
        CONTENT_TYPE: message.content_type,
        CONTENT_ENCODING: message.content_encoding,
        CORRELATION_ID: message.correlation_id,
        OUTPUT: message.output,
        INPUT: input_name,
    }
    context = message.properties | {name: text for name, text in system.items() if text}
    is_json = (message.content_type, message.content_encoding.lower()) == (JSON, UTF_8)
    return IoMessage(
        id=message.message_id,
        timestamp=message.created,
        publisher=message.publisher,
        infotype=_fitting(message.content_type),
        infoformat=IO_UTF_8 if is_json else _fitting(message.content_encoding),
        contextdata=msgspec.json.encode(context) if context else b"",
        contentdata=message.body,
    )


def _with_input(context: bytes, input_name: str) -> bytes:
    """Where a route names an input, its receiver has to hear of it; else not a byte is changed."""
    if not input_name:
        return context
    try:
        members = {} if context in (b"", NOTHING) else msgspec.json.decode(context)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return context  # the sender's own form: there is no place in it
    if not isinstance(members, dict):
        return context
    return msgspec.json.encode({**members, INPUT: input_name})


def _context(data: bytes) -> dict[str, str]:
    """The members of context data that are text, number or truth; {} when it is no JSON object."""
    if not data.lstrip().startswith(b"{"):
        return {}
    try:
        members = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    found = {}
    for name, raw in members.items():
        written = bytes(raw).strip()
        if written[:1] == b'"':
            found[name] = msgspec.json.decode(written, type=str)
        elif written[:1] not in (b"{", b"[", b"n"):
            found[name] = written.decode()  # a number stays as it is written
    return found


def _as_properties(io: IoMessage, *, is_json: bool) -> dict[str, str]:
    """ioFog's fields, for conditions; those that say nothing are left out."""
    fields: dict[str, str | int] = {
        "tag": io.tag,
        "groupid": io.groupid,
        "sequencenumber": io.sequencenumber,
        "sequencetotal": io.sequencetotal,
        "priority": io.priority,
        "authid": io.authid,
        "authgroup": io.authgroup,
        "chainposition": io.chainposition,
        "hash": io.hash,
        "previoushash": io.previoushash,
        "nonce": io.nonce,
        "difficultytarget": io.difficultytarget,
    }
    if not is_json:
        fields |= {"infotype": io.infotype, "infoformat": io.infoformat}
    return {name: str(said) for name, said in fields.items() if said}


def _fitting(text: str) -> str:
    """What ioFog's binary form has room for, in which a length is one byte."""
    encoded = text.encode()
    return text if len(encoded) < 256 else encoded[:255].decode(errors="ignore")
