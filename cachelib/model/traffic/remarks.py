"""What a decision must not be silent about: of a log, and of what chance has put somewhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from cachelib.model.traffic.account import THE_FILTER, Account, Kind, Remark, UnansweredError
from cachelib.model.traffic.clocks import put_back
from cachelib.model.traffic.durations import duration, each_time
from cachelib.model.traffic.generator import homes
from cachelib.model.traffic.log_reading import SAMPLED_KEYS, Reading
from cachelib.model.traffic.trace import Trace
from cachelib.model.traffic.unsaid import unsaid
from cachelib.model.traffic.workload import MONTH_S, Workload
from cachelib.plural import plural

HASHED = re.compile(r"[0-9a-f]{12,}|\d+")
FEW = 30
"""Requests below which nothing can be said."""
SMALL = 1_000
DAY_S = 86_400
WEEK_S = 6.9 * DAY_S
"""From the first request of a week to its last, nearly."""
LEFT_OUT = "a note of wrangler tail that it leaves out requests"
"""The reason in `formats.yaml` that says so."""
MATERIAL = 0.01
"""The share of requests above which an open question has to be answered."""
MUCH = 0.1
"""The share of rows above which what was left out has to be said."""


@dataclass(frozen=True)
class Use:
    """What is to be made of a log, and which kinds of open questions make it false.

    `asks`: for each such kind, the answer to ask for where the remark itself has none.
    """

    name: str
    asks: Mapping[Kind, str]


# One table for all commands: whoever makes something of a log asks for one of these.
CURVE = Use("a count of hits", {"sampled": "", "undecided": ""})
"""Hits by the order of requests alone: of times and places it knows nothing."""
REPLAY = Use("a count of hits where values expire", {**CURVE.asks, "invented": ""})
REPLAY_BY_PLACE = Use(
    "a count of hits by data centre",
    {
        **REPLAY.asks,
        "one-placed": "Say which column names it (--column colo=NAME), or leave out --by-colo.",
    },
)
SHARED_TRACE = Use("a trace that others read", REPLAY.asks)
MONTH = Use("a month's bill", {"invented": "", "short": "", "clock": ""})
"""Beside what the counts need that are made into a month."""
DECISION = Use("a decision", {**REPLAY.asks, **MONTH.asks})
FIT = Use("a workload", DECISION.asks)


def remarks(
    account: Account | None, reading: Reading, *, ttl_s: float = 0.0, places: Collection[str] = ()
) -> tuple[Remark, ...]:
    """Of a log: what was invented, mixed, put in one place, sampled, left out, too short.

    `ttl_s`: the longest life that a design gives a value, in seconds; `places`: the case's data
    centres, where there is a case. Empty for generated traffic.
    """
    if account is None:
        return ()
    found = [
        *_times(account, reading),
        *_places(account, places),
        *_sampling(account, reading),
        *_kinds(account),
        *unsaid(account),
        *_keys(account),
        *_length(account, ttl_s),
    ]
    return tuple(found)


def answered(found: tuple[Remark, ...], use: Use = DECISION) -> tuple[Remark, ...]:
    """The remarks, if none of them makes this use false; raises `UnansweredError` otherwise."""
    if open_ := unanswered(found, use):
        told = "\n".join(f"- {remark.says} {remark.answer}" for remark in open_)
        raise UnansweredError(f"the log does not carry {use.name} yet:\n{told}")
    return found


def unanswered(found: tuple[Remark, ...], use: Use) -> tuple[Remark, ...]:
    """The remarks that make this use false, each with what has to be said first."""
    return tuple(
        replace(remark, answer=answer)
        for remark in found
        if (answer := remark.answer or use.asks.get(remark.kind, "")) and remark.kind in use.asks
    )


def in_words(found: tuple[Remark, ...]) -> list[str]:
    """For commands that only look: each remark, with the answer that a decision would need."""
    return [" ".join(filter(None, (remark.says, remark.answer))) for remark in found]


def _times(account: Account, reading: Reading) -> list[Remark]:
    found = []
    if account.untimed:
        rate = reading.requests_per_s or 1.0
        answer = "" if account.rate_given else (
            "Say how many requests a second it stands for: requests_per_s in the case's log"
            " section, or --rate."
        )  # fmt: skip
        found.append(
            Remark(
                "invented", f"The log has no times; a rate of {rate:g} a second is assumed.", answer
            )
        )
    if len(account.units) > 1:
        told = " and ".join(
            f"{n:,} {'as dates' if unit == 'text' else 'in ' + unit}"
            for unit, n in account.units.items()
        )
        found.append(Remark("mixed", f"The log's times are written in several ways: {told}."))
    return [*found, *put_back(account, MATERIAL)]


def _places(account: Account, places: Collection[str]) -> list[Remark]:
    if not account.unplaced:
        return []
    which = (
        "The log names no data centre"
        if account.unplaced == account.requests
        else f"{account.unplaced:,} of {_requests(account.requests)}"
        f" {plural(account.unplaced, 'names', 'name')} no data centre"
    )
    put = "spread over those of the case at random, by its weights"
    if len(places) == 1:
        put = f"taken to come from the only one of the case, {next(iter(places))}"
    return [Remark("one-placed", f"{which}: for a decision, these requests are {put}.")]


def _sampling(account: Account, reading: Reading) -> list[Remark]:
    share = f"{100 * reading.rate:g} per cent"
    said = f" ({reading.sample_rate_from})" if reading.sample_rate_from else ""
    if reading.rate < 1 and reading.sampled_by == "key":
        return [
            Remark(
                "sampled",
                f"The log holds the requests for {share} of the keys{said}; what is said of a month"
                " is scaled to all of them.",
            )
        ]
    if reading.rate < 1:
        return [
            Remark(
                "sampled",
                f"The log holds {share} of the requests, at random{said}; the others are drawn from"
                f" a model fitted to it{_off(account)}.",
            )
        ]
    if reading.sample_rate is not None:
        return []
    return [*_marks(account), *_tail(account)]


def _off(account: Account) -> str:
    error = 100 * account.sampling_error
    return f", by which a hit ratio may be off by {error:.1f} points" if error else ""


def _marks(account: Account) -> list[Remark]:
    """A column of the log says that it is a sample."""
    marks = {value: n for value, n in account.sampled.items() if value > 0 and value != 1}
    if not marks:
        return []
    column = account.mapping.get("sampling", "a column")
    by_key = column == SAMPLED_KEYS
    of, more = ("keys", (" with sampled_by: key", " --sampled-by key")) if by_key else (
        "requests", ("", ""))  # fmt: skip
    if len(account.sampled) > 1:
        return [
            Remark(
                "sampled",
                f"The log is a sample of a rate that changes: {column} has"
                f" {len(account.sampled):,} values, from {min(account.sampled):g} to"
                f" {max(account.sampled):g}.",
                "Give a log that is whole or of one rate, or say which rate it is taken for:"
                " sample_rate in the case's log section, or --sample-rate.",
            )
        ]
    (value,) = marks
    rate = value if value < 1 else 1 / value
    return [
        Remark(
            "sampled",
            f"The log is a sample: {column} is {value:g} throughout, which is"
            f" {100 * rate:.3g} per cent of the {of}.",
            f"Say so, sample_rate: {rate:.6g}{more[0]} in the case's log section, or --sample-rate"
            f" {rate:.6g}{more[1]}; or sample_rate: 1, if that column means something else.",
        )
    ]


def _tail(account: Account) -> list[Remark]:
    if account.filtered.get(LEFT_OUT):
        return [
            Remark(
                "sampled",
                "The log was saved from wrangler tail, which says in it that there were too many"
                " requests and that it left some out.",
                "Take the requests from Workers Logs or Logpush, or say what share they are:"
                " sample_rate in the case's log section, or --sample-rate.",
            )
        ]
    if account.format == "wrangler-tail":
        return [
            Remark(
                "sampled",
                "The log was saved from wrangler tail, which leaves out requests when there are"
                " many and does not write how many; it is taken for the whole.",
            )
        ]
    return []


_POSTS = "are POST and count as reads"


def _kinds(account: Account) -> list[Remark]:
    found = []
    if account.undecided:
        share = account.undecided / account.requests
        answer = "" if share <= MATERIAL else (
            "Say what they are: methods: {POST: read}, write or ignore in the case's log section,"
            " or --method POST=ignore (for a report, -p methods.POST=ignore)."
        )  # fmt: skip
        found.append(
            Remark(
                "undecided",
                f"{account.undecided:,} of {_requests(account.requests)}"
                f" {plural(account.undecided, 'is a POST and counts as a read', _POSTS)}, which"
                " no cache answers unless it is told to.",
                answer,
            )
        )
    if lost := sum(account.skipped.values()):
        reason = max(account.skipped, key=lambda name: account.skipped[name])
        found.append(
            Remark("skipped", f"{lost:,} of {_rows(account)} could not be read ({reason}).")
        )
    if account.twins > MATERIAL * account.rows:
        found.append(
            Remark(
                "twice",
                f"{account.twins:,} of {_rows(account)} {plural(account.twins, 'says', 'say')} what"
                " another says, to the letter:"
                " if each has an id, or a time finer than a second, they were delivered twice, and"
                " count twice here.",
            )
        )
    return [*found, *_left_out(account)]


def _left_out(account: Account) -> list[Remark]:
    """Rows that were understood and are no requests; those that the user filtered he knows of."""
    filtered = {why: n for why, n in account.filtered.items() if why not in (THE_FILTER, LEFT_OUT)}
    total = sum(filtered.values())
    if total <= MUCH * account.rows:
        return []
    reason = max(filtered, key=lambda why: filtered[why])
    return [
        Remark(
            "filtered",
            f"{total:,} of {_rows(account)} {plural(total, 'is', 'are')} left out, since no cache"
            f" answers {plural(total, 'it', 'them')}; of"
            f" most, or of many, the reason is: {reason} ({filtered[reason]:,}).",
        )
    ]


def _keys(account: Account) -> list[Remark]:
    if account.tracked <= MATERIAL * account.keys:
        return []
    return [
        Remark(
            "keys",
            f"{account.tracked:,} of {account.keys:,} {plural(account.keys, 'key')}"
            f" {plural(account.tracked, 'carries', 'carry')} parameters that follow a reader,"
            f" such as utm_source or fbclid, and {plural(account.tracked, 'is', 'are')} a page of"
            " their own for each: normalise:"
            " [no-tracking-parameters] in the case's log section, or --normalise"
            " no-tracking-parameters, drops them.",
        )
    ]


def keys_unlike(trace: Trace, prefix: str) -> list[Remark]:
    """Whether a log asks for other things than the case is about, whose keys have a `prefix`."""
    hashed = all(HASHED.fullmatch(key) for key in trace.keys)
    if len(prefix.strip("/")) < 2 or hashed or not len(trace):
        return []
    alike = np.array([prefix in key for key in trace.keys])
    of = int(alike[trace.key].sum())
    if of >= len(trace) / 2:
        return []
    return [
        Remark(
            "unlike",
            f"{_counted(of)} of the log's {_requests(len(trace))} {plural(of, 'is', 'are')} for"
            f" keys with {prefix} in"
            " them, as the case's keys are; what is said here is of all its keys. With where in the"
            " case's log section it would be of some.",
        )
    ]


def _length(account: Account, ttl_s: float) -> list[Remark]:
    n, span = account.requests, account.span_s
    if n < FEW:
        return [
            Remark(
                "short",
                f"The log holds {_requests(n)}, too few to say anything of a month.",
                "Give a longer log, or describe the traffic in the case's workload section.",
            )
        ]
    found = []
    if n < SMALL:
        found.append(Remark("short", f"The log holds no more than {_requests(n)}."))
    if span < WEEK_S:
        alike = "hours and days" if span < DAY_S else "days"
        found.append(
            Remark(
                "short",
                f"The log covers {duration(span)}; a month is made of it as if all {alike} were"
                " alike.",
            )
        )
    if ttl_s > span:
        life, lasts = duration(ttl_s), duration(span)
        than = "as long as the log lasts" if life == lasts else f"longer than the log's {lasts}"
        found.append(
            Remark(
                "short",
                f"Values may live for {life}, {than}: it cannot tell how often one is asked for"
                " again after it ends, nor how many were there before it began. Hit ratios at such"
                " lives are guesses: that what was asked for twice in it had been asked for before,"
                " too, and what was asked once had not.",
            )
        )
    return found


def _counted(n: int) -> str:
    return f"{n:,}" if n else "None"


def _requests(n: int) -> str:
    return f"{n:,} {plural(n, 'request')}"


def _rows(account: Account) -> str:
    return f"{account.rows:,} {plural(account.rows, 'row')}"


def too_short_for(clock_s: float, lasts_s: float) -> Iterator[Remark]:
    """What is asked by a clock more slowly than the simulated part of a month lasts."""
    if lasts_s < min(clock_s, MONTH_S):
        yield Remark(
            "clock",
            f"What is simulated is {lasts_s / 3_600:,.3g} h of so much traffic, less than"
            f" the {clock_s / 3_600:,.3g} h in which all that the case asks by a clock is asked"
            " once: what hangs on that, loads, writes and answers that are out of date among them,"
            " is not told by these numbers.",
        )


def writers_placed(workload: Workload, seed: int) -> Iterator[Remark]:
    """Of generated traffic: where chance has put writers that are few, which decides whose copies
    they make anew at once."""
    for schedule, places in zip(workload.asking, homes(workload, seed), strict=True):
        left_to_chance = schedule.op == "write" and schedule.colo is None
        if left_to_chance and len(places) < len(workload.colos):
            yield Remark(
                "drawn",
                f"What writes every {each_time(schedule.every_s)} does so from"
                f" {' and '.join(places)}, where chance has put it: another place may be told more"
                " old answers, and this one fewer. If you know from where it writes, say so in the"
                " case, in the line of its schedule.",
            )
