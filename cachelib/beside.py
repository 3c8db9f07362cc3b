"""The other package of this name: `cachelib` of the Pallets projects, which Flask-Caching needs.

Two packages cannot both be `import cachelib`. Where both are installed, one of them hides the
other, or lies in one folder with it; either is told before it does harm.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from os.path import abspath, dirname, exists, join

MARK = "simple.py"  # a module that theirs has and ours has not
THEIRS = frozenset({
    "BaseCache", "DynamoDbCache", "FileSystemCache", "MemcachedCache", "MongoDbCache",
    "NullCache", "RedisCache", "SimpleCache", "UWSGICache", "ValkeyCache",
})  # fmt: skip
HELP = (
    "The packages cachelib-decisions (this one) and cachelib (of the Pallets projects; "
    "Flask-Caching and Flask-Session need it) have one import name, so that one environment can "
    "have only one of them. Install them in two, or uninstall one: "
    "`pip uninstall cachelib cachelib-decisions`, then install the one you want"
)


def refuse_neighbour(paths: Iterable[str] | None = None) -> None:
    """ImportError if the other package could be imported, too."""
    for path in sys.path if paths is None else paths:
        place = join(path or ".", "cachelib", MARK)
        if exists(place):
            raise ImportError(f"{HELP}. The other one is in {dirname(abspath(place))}")


def explain(name: str) -> AttributeError | ImportError:
    """Why there is no `cachelib.NAME`: who asks may mean the other package."""
    if name in THEIRS:
        return ImportError(f"{name} is of another package. {HELP}")
    return AttributeError(f"module 'cachelib' has no attribute {name!r}")


refuse_neighbour()
