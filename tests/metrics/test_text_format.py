"""Prometheus's text format: each line as its documentation says, and nothing that a label holds breaks it."""

import math

import pytest

from pyhall_tui.metrics.text_format import Family, Histogram, Sample, Type, exposition, number


def test_a_family_says_what_it_is_before_its_samples() -> None:
    family = Family("pyhall_workers", Type.GAUGE, "Watched workers.", [Sample(3, {"state": "clean"}), Sample(0.5)])
    assert exposition([family]) == (
        "# HELP pyhall_workers Watched workers.\n"
        "# TYPE pyhall_workers gauge\n"
        'pyhall_workers{state="clean"} 3\n'
        "pyhall_workers 0.5\n"
    )


def test_quotes_backslashes_and_line_ends_are_escaped() -> None:
    text = exposition([Family("a", Type.GAUGE, "One\\two\nthree.", [Sample(1, {"name": 'a"b\\c\nd'})])])
    assert text == '# HELP a One\\\\two\\nthree.\n# TYPE a gauge\na{name="a\\"b\\\\c\\nd"} 1\n'


def test_a_lone_surrogate_does_not_keep_the_page_from_being_sent() -> None:
    assert exposition([Family("a", Type.GAUGE, "A.", [Sample(1, {"name": "\udc80"})])]).encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (True, "1"),
        (1_000_000, "1000000"),
        (0.25, "0.25"),
        (1.5e300, "1.5e+300"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_are_as_prometheus_reads_them(value: float, text: str) -> None:
    assert number(value) == text


def test_each_bucket_of_a_histogram_includes_the_smaller_ones() -> None:
    histogram = Histogram((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(seconds)
    text = exposition([Family("d", Type.HISTOGRAM, "D.", histogram.samples({"p": "x"}))])
    assert text.splitlines()[2:] == [
        'd_bucket{p="x",le="0.1"} 2',
        'd_bucket{p="x",le="1"} 3',
        'd_bucket{p="x",le="+Inf"} 4',
        'd_sum{p="x"} 7.65',
        'd_count{p="x"} 4',
    ]
