"""Prometheus's text format (version 0.0.4), written by hand: the client library brings global state and takes 65 ms."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of a histogram of answer times."""


class Type(StrEnum):
    """What a family's numbers mean."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Sample(NamedTuple):
    """One line: a number and its labels."""

    value: float
    labels: Mapping[str, str] = {}
    suffix: str = ""
    """After the family's name: `_bucket`, `_sum`, `_count`."""


class Family(NamedTuple):
    """One metric: its name, what it says, and its samples."""

    name: str
    type: Type
    help: str
    samples: Iterable[Sample]


class Histogram:
    """Counts numbers by how large they are."""

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        """Start empty. `bounds` are the upper bounds of the buckets, increasing; `+Inf` is added."""
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        """How many numbers are in each bucket and not in the one before."""
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one number."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def samples(self, labels: Mapping[str, str]) -> Iterable[Sample]:
        """Yield its samples: each bucket includes the smaller ones."""
        total = 0
        for bound, count in zip((*self.bounds, math.inf), self.counts, strict=True):
            total += count
            yield Sample(total, {**labels, "le": number(bound)}, "_bucket")
        yield Sample(self.sum, labels, "_sum")
        yield Sample(total, labels, "_count")


def exposition(families: Iterable[Family]) -> str:
    """Return the text of all families."""
    return "".join(line for family in families for line in _lines(family))


def number(value: float) -> str:
    """Return a number as Prometheus reads it: `3`, `0.25`, `+Inf`, `NaN`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _lines(family: Family) -> Iterable[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}\n"
    yield f"# TYPE {family.name} {family.type}\n"
    for sample in family.samples:
        yield f"{family.name}{sample.suffix}{_labels(sample.labels)} {number(sample.value)}\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_value(value)}"' for name, value in labels.items()) + "}"


def _value(text: str) -> str:
    return _escaped(text).replace('"', '\\"')


def _escaped(text: str) -> str:
    """Return text on one line that UTF-8 can hold: a lone surrogate becomes an escape."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return whole.replace("\\", "\\\\").replace("\n", "\\n")
