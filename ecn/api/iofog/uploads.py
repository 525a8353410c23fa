"""The file that ioFog's clients send as a form: a YAML document, whatever its field is called."""

from aiohttp import BodyPartReader, web

from ecn.iofog import refusals

MISSING = "Application file missing"


async def uploaded(request: web.Request) -> bytes:
    """The content of the form's file, at most as much as any body. Errors: Refusal without one.

    May be called again for the same request.
    """
    if FILE not in request:
        request[FILE] = await _read(request)
    return request[FILE]


FILE: web.RequestKey[bytes] = web.RequestKey("IOFOG_FILE", bytes)


async def _read(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        raise refusals.invalid(MISSING)
    try:
        form = await request.multipart()
        while (part := await form.next()) is not None:
            if isinstance(part, BodyPartReader) and part.filename is not None:
                return await _content(request, part)
    except (ValueError, AssertionError) as e:  # aiohttp's, of a form that breaks off
        raise refusals.invalid("The form can't be read") from e
    raise refusals.invalid(MISSING)


async def _content(request: web.Request, part: BodyPartReader) -> bytes:
    content = bytearray()
    most = request.client_max_size
    while piece := await part.read_chunk():
        content += piece
        if len(content) > most:
            raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=len(content))
    return bytes(part.decode(content))
