"""The file that ioFog's clients send as a form: a YAML document, whatever its field is called."""

import asyncio

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web
from aiohttp.base_protocol import BaseProtocol

from ecn.iofog import refusals

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
                return bytes(await part.read(decode=True))
    except (ValueError, AssertionError, RuntimeError) as e:  # a form that breaks off, or is none
        raise refusals.invalid("The form can't be read") from e
    raise refusals.invalid(MISSING)
