"""`ecn completion`: the script that lets a shell complete `ecn`'s commands."""

import click
from click.shell_completion import get_completion_class

from ecn.cli.command import Command, examples


@examples("""
ecn completion bash > ~/.local/share/bash-completion/completions/ecn
ecn completion zsh > ~/.zfunc/_ecn            # with ~/.zfunc in fpath
ecn completion fish > ~/.config/fish/completions/ecn.fish
""")
@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a shell."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"{shell} is not known")
    root = ctx.find_root().command
    # The template alone: `source()` would start the shell to look at its version.
    made = kind(root, {}, "ecn", "_ECN_COMPLETE")
    click.echo(made.source_template % made.source_vars())
