"""Every named format is told from a sample of its documented fields, and read to the last row."""

import re
from pathlib import Path

import numpy as np
import pytest

from cachelib.model.traffic.logs import LogError, Reading, read_log
from cachelib.model.traffic.logs.formats import formats

SAMPLES = sorted((Path(__file__).parent / "logs").iterdir())
# The format of a sample whose file is not called by it.
CALLED = {
    "varnish": "clf", "docker": "clf", "kubernetes": "clf", "syslog-5424": "clf", "istio": "envoy",
    "envoy.ndjson": "envoy-json",
}  # fmt: skip


def format_of(sample):
    return CALLED.get(sample.name) or CALLED.get(sample.stem) or sample.stem


def test_every_format_has_a_sample():
    assert set(formats()) == {format_of(sample) for sample in SAMPLES}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_is_told_and_read_to_the_last_row(sample):
    trace = read_log(sample)
    account = trace.account
    assert (account.format, account.rows, len(trace)) == (format_of(sample), 3, 3)
    assert trace.key.tolist() == [0, 1, 0]
    assert trace.op.tolist() == [0, 0, 0]
    assert np.diff(trace.time_s).tolist() == pytest.approx([1, 1], abs=0.2)
    known = formats()[format_of(sample)]
    assert trace.colos == (["LHR"] if "colo" in known.roles else [""])


@pytest.mark.parametrize(
    ("log_format", "line"),
    [
        ('$remote_addr [$time_iso8601] $host "$request" $status $body_bytes_sent $request_time',
         '192.0.2.1 [2025-10-10T13:55:00+00:00] h.example "GET /a HTTP/1.1" 200 10 0.005'),
        ('%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D',
         '192.0.2.1 - - [10/Oct/2025:13:55:00 +0000] "GET /a HTTP/1.1" 200 10 "-" "curl" 512'),
        ('$msec|$request_method|$request_uri|$status', '1760104500.123|GET|/a|200'),
    ],
)  # fmt: skip
def test_a_custom_log_format_is_read_as_it_is_configured(tmp_path, log_format, line):
    path = tmp_path / "custom.log"
    path.write_text(f"{line}\n{line}\n")
    trace = read_log(path, Reading(format=log_format))
    assert (len(trace), trace.keys) == (2, ["/a"])
    assert int(trace.time_s[0]) == 1_760_104_500


def test_a_log_format_without_a_time_is_an_error_that_says_what_it_may_be():
    with pytest.raises(LogError, match=r"says not where the time is: \$time_local"):
        read_log(SAMPLES[0], Reading(format="$remote_addr $request"))


def test_an_unknown_format_has_a_nearest_name():
    with pytest.raises(LogError, match="did you mean 'logpush'"):
        read_log(SAMPLES[0], Reading(format="logpus"))


def test_a_refusal_names_the_three_nearest_formats_and_the_way_out(tmp_path):
    path = tmp_path / "x.log"
    path.write_text("what is\nthis then\n")
    with pytest.raises(
        LogError, match=r"The nearest: .*;.*;.* Say how it is written with --format"
    ):
        read_log(path)


@pytest.mark.parametrize(
    "line", ["what is", "192.0.2.1 - - nothing else", "1760000000.123 12 192.0.2.1 TCP_HIT/2"]
)
def test_a_refusal_names_the_fields_that_a_line_lacks_and_shows_no_pattern(tmp_path, line):
    path = tmp_path / "x.log"
    path.write_text(f"{line}\nthis then\n")
    with pytest.raises(LogError) as refused:
        read_log(path)
    told = re.search(r"The nearest: (.*?)\. ", str(refused.value))
    assert told
    lacking = r"[\w-]+ \((lacks|goes on after) \w+(, \w+)*\)"
    assert re.fullmatch(f"({lacking}(; )?){{3}}", told[1]), told[1]


@pytest.mark.parametrize("content", ["[]", " [ ]\n", "{}\n", "\ufeff[{}]"])
def test_an_empty_list_has_no_row(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(LogError, match="nothing in it: it has no row"):
        read_log(path)


@pytest.mark.parametrize("delimiter", [";", "|", "\t"])
def test_a_table_may_have_any_usual_delimiter(tmp_path, delimiter):
    path = tmp_path / "export.dat"
    path.write_text("".join(delimiter.join(row) + "\n" for row in (["time", "url"], ["1", "/a"])))
    assert read_log(path).keys == ["/a"]


def test_a_table_whose_first_line_is_data_asks_for_the_names(tmp_path):
    path = tmp_path / "logpush.csv"
    path.write_text('1760000000000000000,"/a","LHR"\n')
    with pytest.raises(LogError, match=r"first line is no header.*--fields"):
        read_log(path)
    fields = ("EdgeStartTimestamp", "ClientRequestURI", "EdgeColoCode")
    trace = read_log(path, Reading(fields=fields))
    assert (trace.keys, trace.colos, trace.account.format) == (["/a"], ["LHR"], "logpush")


def test_w3c_fields_may_change_their_order_within_a_file(tmp_path):
    path = tmp_path / "iis.log"
    path.write_text(
        "#Fields: date time cs-method cs-uri-stem\n2025-10-10 13:55:00 GET /a\n"
        "#Fields: cs-method date time cs-uri-stem\nGET 2025-10-10 13:55:01 /a\n"
    )
    trace = read_log(path)
    assert (len(trace), trace.keys, trace.span_s) == (2, ["/a"], 1)


def test_how_long_a_request_took_is_not_when_it_came(tmp_path):
    path = tmp_path / "took.ndjson"
    path.write_text('{"request_time": 0.25, "uri": "/a"}\n{"request_time": 0.5, "uri": "/b"}\n')
    with pytest.raises(LogError, match="which column is the time"):
        read_log(path)


def test_a_date_that_could_mean_two_days_is_asked_for_with_the_way_to_say_it(tmp_path):
    path = tmp_path / "american.csv"
    path.write_text("date,url\n10/11/2025 1:55:00 PM,/a\n10/11/2025 1:55:09 PM,/a\n")
    with pytest.raises(LogError, match=r"date holds '10/11/2025 1:55:00 PM'.*--column time="):
        read_log(path)
    how = {"time": "strptime(date, '%m/%d/%Y %I:%M:%S %p')"}
    assert read_log(path, Reading(columns=how)).span_s == 9


def test_what_other_fields_lie_in_is_no_key(tmp_path):
    path = tmp_path / "nested.ndjson"
    path.write_text('{"time": 1, "url": {"path": "/a", "id": 7}}\n' * 2)
    assert read_log(path).keys == ["/a"]
