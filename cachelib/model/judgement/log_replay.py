"""A request log replayed through designs, with what each would be billed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cachelib.model.engines.replay import Engine, replay_pieces
from cachelib.model.engines.result import Result
from cachelib.model.engines.shards.binding import binding_of
from cachelib.model.engines.shards.cluster import Cluster
from cachelib.model.engines.shards.sample import Estimates, sampled_pieces
from cachelib.model.engines.shards.saying import Say, silent
from cachelib.model.judgement.sampled import as_numbers, summary, with_errors
from cachelib.model.judgement.sampled_log import log_summary, with_log_errors
from cachelib.model.money.prices import monthly_bill
from cachelib.model.platforms.platform import Platform, Routing
from cachelib.model.tiers.built_in import built_in
from cachelib.model.tiers.design import Expiry
from cachelib.model.traffic.logs import Reading, in_order
from cachelib.model.traffic.remarks import (
    CURVE,
    DECISION,
    MONTH,
    REPLAY,
    REPLAY_BY_PLACE,
    answered,
    in_words,
    remarks,
    unanswered,
)
from cachelib.model.traffic.trace import Trace, in_one_place

ENDS = ("l1_hits", "l2_hits", "origin_loads", "delayed_hits")


def replay_log(
    log: Path | Sequence[Path],
    *,
    isolates: int,
    routing: Routing,
    l1_ttl: float | None,
    l2_ttl: float | None,
    expiry: Expiry,
    origin_ms: float = 0.0,
    designs: Sequence[str] = ("l1-kv",),
    engine: Engine = "reference",
    by_colo: bool = False,
    reading: Reading | None = None,
    seed: int = 1,
    jobs: int = 1,
    cluster: Cluster | None = None,
    spool: Path | None = None,
    names: Path | None = None,
    say: Say = silent,
    sample: float | None = None,
    plan: str = "paid",
) -> dict[str, Any]:
    """A log, read piece by piece, through `isolates` L1 caches over one shared L2.

    By default all requests meet in one place and L2 is ideal, with no cache of its own in front
    and no limits. `by_colo`: on the platform as documented, `isolates` in each colo of the log.
    The counts are those of the first design; `designs` has every one in full, with a month's bill,
    or why the log does not say one. `origin_ms` is how long a load takes, in which others may wait
    for it or load, too; 0 for no time at all. On the `plan` free, a bill says what fails. `jobs`
    processors or a `cluster` work on shards of its keys; where a design's keys cannot be parted, it
    says so. `names`: a folder for those of the keys, where shards lie in one, too. `sample`: from
    so large a share of the keys, with an error beside each number, which a log that is a sample
    itself has anyway. Raises `UnansweredError` for a
    log whose counts would be false before somebody says something of it.
    """
    platform = Platform(
        profile="cloudflare-workers" if by_colo else "miniflare",
        isolates_per_colo=isolates,
        routing=routing,
        loads_take_time=origin_ms > 0,
        **({"origin_ms": origin_ms} if origin_ms > 0 else {}),
        **({} if by_colo else {"kv_min_ttl_s": 0}),
    )
    options = {"l1_ttl_s": l1_ttl, "l2_ttl_s": l2_ttl, "expiry": expiry}
    chosen = [built_in(name, **options) for name in designs]

    def run(pieces: Iterator[Trace]) -> list[Result] | list[Estimates]:
        placed = pieces if by_colo else map(in_one_place, pieces)
        if sample is not None:
            return sampled_pieces(placed, chosen, platform, sample, seed=seed)
        return replay_pieces(
            placed, chosen, platform, seed=seed, engine=engine, jobs=jobs, cluster=cluster,
            spool=spool, say=say,
        )  # fmt: skip

    shared = jobs > 1 or cluster is not None or spool is not None
    stream, results = in_order(log, reading, run, names)
    skipped = stream.coder.skipped
    found = remarks(
        stream.coder.account, stream.reading, ttl_s=max(l1_ttl or 0.0, l2_ttl or 0.0)
    )  # fmt: skip
    found = tuple(r for r in found if by_colo or r.kind != "one-placed")
    expires = l1_ttl is not None or l2_ttl is not None
    answered(found, REPLAY_BY_PLACE if by_colo else REPLAY if expires else CURVE)
    no_month = " ".join(remark.says for remark in unanswered(found, MONTH))

    part = stream.sample if by_colo or stream.sample is None else in_one_place(stream.sample)

    def told(result: Result) -> dict[str, Any]:
        # a tenth of the keys in a month are all of them in a tenth of it
        result = replace(result, span_s=result.span_s * stream.reading.of_keys)
        bill = no_month or monthly_bill(result, plan=plan).as_dict()
        bill = as_numbers(bill) if part is not None or sample is not None else bill
        parted = {"shards": binding_of(result.design, platform).words} if shared else {}
        return result.as_dict() | {"bill_per_month": bill} | parted

    def in_full_of(found: Result | Estimates) -> dict[str, Any]:
        if isinstance(found, Estimates):
            return with_errors(found, told)  # type: ignore[no-any-return]
        if part is None:
            return told(found)
        return with_log_errors(part, stream.reading, found, seed, told)

    in_full = [in_full_of(found) for found in results]
    first = results[0]
    said = summary(first, sample or 1.0) if isinstance(first, Estimates) else None
    said = said if part is None else dict(log_summary(stream.reading))
    return {
        "requests": _whole(first).requests if part is None else in_full[0]["requests"],
        "keys": stream.coder.account.keys if stream.coder.account else 0,
        **{name: in_full[0][name] for name in ENDS},
        "skipped_lines": skipped.lines,
        "first_skipped_line": skipped.first_line or 0,
        "first_skipped_reason": skipped.reason,
        "filtered": dict(stream.coder.filtered),
        "remarks": in_words(found),
        "carries_a_decision": not unanswered(found, DECISION),
        "notes": stream.coder.notes,
        **({} if said is None else {"sample": said}),
        "designs": in_full,
    }


def _whole(found: Result | Estimates) -> Result:
    return found.result if isinstance(found, Estimates) else found
