"""`ecn context`: the networks that are known here, and which one is in use."""

import click

from ecn.cli import contexts
from ecn.cli.command import Command, Group, examples
from ecn.cli.output import Column, print_table


@examples("""
ecn context list
ecn context use plant
ecn context rename 10.0.0.5 plant
""")
@click.group("context", cls=Group)
def context() -> None:
    """Choose between networks. A context is a controller, a user and a token; `ecn login` makes
    one.
    """


@examples("ecn context list")
@context.command("list", cls=Command)
def list_() -> None:
    """List the contexts; the one in use has a star."""
    known = contexts.load(contexts.config_path())
    rows = [
        (
            "*" if name == known.current else "",
            name,
            c.server,
            c.user or "-",
            "yes" if c.token else "no",
        )
        for name, c in sorted(known.contexts.items())
    ]
    columns = [Column(title) for title in ("", "NAME", "SERVER", "USER", "LOGGED IN")]
    print_table(columns, rows)


@examples("ecn context use plant")
@context.command("use", cls=Command)
@click.argument("name")
def use(name: str) -> None:
    """Use that context from now on."""
    path = contexts.config_path()
    with contexts.changing(path) as known:
        contexts.save(path, known.having(name, known.named(name), use=True))
    click.echo(f"using {name}")


@examples("ecn context show")
@context.command("show", cls=Command)
def show() -> None:
    """Print the name of the context in use."""
    known = contexts.load(contexts.config_path())
    if known.current:
        click.echo(known.current)


@examples("ecn context rename 10.0.0.5 plant")
@context.command("rename", cls=Command)
@click.argument("old")
@click.argument("new")
def rename(old: str, new: str) -> None:
    """Give a context another name."""
    path = contexts.config_path()
    with contexts.changing(path) as known:
        contexts.save(path, known.renamed(old, new))
    click.echo(f"{old} is {new} now")


@examples("ecn context remove plant")
@context.command("remove", cls=Command)
@click.argument("name")
def remove(name: str) -> None:
    """Forget a context. Its token stays good: `ecn logout --context NAME` revokes it first."""
    path = contexts.config_path()
    with contexts.changing(path) as known:
        contexts.save(path, known.without(name))
    click.echo(f"{name} is forgotten")
