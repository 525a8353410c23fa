"""A browser at the dashboard: it keeps the cookie, and says which page asks."""

from collections.abc import Mapping
from http.cookies import SimpleCookie

from tests.ecn.api.server import Answer, Controller

HOST = "ecn.example:51121"
PASSWORD = "wonderland"


class Browser:
    """One browser, at a controller that it knows as HOST whatever its real port is."""

    def __init__(self, controller: Controller, *, host: str = HOST) -> None:
        self.client = controller.nobody
        self.host = host
        self.cookies: dict[str, str] = {}
        self.set_cookie = ""
        """The last that came."""
        self.csrf_token = ""

    def headers(self, more: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """What our page sends; None leaves out."""
        sent: dict[str, str | None] = {"Host": self.host}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if self.csrf_token:
            sent["X-CSRF-Token"] = self.csrf_token
        sent |= more or {}
        return {name: value for name, value in sent.items() if value is not None}

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str | None] | None = None,
        **query: str,
    ) -> Answer:
        """One request, with what the browser knows. headers: beside those; None leaves one out."""
        answer = await self.client.ask(
            method, path, body, headers=self.headers(headers), query=query
        )
        self.set_cookie = answer.headers.get("Set-Cookie", "")
        for name, morsel in SimpleCookie(self.set_cookie).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
        return answer

    async def log_in(
        self, name: str = "anna", headers: Mapping[str, str | None] | None = None
    ) -> Answer:
        """By password."""
        answer = await self.ask("POST", "/session", {"name": name, "password": PASSWORD}, headers)
        if answer.status == 200:
            self.csrf_token = answer.text("csrf_token")
        return answer
