"""The kinds of thing that commands speak of, and how people name one: `kind/name`."""

from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

from ecn.manifests.kinds import Kind, Reference
from ecn.manifests.shape import did_you_mean

ALIASES = {
    "no": Kind.NODE,
    "agent": Kind.NODE,  # ioFog's word, as some below
    "agents": Kind.NODE,
    "app": Kind.APPLICATION,
    "apps": Kind.APPLICATION,
    "ms": Kind.MICROSERVICE,
    "msvc": Kind.MICROSERVICE,
    "reg": Kind.REGISTRY,
    "catalog": Kind.CATALOG_ITEM,
    "application-template": Kind.TEMPLATE,
    "application-templates": Kind.TEMPLATE,
    "er": Kind.EDGE_RESOURCE,
    "vol": Kind.VOLUME,
    "ev": Kind.EVENT,
}
SHOWN_ONLY = frozenset({Kind.EVENT, Kind.ROUTER, Kind.PUBLIC_PORT})
"""Kinds that nobody makes or changes by themselves."""
NAMES = {**{k.value: k for k in Kind}, **{k.plural: k for k in Kind}, **ALIASES}


class KindType(click.ParamType[Kind]):
    """An argument that names a kind, in singular, plural or short."""

    name = "kind"

    def __init__(self, *kinds: Kind) -> None:
        self._kinds = kinds or tuple(Kind)

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Kind:
        """Errors: click's own usage error, with what was probably meant."""
        kind = NAMES.get(str(value).lower())
        if kind is None or kind not in self._kinds:
            known = [k.plural for k in self._kinds]
            self.fail(f"{value!r} is no kind; {did_you_mean(str(value), known)}", param, ctx)
        return kind

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The kinds, in plural."""
        return [CompletionItem(k.plural) for k in self._kinds if k.plural.startswith(incomplete)]


def reference_to_run(text: str) -> Reference:
    """What `start` and `stop` mean: `application/shop`, `shop/web`, `microservice/<id>`.

    Errors: click.BadParameter when it is something that does not run.
    """
    head, _, rest = text.partition("/")
    kind = NAMES.get(head.lower()) if rest else None
    if kind is Kind.APPLICATION and rest.count("/") == 0:
        return Reference(kind, rest)
    if kind is Kind.MICROSERVICE and rest.count("/") <= 1:
        return Reference(kind, rest)
    if kind is None and text and text.count("/") <= 1 and not text.endswith("/"):
        return Reference(Kind.MICROSERVICE if rest else Kind.APPLICATION, text)
    raise click.BadParameter(
        f"{text!r} is nothing that runs: write application/NAME or APPLICATION/MICROSERVICE"
    )


def one_reference(words: tuple[str, ...], *kinds: Kind) -> Reference:
    """One thing of these kinds: `node/a`, `node a`, or `shop/web`, which is a microservice.

    Errors: click.UsageError.
    """
    head, slash, rest = words[0].partition("/") if words else ("", "", "")
    if len(words) == 1 and head.lower() not in NAMES and rest and "/" not in rest:
        return Reference(Kind.MICROSERVICE, words[0])
    found = references(words, *kinds)
    if len(found) != 1 or (slash and not rest):
        raise click.UsageError("say which one: KIND/NAME")
    return found[0]


def references(kind_and_names: tuple[str, ...], *kinds: Kind) -> list[Reference]:
    """`node a b`, or `node/a application/b`, as `delete` takes them.

    Errors: click.UsageError.
    """
    if not kind_and_names:
        raise click.UsageError("say what: KIND NAME..., or KIND/NAME...")
    first, *others = kind_and_names
    to_kind: Callable[[str], Kind] = KindType(*kinds)
    if "/" not in first:
        kind = to_kind(first)
        if not others:
            raise click.UsageError(f"say which {kind}: ecn ... {first} NAME")
        return [Reference(kind, name) for name in others]
    found = []
    for text in kind_and_names:
        head, _, name = text.partition("/")
        found.append(Reference(to_kind(head), name))
    return found
