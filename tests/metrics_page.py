"""Pages of metrics, as scrapers read them, and what docs/metrics.md says of them."""

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families as families_of

DOCUMENT = Path(__file__).parents[1] / "docs" / "metrics.md"

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
"""By name and labels."""


def samples(page: str) -> Samples:
    """All of a page; in the form that is no OpenMetrics."""
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in families_of(page)
        for each in family.samples
    }


def own_names(found: Samples) -> set[str]:
    """Ours, as they are documented: a histogram's buckets are one."""
    names = {re.sub("_(bucket|sum|count|created)$", "", name) for name, _ in found}
    return {name for name in names if name.startswith("ecn_")}


def documented(part: str) -> set[str]:
    """Names in the tables of that part of the document."""
    text = DOCUMENT.read_text().partition(f"\n## {part}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`ecn_[^|]+) \|", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(ecn_\w+)`", row)}
