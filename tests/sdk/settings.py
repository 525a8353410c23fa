"""How a client of a test finds the Local API that the test runs."""

from ecn_sdk import Settings

from tests.agent.local_api.serving import Serving


def settings(serving: Serving, m: str = "m1") -> Settings:
    url = f"http://127.0.0.1:{serving.port}"
    return Settings(m, serving.tokens.of(m), (url,))
