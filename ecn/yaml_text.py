"""YAML to values and back, with the place of every value, and nothing surprising. Pure.

Scalars are read by YAML 1.2's core schema, in which `on`, `no` and `12:30` are text: with
PyYAML's own rules (1.1) an `env: {DEBUG: on}` would be a boolean. Duplicate keys, which PyYAML
lets overwrite each other in silence, are refused. Merge keys (`<<`) and aliases work, within
bounds.
"""

import re

import yaml
from msgspec import Struct

Path = tuple[str | int, ...]
"""Keys and indexes from the top of a document down."""

MOST_VALUES = 200_000
"""Per document: an alias bomb ends here, long before memory does."""
DEEPEST = 100


class Place(Struct, frozen=True):
    """Where something stands; both count from 1."""

    line: int
    column: int


class Document(Struct, frozen=True):
    """One document: what it says, and where each part stands."""

    value: object
    places: dict[Path, Place]

    def place(self, path: Path) -> Place:
        """Where the value at `path` stands, or the nearest thing around it."""
        while path not in self.places and path:
            path = path[:-1]
        return self.places.get(path, Place(1, 1))


class BrokenYaml(Exception):
    """The text is not YAML, or not YAML that can be trusted to mean what it seems to."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


class _Loader(yaml.SafeLoader):
    """Composes nodes; scalars by the core schema."""


_NULL = re.compile(r"(?:~|null|Null|NULL|)$")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern in (("null", _NULL), ("bool", _BOOL), ("int", _INT), ("float", _FLOAT)):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, None)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<$"), ["<"])


class _Dumper(yaml.SafeDumper):
    """Quotes whatever either version of YAML would read as something else than text."""

    def ignore_aliases(self, data: object) -> bool:
        """Write everything out: anchors help nobody who reads a manifest."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their key, as people write them."""
        super().increase_indent(flow, False)


for _tag, _pattern in (("int", _INT), ("float", _FLOAT)):
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, None)


_BREAKS = re.compile("[\r\x85\u2028\u2029\ufeff]")


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None
    if _BREAKS.search(value):
        style = '"'  # PyYAML would write these as line ends, and read them back as spaces
    elif "\n" in value and not value.startswith((" ", "\n")):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dumped(value: object) -> str:
    """YAML that reads as `value` again, here and elsewhere."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


def parsed(text: str) -> list[Document]:
    """The documents of a file; empty ones are left out. Errors: BrokenYaml."""
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as e:
        line = text.count("\n", 0, e.position) + 1
        raise BrokenYaml(
            f"a character that YAML does not allow ({e.reason})", Place(line, 1)
        ) from e
    try:
        documents = []
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                continue
            reading = _Reading()
            value = reading.value(node, ())
            if value is not None:
                documents.append(Document(value, reading.places))
        return documents
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        place = _place(mark) if mark else Place(1, 1)
        said = ", ".join(part for part in (e.context, e.problem) if part)
        raise BrokenYaml(f"this is not YAML: {said}", place) from e
    except RecursionError as e:
        raise BrokenYaml("nested too deeply", Place(1, 1)) from e
    finally:
        loader.dispose()


class _Reading:
    """One document, node by node."""

    def __init__(self) -> None:
        self.places: dict[Path, Place] = {}
        self._values = 0
        self._above: list[yaml.Node] = []

    def value(self, node: yaml.Node, path: Path) -> object:
        self.places.setdefault(path, _place(node.start_mark))
        self._values += 1
        if self._values > MOST_VALUES or len(self._above) > DEEPEST:
            raise _broken("too large or too deep, with all aliases written out", node)
        if any(node is above for above in self._above):
            raise _broken("an alias that contains itself", node)
        self._above.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
            return _scalar(node)
        finally:
            self._above.pop()

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        own: dict[str, object] = {}
        first: dict[str, Place] = {}
        merged: dict[str, object] = {}
        for key_node, value_node in node.value:
            if key_node.tag.endswith(":merge"):
                merged = {**self._merged(value_node, path), **merged}
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise _broken("a key has to be text", key_node)
            key = str(key_node.value)
            if key in first:
                raise _broken(
                    f"{key!r} stands here twice; first in line {first[key].line}", key_node
                )
            first[key] = self.places[(*path, key)] = _place(key_node.start_mark)
            own[key] = self.value(value_node, (*path, key))
        return {**merged, **own}

    def _merged(self, node: yaml.Node, path: Path) -> dict[str, object]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, object] = {}
        for source in reversed(sources):
            if not isinstance(source, yaml.MappingNode):
                raise _broken("<< takes a mapping or a list of mappings", source)
            value = self.value(source, (*path, "<<"))
            if isinstance(value, dict):
                merged.update(value)
        return merged


def _scalar(node: yaml.Node) -> object:
    text = str(node.value)
    tag = node.tag.rpartition(":")[2]
    if tag == "str":
        return text
    if tag == "null":
        return None
    if tag == "bool" and _BOOL.match(text):
        return text.lower() == "true"
    if tag == "int" and _INT.match(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if tag == "float" and _FLOAT.match(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    raise _broken(f"{node.tag} {text!r} can't be used in a manifest", node)


def _place(mark: yaml.Mark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _broken(message: str, node: yaml.Node) -> BrokenYaml:
    return BrokenYaml(message, _place(node.start_mark))
