"""What a request of a log is, and that every row is accounted for."""

import itertools
import json

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from cachelib.model.traffic.account import Account, AccountError, UnansweredError
from cachelib.model.traffic.logs import LogError, Reading, read_log
from cachelib.model.traffic.logs.description import described
from cachelib.model.traffic.logs.recipes import macros
from cachelib.model.traffic.logs.requests import in_runs, one_of
from cachelib.model.traffic.logs.trying import recipes_tried
from cachelib.model.traffic.remarks import answered, remarks
from cachelib.model.traffic.trace import DELETE, READ, WRITE
from cachelib.report.document.log_page import log_page


@pytest.fixture
def logpush(tmp_path):
    """A Logpush file with a row for each keyword-given difference from an ordinary request."""

    def write(*rows):
        plain = {"EdgeStartTimestamp": 1760000000, "ClientRequestURI": "/a",
                 "ClientRequestMethod": "GET", "EdgeResponseStatus": 200}  # fmt: skip
        path = tmp_path / "log.ndjson"
        path.write_text("".join(json.dumps(plain | row) + "\n" for row in rows))
        return path

    return write


def counted(path, reading=None):
    account = read_log(path, reading).account
    told = account.requests + sum(account.filtered.values()) + sum(account.skipped.values())
    assert told == account.rows
    return account


def test_methods_are_reads_writes_and_deletes(logpush):
    methods = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "PURGE")
    trace = read_log(logpush(*({"ClientRequestMethod": m} for m in methods)))
    assert trace.op.tolist() == [READ, READ, WRITE, WRITE, DELETE, DELETE]


@pytest.mark.parametrize("method", ["OPTIONS", "CONNECT", "TRACE", "PROPFIND"])
def test_other_methods_are_no_business_of_a_cache(logpush, method):
    account = counted(logpush({}, {"ClientRequestMethod": method}))
    assert account.filtered == {f"method {method}": 1}


@pytest.mark.parametrize("status", [307, 401, 403, 429, 499, 500, 503])
def test_answers_that_no_cache_keeps_are_counted_and_ignored_until_said_otherwise(logpush, status):
    path = logpush({}, {"EdgeResponseStatus": status})
    assert counted(path).filtered == {f"status {status}": 1}
    assert counted(path, Reading(statuses={status: "read"})).requests == 2


def test_a_write_that_failed_changed_nothing(logpush):
    path = logpush({}, {"ClientRequestMethod": "PUT", "EdgeResponseStatus": 500})
    assert counted(path).filtered == {"a write that failed": 1}


@pytest.mark.parametrize(
    "row",
    [
        {"ClientRequestSource": "edgeWorkerFetch"},
        {"WorkerSubrequest": True},
        {"ParentRayID": "8f1"},
    ],
)
def test_a_subrequest_is_part_of_its_parent(logpush, row):
    path = logpush({"ParentRayID": "00", "ClientRequestSource": "eyeball"}, row)
    assert counted(path).filtered == {"a subrequest": 1}
    assert counted(path, Reading(keep=("subrequests",))).requests == 2


def test_streams_are_not_cacheable(logpush):
    path = logpush({}, {"EdgeResponseContentType": "text/event-stream; charset=utf-8"})
    assert counted(path).filtered == {"a stream (text/event-stream)": 1}


def test_a_post_is_a_question_that_a_decision_needs_answered(logpush):
    path = logpush(*([{"ClientRequestMethod": "POST"}] * 40))
    with pytest.raises(UnansweredError, match=r"40 of 40 requests are POST.*--method POST=ignore"):
        answered(remarks(read_log(path).account, Reading()))
    reading = Reading(methods={"POST": "read"})
    assert not any(r.kind == "undecided" for r in remarks(read_log(path, reading).account, reading))
    with pytest.raises(LogError, match="40 method POST"):
        read_log(path, Reading(methods={"POST": "ignore"}))


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
def test_what_may_be_a_write_is_not_ignored_for_how_it_succeeded(logpush, method, status):
    path = logpush({}, {"ClientRequestMethod": method, "EdgeResponseStatus": status})
    account = counted(path)
    assert (account.requests, account.filtered) == (2, {})
    assert account.undecided == (method == "POST")
    said = Reading(methods={method: "delete" if method == "DELETE" else "write"})
    assert read_log(path, said).op.tolist() == [READ, DELETE if method == "DELETE" else WRITE]


def test_a_post_that_is_said_to_read_is_held_to_a_read_s_statuses(logpush):
    path = logpush({}, {"ClientRequestMethod": "POST", "EdgeResponseStatus": 201})
    assert counted(path, Reading(methods={"POST": "read"})).filtered == {"status 201": 1}
    assert counted(path, Reading(statuses={201: "ignore"})).filtered == {"status 201": 1}
    failed = logpush({}, {"ClientRequestMethod": "POST", "EdgeResponseStatus": 422})
    assert counted(failed).filtered == {"status 422": 1}


def test_hosts_are_part_of_the_key_where_there_are_several(logpush):
    hosts = ("a.example", "B.example", "a.example")
    trace = read_log(logpush(*({"ClientRequestHost": host} for host in hosts)))
    assert [trace.keys[k] for k in trace.key] == ["a.example/a", "b.example/a", "a.example/a"]
    assert read_log(logpush({"ClientRequestHost": "a.example"})).keys == ["/a"]


def test_an_unknown_data_centre_costs_its_row_and_is_named(logpush):
    path = logpush(*([{"EdgeColoCode": "LHR"}] * 5), {"EdgeColoCode": "QQQ"})
    account = counted(path)
    assert account.skipped == {"an unknown data centre 'QQQ'": 1}
    assert read_log(path).skipped.first_line == 6


def test_each_rows_time_has_its_own_unit(logpush):
    stamps = (1760000000, 1760000001000, 1760000002000000000, "2025-10-09T08:53:23Z")
    trace = read_log(logpush(*({"EdgeStartTimestamp": stamp} for stamp in stamps)))
    assert np.diff(trace.time_s).tolist() == [1, 1, 1]
    assert [r.kind for r in remarks(trace.account, Reading())].count("mixed") == 1


@pytest.mark.parametrize("quote", ['7,"/p7', '7,/p"7', '"7,/p7', '7,"/p"7'])
def test_a_stray_quote_costs_no_other_row(tmp_path, quote):
    path = tmp_path / "t.csv"
    rows = [f"{i},/p{i}" for i in range(1000)]
    rows[7] = quote
    path.write_text("time,key\n" + "\n".join(rows) + "\n")
    account = counted(path)
    assert account.rows == 1000
    assert account.requests >= 999


def test_a_quoted_field_may_hold_line_ends(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('time,key\n1,"a\nb"\n2,c\n')
    assert read_log(path).keys == ["a\nb", "c"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_no_part_of_the_first_name(tmp_path, encoding):
    path = tmp_path / "t.csv"
    path.write_text("time,key\n5,a\n", encoding=encoding)
    assert read_log(path).time_s.tolist() == [5]


def test_a_table_without_a_time_asks_for_it_and_guesses(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("zeit,key\n2026-01-01 00:00:00,a\n")
    with pytest.raises(LogError, match=r"which column is the time.*--time-column zeit"):
        read_log(path)
    assert read_log(path, Reading(columns={"time": "zeit"})).time_s[0] == 1767225600


def test_an_invented_rate_is_answered_for(tmp_path):
    path = tmp_path / "t.keys"
    path.write_text("a\n" * 40)
    with pytest.raises(UnansweredError, match=r"no times.*--rate"):
        answered(remarks(read_log(path).account, Reading()))
    reading = Reading(requests_per_s=2)
    kinds = [remark.kind for remark in answered(remarks(read_log(path, reading).account, reading))]
    assert "invented" in kinds
    assert "one-placed" in kinds


def test_two_requests_make_no_month(logpush):
    path = logpush({}, {"EdgeStartTimestamp": 1760000004})
    with pytest.raises(UnansweredError, match="2 requests, too few to say anything of a month"):
        answered(remarks(read_log(path).account, Reading()))


def test_an_account_that_does_not_add_up_is_a_bug_and_said():
    with pytest.raises(AccountError, match="1 are lost"):
        Account(format="x", why="", rows=3, requests=1, filtered={"f": 1})


def test_each_file_counts_once(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("time,key\n1,a\n")
    assert len(read_log([path, path, tmp_path, tmp_path / "*.csv"])) == 1


def test_recipes_make_keys_alike(logpush):
    urls = ("/users/1?b=2&a=1&utm_source=x", "/users/22?a=1&b=2", "/users/3/")
    path = logpush(*({"ClientRequestURI": url} for url in urls))
    recipes = ("no-tracking-parameters", "sorted-parameters", "path-templates", "no-trailing-slash")
    assert set(read_log(path, Reading(normalise=recipes)).keys) == {
        "/users/:id?a=1&b=2", "/users/:id",
    }  # fmt: skip
    tried = recipes_tried(path)
    assert (tried["no-parameters"]["keys_before"], tried["path-templates"]["keys_after"]) == (3, 3)


def test_the_functions_of_recipes_may_be_used_in_expressions(logpush):
    reading = Reading(key="path_templates(no_parameters(ClientRequestURI))")
    assert read_log(logpush({"ClientRequestURI": "/u/7?x"}), reading).keys == ["/u/:id"]


def test_a_description_says_what_became_of_every_row(logpush):
    told = described(logpush({}, {"EdgeResponseStatus": 503}, {"EdgeStartTimestamp": "noon"}))
    json.dumps(told, allow_nan=False)
    assert told["rows"] == 3 == told["requests"] + 2
    assert (told["filtered"], told["skipped"]) == ({"status 503": 1}, {"no time": 1})
    assert told["format"] == "logpush"
    assert told["mapping"]["key"] == "ClientRequestURI"
    assert told["top_keys"] == {"/a": 1}


def test_a_description_counts_hosts_bots_and_subrequests_of_all_rows_that_were_read(logpush):
    bot = {"ClientRequestHost": "A.example", "ClientRequestUserAgent": "Googlebot/2.1"}
    reader = {"ClientRequestHost": "b.example", "ClientRequestUserAgent": "Mozilla/5.0"}
    worker = {"ClientRequestHost": "b.example", "ClientRequestSource": "edgeWorkerFetch"}
    refused = {"ClientRequestHost": "a.example", "EdgeResponseStatus": 503}
    told = described(logpush(bot, reader, worker, refused), Reading(key="ClientRequestURI"))
    assert told["host"] == {"a.example": "2 (50.0%)", "b.example": "2 (50.0%)"}
    assert told["subrequest"] == {"not said to be": "3 (75.0%)", "yes": "1 (25.0%)"}
    assert told["bot"] == {
        "(empty)": "2 (50.0%)",
        "a bot, by its name": "1 (25.0%)", "no bot, by its name": "1 (25.0%)",
    }  # fmt: skip
    assert set(log_page(told)["shares"]) >= {"host", "who asks", "asked by a Worker itself"}


@pytest.mark.parametrize("what", ["host", "bot"])
def test_a_description_counts_nothing_that_the_log_does_not_say(logpush, what):
    assert what not in described(logpush({}))


def test_a_request_of_three_words_is_cut_as_any_other() -> None:
    """The quick way of `http_url` and the general one, over all short requests of awkward parts."""
    parts = ["", "a", " ", "HTTP/", "HTTP/1.0", "é", "\t"]
    requests = ["".join(each) for n in range(6) for each in itertools.product(parts, repeat=n)]
    with duckdb.connect() as db:
        for statement in macros():
            db.execute(statement)
        db.register("given", pa.table({"r": [*requests, None]}))
        found = db.sql("SELECT r, http_method(r), http_url(r) FROM given").fetchall()
    for request, method, url in found:
        if request is None:
            assert (method, url) == (None, None)
            continue
        verb, blank, rest = request.partition(" ")
        assert (method, url) == (verb, (rest.split(" HTTP/")[0] or None) if blank else None)


def test_runs_hold_their_numbers_and_no_other() -> None:
    subsets = [set(each) for n in range(1, 7) for each in itertools.combinations(range(6), n)]
    with duckdb.connect() as db:
        for numbers in subsets:
            said = f"SELECT {in_runs('n', numbers)}, {one_of('n', map(str, numbers))}"
            found = db.sql(f"{said} FROM generate_series(-1, 6) AS t(n)").fetchall()
            assert found == [(n in numbers, n in numbers) for n in range(-1, 7)]
    assert in_runs("n", []) == "(NULL)"
