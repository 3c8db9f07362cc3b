"""Files beside wrangler's that deploy Workers, and so may declare what these are given."""

import re
from collections.abc import Mapping

_NAMES = re.compile(
    r"\.(?:tf|tf\.json|tofu|sh)$"  # terraform, scripts
    r"|^Pulumi\b.*\.ya?ml$"
    r"|^(?:alchemy\.run|sst\.config)\.\w+$"
)
_SOURCES = re.compile(r"\.[cm]?[jt]s$")
_TOOLS = re.compile(r"[\"'](?:@pulumi/cloudflare|@?cdktf/[\w-]*cloudflare|alchemy/cloudflare)\b")
_AT_THE_HEAD = 4_000  # characters in which a program imports what it deploys with


def may_deploy(name: str) -> bool:
    """Whether a file of this name is worth reading: its text decides of sources."""
    return bool(_NAMES.search(name) or _SOURCES.search(name))


def deploys(name: str, source: str) -> bool:
    return bool(_NAMES.search(name) or _TOOLS.search(source, 0, _AT_THE_HEAD))


def naming(name: str, deploying: Mapping[str, str]) -> str:
    """The first of these files, by path, that has the name as a word of its own; or none."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    return next((file for file, text in sorted(deploying.items()) if word.search(text)), "")
