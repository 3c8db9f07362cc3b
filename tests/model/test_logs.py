"""Reading logs: every format, every compression, and everything that can be wrong with them."""

import bz2
import gzip
import json
import lzma
import struct

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from cachelib.model.traffic.logs import LogError, LogStream, Reading, read_log, source
from cachelib.model.traffic.trace import DELETE, READ, WRITE

CLF = 'host - - [01/Aug/1995:00:00:{:02d} -0400] "GET {} HTTP/1.0" 200 {}\n'


def clf(*urls, size="10"):
    return "".join(CLF.format(i, url, size) for i, url in enumerate(urls))


@pytest.fixture
def log(tmp_path):
    def write(content, name="access.log"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def urls(trace):
    return [trace.keys[k] for k in trace.key]


def zstd(data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(data)
    return sink.getvalue().to_pybytes()


COMPRESSIONS = {
    "plain": bytes, "gzip": gzip.compress, "xz": lzma.compress, "zstd": zstd,
    "bzip2": bz2.compress,
}  # fmt: skip


def test_the_real_day_reads_the_same_from_both_its_formats(traces):
    common = read_log(traces / "nasa-1995-08-01.clf.gz")
    logpush = read_log(traces / "nasa-1995-08-01.logpush.ndjson.gz")
    assert len(common) == len(logpush) == 30_969
    assert len(common.keys) == 2_088
    assert urls(common) == urls(logpush)
    assert np.array_equal(common.time_s, logpush.time_s)
    assert len(logpush.colos) == 20
    assert common.skipped.lines == 0


@pytest.mark.parametrize(
    ("name", "requests", "keys"),
    [
        ("cloudphysics.oracleGeneral.bin", 113_872, 48_974),
        ("web12.int32be.xz", 95_607, 13_756),
        ("meta-kv-sample.csv", 99, 52),
    ],
)
def test_the_simulators_formats_are_told_by_name(traces, name, requests, keys):
    trace = read_log(traces / name)
    assert (len(trace), len(trace.keys)) == (requests, keys)


def test_meta_traces_carry_operations_and_lives(traces):
    trace = read_log(traces / "meta-kv-sample.csv")
    assert np.bincount(trace.op).tolist() == [88, 9, 2]
    assert trace.ttl_s is not None
    assert trace.ttl_s.max() > 0


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_compression_is_told_by_content(log, compress):
    assert urls(read_log(log(compress(clf("/a", "/b").encode())))) == ["/a", "/b"]


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_tables_may_be_compressed_too(log, compress):
    trace = read_log(log(compress(b"time,key\n1,a\n2,b\n"), "t.csv.gz"))
    assert urls(trace) == ["a", "b"]


@pytest.mark.parametrize("compress", list(COMPRESSIONS.values())[1:], ids=list(COMPRESSIONS)[1:])
@pytest.mark.parametrize("name", ["access.log", "t.csv"])
def test_a_cut_file_is_an_error_and_never_a_short_read(log, compress, name):
    content = "time,key\n" + "".join(f"{i},{i * 7919 % 1009}\n" for i in range(20_000))
    lines = content if name == "t.csv" else clf(*(f"/{i * 7919}" for i in range(60))) * 500
    whole = compress(lines.encode())
    with pytest.raises(LogError, match=name):
        read_log(log(whole[: len(whole) // 2], name))


def test_an_archive_is_an_error_that_says_what_to_do(log):
    with pytest.raises(LogError, match="a zip archive; unpack it first"):
        read_log(log(b"PK\x03\x04" + bytes(40)))


def test_combined_format_gives_agent_and_referer(log):
    line = clf("/a").rstrip() + ' "http://r/" "Mozilla/5.0"\n'
    trace = read_log(log(line), Reading(key="agent || referer"))
    assert trace.keys == ["Mozilla/5.0http://r/"]


def test_a_request_without_protocol_and_one_with_an_escaped_quote_are_read(log):
    lines = (
        'h - - [01/Aug/1995:00:00:00 -0400] "GET /old" 200 -\n'
        'h - - [01/Aug/1995:00:00:01 -0400] "GET /q\\"uote HTTP/1.1" 200 5\n'
    )
    trace = read_log(log(lines))
    assert urls(trace) == ["/old", '/q\\"uote']
    assert trace.size.tolist() == [0, 5]


def test_the_time_zone_of_common_log_format_counts(log):
    assert read_log(log(clf("/a"))).time_s[0] == 807_249_600


@pytest.mark.parametrize(
    "stamp", ['"2026-01-01T00:00:00Z"', "1767225600", "1767225600000000000", '"1767225600000"']
)
def test_logpush_times_come_in_every_form_that_logpush_writes(log, stamp):
    line = f'{{"EdgeStartTimestamp": {stamp}, "ClientRequestURI": "/a"}}\n'
    assert read_log(log(line)).time_s[0] == 1767225600


def test_trace_events_take_the_url_of_the_event(log):
    event = '{"EventTimestampMs": 1767225600500, "Event": {"Request": {"URL": "https://h/a"}}}\n'
    trace = read_log(log(event))
    assert (trace.keys, trace.time_s[0]) == (["https://h/a"], 1767225600.5)


def test_any_json_field_may_be_the_key(log):
    line = '{"EdgeStartTimestamp": 1, "ClientRequestURI": "/a", "Extra": {"id": 7}}\n'
    assert read_log(log(line), Reading(key="text ->> '$.Extra.id'")).keys == ["7"]


def test_key_and_filter_are_sql_over_the_columns(log):
    reading = Reading(key="split_part(url, '?', 1)", where="status = 200 AND url LIKE '/a%'")
    assert urls(read_log(log(clf("/a?x=1", "/b", "/a?x=2")), reading)) == ["/a", "/a"]


def test_an_unknown_column_is_an_error_that_names_it(log):
    with pytest.raises(LogError, match=r"key: 'uri'.*uri"):
        read_log(log(clf("/a")), Reading(key="uri"))


@pytest.mark.parametrize(
    "expression", ["(SELECT content FROM read_text('/etc/hostname'))", "url) FROM lines; --"]
)
def test_an_expression_reads_nothing_but_the_log(log, expression):
    with pytest.raises(LogError):
        read_log(log(clf("/a")), Reading(key=expression))


def test_columns_are_mapped_by_name_or_by_expression(log):
    table = "when\tsymbol\twhere_\tbytes\top\n2026-01-01 00:00:02\tA\tLHR\t5\tPUT\n"
    reading = Reading(columns={"time": '"when"', "key": "'/s/' || symbol", "colo": "where_"})
    trace = read_log(log(table, "t.tsv"), reading)
    assert (trace.keys, trace.colos, trace.size.tolist()) == (["/s/A"], ["LHR"], [5])
    assert (trace.time_s[0], trace.op[0]) == (1767225602, WRITE)


def test_a_table_whose_key_is_unknown_says_what_it_has(log):
    with pytest.raises(LogError, match=r"columns\.key.*when, what"):
        read_log(log("when,what\n1,a\n", "t.csv"))


def test_quotes_in_headers_and_file_names_are_text(log):
    table = 'time,it\'s,"a b",time\n1,x,y,2\n'
    path = log(table, "it's; a \\ log.csv")
    trace = read_log(path, Reading(key='"it\'s" || "a b" || time3'))
    assert (trace.keys, trace.time_s[0]) == (["xy2"], 1)


def test_a_table_may_have_columns_of_any_name(log):
    table = "time,key,file,line,reason,bad,r,text\n1,a,b,c,d,e,f,g\n"
    reading = Reading(key="key || file || line || reason || bad || r || text")
    assert read_log(log(table, "t.csv"), reading).keys == ["abcdefg"]


def test_a_table_without_header_has_numbered_columns(log):
    reading = Reading(header=False, columns={"time": "column0", "key": "column1"})
    assert urls(read_log(log("1,a\n2,b\n", "t.csv"), reading)) == ["a", "b"]


def test_parquet_keeps_integer_keys_and_timestamps(tmp_path):
    path = tmp_path / "t.parquet"
    duckdb.sql(
        "SELECT TIMESTAMP '2026-01-01' + to_seconds(range) AS ts, range % 3 AS id FROM range(9)"
    ).write_parquet(str(path))
    trace = read_log(path)
    assert (trace.keys, trace.time_s[0]) == (["0", "1", "2"], 1767225600)


def test_operations_are_words_or_http_methods(log):
    trace = read_log(log("time,key,op\n1,a,get\n2,a,PUT\n3,a,purge\n", "t.csv"))
    assert trace.op.tolist() == [READ, WRITE, DELETE]


def test_a_folder_is_read_as_one_log_in_the_order_of_names(tmp_path):
    for name, url in (("b.log", "/2"), ("a.log.gz", "/1")):
        content = CLF.format(0, url, 1).encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if "gz" in name else content)
    (tmp_path / ".hidden").write_text("no log")
    assert urls(read_log(tmp_path)) == ["/1", "/2"]


def test_a_folder_of_several_formats_is_an_error(tmp_path):
    (tmp_path / "a.log").write_text(clf("/a"))
    (tmp_path / "b.csv").write_text("time,key\n1,a\n")
    with pytest.raises(LogError, match=r"a.log is clf, b.csv is csv"):
        read_log(tmp_path)


def test_pieces_share_their_codes_and_join_to_the_whole(traces):
    path = traces / "nasa-1995-08-01.clf.gz"
    stream = LogStream(path, rows=2048)
    pieces = list(stream)
    whole = read_log(path)
    assert len(pieces) > 5
    assert np.array_equal(np.concatenate([p.key for p in pieces]), whole.key)
    assert pieces[0].keys is pieces[-1].keys


# What can be wrong with a log.


def test_broken_lines_are_counted_with_the_first_of_them(log):
    trace = read_log(log(clf("/a") + "nonsense\n" + clf("/b") + "\n"))
    assert (len(trace), trace.skipped.lines, trace.skipped.first_line) == (2, 1, 2)
    assert trace.skipped.reason == "not a line of Common Log Format"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{broken", "not JSON"),
        ('{"ClientRequestURI": "/a"}', "no EdgeStartTimestamp"),
        ('{"EdgeStartTimestamp": 5}', "no ClientRequestURI"),
        ('{"EdgeStartTimestamp": "noon", "ClientRequestURI": "/a"}', "no time"),
        ('{"EdgeStartTimestamp": 5, "ClientRequestURI": "/a", "EdgeResponseBytes": -5}',
         "a negative size"),
        ("[1, 2]", "no EdgeStartTimestamp"),
    ],
)  # fmt: skip
def test_a_broken_line_of_json_says_why(log, line, reason):
    good = '{"EdgeStartTimestamp": 5, "ClientRequestURI": "/a"}\n'
    skipped = read_log(log(good + line + "\n")).skipped
    assert (skipped.lines, skipped.first_line, skipped.reason) == (1, 2, reason)


@pytest.mark.parametrize("row", ["x,a,1", "1,,1", "1,a,-4", "1", "1,a,2,3", '1,"open,2'])
def test_a_broken_row_of_a_table_is_counted(log, row):
    trace = read_log(log(f"time,key,size\n1,a,3\n{row}\n", "t.csv"))
    assert (len(trace), trace.skipped.lines, trace.skipped.first_line) == (1, 1, 3)


def test_control_characters_and_markup_are_keys_like_any_other(log):
    assert urls(read_log(log(clf("/\x1b[31m\x00<script>", "/b")))) == [
        "/\x1b[31m\x00<script>",
        "/b",
    ]


def test_a_line_that_is_no_utf8_is_counted(log):
    trace = read_log(log(clf("/a").encode() + b"\xff\xfe\n" + clf("/b").encode()))
    assert (len(trace), trace.skipped.first_line, trace.skipped.reason) == (2, 2, "not UTF-8")


@pytest.mark.parametrize("megabytes", [2, 9])
def test_a_line_of_megabytes_is_counted_and_the_next_is_read(log, megabytes):
    trace = read_log(log(clf("/a") + "x" * (megabytes << 20) + "\n" + clf("/b")))
    assert urls(trace) == ["/a", "/b"]
    assert trace.skipped.reason == "longer than 1048576 bytes"


def test_an_empty_file_is_an_error(log):
    with pytest.raises(LogError, match="the file is empty"):
        read_log(log(""))


def test_a_file_without_a_request_is_an_error_with_the_first_reason(log):
    with pytest.raises(LogError, match=r"none of its 2 lines is a request; line 1: not a line"):
        read_log(log("what\never\n"))


def test_a_filter_that_keeps_nothing_is_an_error(log):
    with pytest.raises(LogError, match="the filter keeps none"):
        read_log(log(clf("/a")), Reading(where="status = 500"))


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(LogError, match="no such file"):
        read_log(tmp_path / "none.log")


def test_a_binary_file_that_ends_inside_a_record_is_an_error(log):
    record = struct.pack("<IQIq", 1, 2, 3, -1)
    with pytest.raises(LogError, match="cut short"):
        read_log(log(record + record[:5], "t.oracleGeneral"))


def test_requests_out_of_order_are_sorted_and_it_is_said(log):
    trace = read_log(log("time,key\n3,c\n1,a\n2,b\n2,b2\n", "t.csv"))
    assert urls(trace) == ["a", "b", "b2", "c"]
    assert "1 request was out of order: sorted by time" in trace.notes
    assert "1 request has the time of the one before" in trace.notes


@pytest.mark.parametrize("time", ["nan", "inf", "-inf", "1e300", "", "noon"])
def test_what_is_no_time_is_no_request(log, time):
    trace = read_log(log(f"time,key\n1,a\n{time},b\n2,c\n", "t.csv"))
    assert urls(trace) == ["a", "c"]
    assert (trace.skipped.lines, trace.skipped.reason) == (1, "no time")


def test_a_stream_sorts_when_asked(log):
    pieces = list(LogStream(log("time,key\n3,c\n1,a\n2,b\n", "t.csv"), sort=True))
    assert [t for p in pieces for t in p.time_s] == [1, 2, 3]


@pytest.mark.parametrize(("factor", "unit"), [(1, None), (1e3, "ms"), (1e6, "us"), (1e9, "ns")])
def test_finer_units_than_seconds_are_detected_and_said(log, factor, unit):
    rows = "".join(f"{int((1.7e9 + i) * factor)},a\n" for i in range(3))
    trace = read_log(log("time,key\n" + rows, "t.csv"))
    assert trace.time_s.tolist() == [1.7e9, 1.7e9 + 1, 1.7e9 + 2]
    assert any("times are in" in note for note in trace.notes) == (unit is not None)


def test_a_log_without_times_gets_the_stated_rate(log):
    trace = read_log(log("a\nb\n", "t.keys"), Reading(requests_per_s=4))
    assert trace.time_s.tolist() == [0, 0.25]


def test_a_line_that_is_no_json_costs_itself_whatever_stands_before_and_after_it(log, monkeypatch):
    """The query is asked in haste until the first such line, and with care from then on."""
    monkeypatch.setattr(source, "BLOCK", 1 << 12)
    good = json.dumps({"ts": 1_760_000_000, "url": "/a", "agent": "x" * 100})
    rows = [good] * 100 + ["{broken"] + [good] * 100 + ["null"] + [good] * 100
    trace = read_log(log("\n".join(rows) + "\n", name="day.ndjson"))
    assert len(trace) == 300
    assert trace.account.rows == 302
    assert trace.skipped.first_line == 101
