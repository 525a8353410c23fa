"""Manifests of files: read as everybody reads them, with what stands elsewhere on this machine."""

from collections.abc import Callable, Sequence

from ecn.api import documents as d
from ecn.cli.errors import BadManifest
from ecn.manifests.changes import registry_manifest
from ecn.manifests.reading import Unreadable, read
from ecn.manifests.wishes import Manifest, Registry

Env = Callable[[str], str | None]
ReadFile = Callable[[str], str]


def read_manifests(sources: Sequence[tuple[str, str]]) -> list[Manifest]:
    """The manifests in the texts, in the order to apply them.

    sources: (name, text) pairs; the name is for errors, `demo.yaml` for instance.
    Errors: BadManifest with every fault found in any of them.
    """
    try:
        return [each.manifest for each in read(sources)]
    except Unreadable as e:
        raise BadManifest(str(e), next_step="nothing was sent; correct and repeat") from e


def registry_body(registry: Registry, env: Env, read_file: ReadFile) -> d.RegistryManifest:
    """The request for it, its password fetched from where the manifest says.

    Errors: BadManifest when there is none; OSError is the reader's to translate.
    """
    spec = registry.spec
    password = spec.password
    if spec.password_from is not None:
        where = "spec.password_from"
        if spec.password_from.env is not None:
            name = spec.password_from.env
            password = env(name)
            if not password:
                raise BadManifest(
                    f"registry {registry.name!r}: the environment has no {name}",
                    field=f"{where}.env",
                    next_step=f"export {name}, and repeat",
                )
        elif spec.password_from.file is not None:
            password = read_file(spec.password_from.file).rstrip("\r\n")
    return registry_manifest(spec, password)
