"""Rules that a route's terms must keep, whatever else there is: its condition, numbers, webhook."""

import re
from urllib.parse import urlsplit

from ecn.deciders import rules
from ecn.errors import BadCondition, Invalid
from events.route import RouteEnds, RouteTerms
from routing.language import NotTheLanguage, parse_condition

LEAST_URGENT = 9
LONGEST_TTL = 10 * 366 * 86_400
"""Seconds: ten years, beyond which nobody means a number."""
LONGEST_URL = 2048
# What Azure's paths can name between slashes, and topics between theirs.
CONNECTOR = re.compile(r"[A-Za-z0-9_.$%-]{1,128}")


def check(terms: RouteTerms, ends: RouteEnds, field: str) -> None:
    """field: the place of the route. Errors: Invalid."""
    for part in ("output", "input"):
        _connector(getattr(terms, part), field=f"{field}.{part}")
    if terms.twin_changes and terms.output:
        raise Invalid(
            "changes of twins leave by no output",
            field=f"{field}.output",
            next_step="Leave out output, or twin_changes.",
        )
    if terms.input and ends.destination is None:
        raise Invalid("what goes upstream arrives by no input", field=f"{field}.input")
    if terms.priority is not None and not 0 <= terms.priority <= LEAST_URGENT:
        raise Invalid(
            f"is not between 0 (the most urgent) and {LEAST_URGENT}", field=f"{field}.priority"
        )
    if terms.ttl is not None and not 0 <= terms.ttl <= LONGEST_TTL:
        raise Invalid(
            f"is not between 0 (for ever) and {LONGEST_TTL} seconds (ten years)",
            field=f"{field}.ttl",
        )
    if terms.condition:
        _condition(terms, field=f"{field}.condition")
    if terms.webhook:
        _webhook(terms.webhook, ends, field=f"{field}.webhook")


def _condition(terms: RouteTerms, *, field: str) -> None:
    if "\x00" in terms.condition:
        raise Invalid("has a NUL character", field=field)
    try:
        parse_condition(terms.condition, twin_changes=terms.twin_changes)
    except NotTheLanguage as e:
        raise BadCondition.of_language(e, field=field) from e


def _connector(name: str, *, field: str) -> None:
    if name and not CONNECTOR.fullmatch(name):
        raise Invalid(
            f"{name!r} is no name of an input or output: letters, digits and . _ - $ %, "
            "at most 128 characters",
            field=field,
        )


def _webhook(url: str, ends: RouteEnds, *, field: str) -> None:
    if ends.destination is not None:
        raise Invalid(
            "only what goes upstream is posted to a webhook",
            field=field,
            next_step='Let the destination be "$upstream", or leave out the webhook.',
        )
    rules.text(url, field=field)
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or len(url) > LONGEST_URL or not url.isprintable() or " " in url:
        raise Invalid("is no URL that begins with http:// or https://", field=field)
    if "@" in parts.netloc:
        raise Invalid(
            "has a user name or password in it, which everybody would read who may see the route",
            field=field,
            next_step="Leave it out, and let the receiver know by its address that it may.",
        )
