"""The traffic in the words of the report: how much, of what, and where it is from."""

from __future__ import annotations

from typing import Any

from cachelib.model.formulas import estimate
from cachelib.model.judgement.study import Study
from cachelib.model.traffic.durations import each_time
from cachelib.report import language
from cachelib.report.numbers import shown

UNLIKE = 0.05  # of what memory finds: by how much less it is told


def _unlike(study: Study) -> dict[str, float] | None:
    """What memory in each isolate finds of the keys that stand for all, and of all, by formula."""
    if study.sample.keys == 1:
        return None
    alone = study.design("l1-only")
    some, every = (
        float(estimate(alone, at).l1[0]) for at in (study.setting_of_sample, study.setting)
    )
    return {"some": some, "every": every} if abs(some - every) > UNLIKE * every else None


def traffic(study: Study) -> dict[str, Any]:
    """The traffic in the words of the report."""
    trace = study.trace
    return {
        "requests": len(trace),
        "distinct_keys": len(set(trace.key.tolist())),
        "time": language.duration(86_400 * study.days),
        "sample": study.sample.in_words,
        "why_sampled": study.why_sampled,
        "unlike": _unlike(study),
        "remarks": [remark.says for remark in study.remarks],
        "colos": [colo or "not said" for colo in trace.colos],
        "is_log": bool(study.log),
        "source": _source(study),
        "skipped": trace.skipped.lines,
        "first_skipped": trace.skipped.first_line,
    }


def unlisted(study: Study, chosen: str | None) -> list[str]:
    """How often there is what lists keys, which a chosen option has no tier for."""
    lists = [each for each in study.case.workload.schedules if each.op == "list"]
    store = study.case.design(chosen).store if chosen else None
    has_keys = chosen is None or (store is not None and store.listing)
    return [] if has_keys else [each_time(each.every_s) for each in lists]


def emptied(study: Study, chosen: str | None) -> dict[str, Any] | None:
    """How often caches are emptied, of which a chosen option has none; or what outlasts that."""
    rounds = [each_time(each.every_s) for each in study.case.workload.purging]
    if not rounds or study.log or chosen is None:
        return None
    design, kv_s = study.case.design(chosen), study.platform.kv_cache_ttl_s
    return {
        "every": rounds,
        "nothing": not design.shared,
        "memory": design.l1 and not design.listen,
        "kv": language.duration(kv_s) if design.l2 == "kv" and kv_s else "",
    }


def pages(study: Study) -> dict[str, Any]:
    """Requests that come together as the load of a page, and whether a limit holds one by one."""
    untold = "no page was simulated whole and apart from others"
    if study.log:
        untold = "in a log no page is told from other requests"
    elif study.sample.keys < 1:
        untold = "only some of the keys were simulated, and so of a page a part of its requests"
    return {
        "requests": study.case.workload.page_requests,
        "limited": any(limit.metric.endswith("_ms") for limit in study.case.criteria.limits),
        "untold": untold,
    }


def _source(study: Study) -> str:
    """Where the requests are from."""
    reading, account = study.case.log, study.trace.account
    if not study.log:
        return "generated as the case says"
    if account is None or reading.rate == 1:
        return "as logged"
    share = shown(reading.rate, "ratio")
    if reading.sampled_by == "key":
        return f"as logged for {share} of the keys"
    return f"of which {shown(account.requests)} were logged, {share} of them, and the others drawn"
