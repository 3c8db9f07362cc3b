"""The vendor's own words for where objects and buckets are: location hints and jurisdictions.

Sources: developers.cloudflare.com/durable-objects/reference/data-location and
/r2/reference/data-location, read 2026-11-26. A hint asks for a region, of which one large city
stands for all; objects hinted sam, afr or me are created nearby instead. A jurisdiction keeps what
it holds inside; where there is said nowhere, so that the large cities of it stand for it.
"""

from __future__ import annotations

HINTS = {
    "wnam": "SJC", "enam": "IAD", "sam": "GRU", "weur": "FRA", "eeur": "WAW",
    "apac": "SIN", "oc": "SYD", "afr": "JNB", "me": "DXB",
}  # fmt: skip
JURISDICTIONS = {"eu": ("FRA", "WAW"), "fedramp": ("IAD", "SJC")}


def _cities(said: object) -> tuple[object, ...]:
    if not isinstance(said, str):
        return (said,)
    said = said.removeprefix("aws:")  # as `placement` has it: aws:us-east-1
    return JURISDICTIONS.get(said, (HINTS.get(said, said),))


def spelled_out(given: object) -> object:
    """What a case says of places, one or several, each hint and jurisdiction as airports."""
    if isinstance(given, str):
        return _cities(given)
    if not isinstance(given, list | tuple):
        return given
    return tuple(city for each in given for city in _cities(each))


def one_of(given: object) -> object:
    """The same of a single place; a jurisdiction's first city."""
    return _cities(given)[0]
