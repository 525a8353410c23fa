"""Who asks, by token or by the dashboard's cookie, and whether they still may.

A stream outlives the check at its beginning: the token may expire or be revoked, the user be
deleted or given a smaller role. Asked by the handlers of streams before each piece that they send.
"""

from aiohttp import web

from ecn.api.keys import CLOCK, LIVE, VAULT
from ecn.api.principal import Operator, allow, operator, operator_by_hash
from ecn.dashboard import cookies, origin
from ecn.errors import AnswerLost, BadCredentials, NotOurPage
from ecn.vault import hash_of
from events.ids import TokenId
from events.user import Role

CSRF = "csrf-token"
"""What the page's token is derived for."""


def asker(request: web.Request) -> Operator:
    """Who asks, as things are now. The header wins over the cookie. Errors: BadCredentials."""
    world, now = request.app[LIVE].world, request.app[CLOCK]()
    token = cookie(request)
    if token is not None:
        return operator_by_hash(world, hash_of(token), now)
    return operator(world, request.headers.get("Authorization"), now)


def check_still_allowed(request: web.Request, least: Role) -> None:
    """Errors: BadCredentials, NotAllowed."""
    allow(asker(request), least)


def says_who(request: web.Request) -> bool:
    """Whether it names anybody at all."""
    return "Authorization" in request.headers or cookie(request) is not None


def cookie(request: web.Request) -> str | None:
    """The session that it comes with, where that is all it comes with."""
    if "Authorization" in request.headers:
        return None
    host = request.headers.get("Host", "")
    return request.cookies.get(cookies.name_of(host, https=by_https(request))) or None


def by_https(request: web.Request) -> bool:
    """Whether the browser speaks TLS."""
    return cookies.came_by_https(request.headers, secure=request.secure)


def check_page(request: web.Request, who: Operator) -> None:
    """See that what comes by cookie was made by our page. Errors: NotOurPage.

    The cookie alone is not enough for anything, reading included: browsers give it to whatever
    serves pages at another port of the same host, a published container for one.
    """
    if cookie(request) is None:
        return
    check_origin(request)
    given = request.headers.get("X-CSRF-Token", "")
    if origin.is_upgrade(request.headers):
        # A page can't give a WebSocket any header.
        given = given or request.query.get("csrf_token", "")
    try:
        # Compares in constant time, with what any of the network's master keys makes of it.
        request.app[VAULT].derived_before(CSRF, who.token_id, hash_of(given))
    except AnswerLost:
        raise NotOurPage(
            "it carries no X-CSRF-Token, or not that of this session",
            next_step="Log in once more at the dashboard; a program sends a token instead of the "
            "cookie: Authorization: Bearer <token>",
        ) from None


def check_origin(request: web.Request) -> None:
    """See that no page from elsewhere made it. Errors: NotOurPage."""
    why = origin.foreign(request.method, request.headers, https=by_https(request))
    if why:
        raise NotOurPage(why)


def csrf_token(request: web.Request, token_id: TokenId) -> str:
    """What our page proves itself by, for the session of that token."""
    return request.app[VAULT].derived(CSRF, token_id)


def set_cookie(request: web.Request, value: str, seconds: int) -> str:
    """The header that keeps a session in the browser for so long; 0 takes it away."""
    host = request.headers.get("Host", "")
    return cookies.set_to(value, host, https=by_https(request), seconds=seconds)


def cookie_is_spent(request: web.Request) -> bool:
    """Whether it comes with a cookie that speaks for nobody any more."""
    if cookie(request) is None:
        return False
    try:
        asker(request)
    except BadCredentials:
        return True
    return False


def forget(request: web.Request, response: web.StreamResponse) -> None:
    """Take a cookie away that speaks for nobody any more."""
    response.headers["Set-Cookie"] = set_cookie(request, "", 0)
