"""The file that ioFog's clients send as a form: a YAML document, whatever its field is called."""

import asyncio

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError

from ecn.iofog import refusals
from ecn.yaml_text import BrokenYaml, parsed

LONGEST = 1 << 20
"""Bytes of a YAML file. Reading so much takes a thread some seconds."""
MISSING = "Application file missing"


async def uploaded(request: web.Request) -> bytes:
    """The content of the form's file; with as much around it as any body may have.

    Errors: Refusal without a file.
    """
    if request.content_type != "multipart/form-data":
        raise refusals.invalid(MISSING)
    # Not as it comes in: whoever asks again, after a retry, finds it read already.
    content = await request.read()
    loop = asyncio.get_running_loop()
    stream = StreamReader(BaseProtocol(loop), len(content) + 1, loop=loop)
    stream.feed_data(content)
    stream.feed_eof()
    try:
        form = MultipartReader(request.headers, stream)
        while (part := await form.next()) is not None:
            if isinstance(part, BodyPartReader) and part.filename is not None:
                return bytes(await part.read())  # as it is: nobody packs it
    except (ValueError, AssertionError, RuntimeError, HttpProcessingError) as e:
        # A form that breaks off, or is none: aiohttp says that in many ways.
        raise refusals.invalid("The form can't be read") from e
    raise refusals.invalid(MISSING)


async def uploaded_document(request: web.Request) -> object:
    """The one document of the form's YAML file. Errors: Refusal, with the place that is wrong."""
    content = await uploaded(request)
    if len(content) > LONGEST:
        raise refusals.invalid(f"A file has at most {LONGEST >> 10} KiB")
    try:
        documents = await asyncio.to_thread(parsed, content.decode())
    except UnicodeDecodeError as e:
        raise refusals.invalid("Invalid YAML format: it is not UTF-8") from e
    except BrokenYaml as e:
        where = f"line {e.place.line}, column {e.place.column}"
        raise refusals.invalid(f"Invalid YAML format: {where}: {e.message}") from e
    if len(documents) != 1:
        raise refusals.invalid("Invalid YAML format: a file holds one document")
    return documents[0].value
