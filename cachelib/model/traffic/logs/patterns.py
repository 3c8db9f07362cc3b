"""What a user may call a format: a name, or a log_format as nginx or Apache have it."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

from cachelib.errors import CachelibError
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs.formats import Format, formats
from cachelib.model.traffic.logs.source import LogError

CONTAINERS = ("json", "csv", "tsv", "parquet")

# Apache's directives (httpd.apache.org/docs/2.4/mod/mod_log_config.html) by nginx's names.
APACHE = {
    "h": "remote_addr", "a": "remote_addr", "l": "ident", "u": "remote_user", "r": "request",
    "s": "status", "b": "body_bytes_sent", "B": "body_bytes_sent", "O": "bytes_sent",
    "U": "uri", "q": "query", "m": "request_method", "v": "host", "V": "host", "D": "microseconds",
    "T": "seconds", "H": "protocol", "p": "port", "I": "bytes_received", "k": "keepalive",
    "X": "connection", "P": "process", "L": "log_id", "f": "file",
}  # fmt: skip
HEADERS = {
    "user-agent": "http_user_agent", "referer": "http_referer", "host": "http_host",
    "content-type": "sent_http_content_type", "set-cookie": "sent_http_set_cookie",
    "authorization": "http_authorization",
}  # fmt: skip
ROLES: dict[str, tuple[str, ...]] = {
    "time": ("msec", "time_iso8601", "time_local", "time"),
    "key": ("request_uri", "request", "uri"),
    "method": ("request_method", "request"),
    "status": ("status",),
    "host": ("http_host", "host", "server_name"),
    "size": ("body_bytes_sent", "bytes_sent"),
    "cache": ("upstream_cache_status",),
    "content_type": ("sent_http_content_type",),
    "agent": ("http_user_agent",),
    "authorization": ("http_authorization",),
    "set_cookie": ("sent_http_set_cookie",),
}
OF_REQUEST = {"key": "http_url({request})", "method": "http_method({request})"}


class PatternError(CachelibError, ValueError):
    """A log_format that cannot be read by."""


def is_pattern(text: str) -> bool:
    """Whether a format's name is no name but a log_format."""
    return "$" in text or "%" in text


def pattern(log_format: str, said: Collection[str] = ()) -> Format:
    """The format that a log_format describes; raises `PatternError`.

    `said`: which of time and key are known otherwise, so that the format need not have them.
    """
    text = _as_nginx(log_format)
    names: list[str] = []
    regex = "^"
    at = 0
    for found in re.finditer(r"\$(?:\{(\w+)\}|(\w+))", text):
        regex += _literal(text[at : found.start()])
        at = found.end()
        name = (found[1] or found[2]).lower()
        after = _after(text, at, name)
        if name in names:
            regex += _field(name, after)
        else:
            names.append(name)
            regex += f"(?P<{name}>{_field(name, after)})"
    regex += _literal(text[at:])
    roles = {
        role: tuple(
            OF_REQUEST[role] if name == "request" else name for name in known if name in names
        )
        for role, known in ROLES.items()
        if any(name in names for name in known)
    }
    if missing := {"time", "key"} - {*roles, *said}:
        raise PatternError(
            f"{log_format!r} says not where the {'time' if 'time' in missing else 'URL'} is:"
            " $time_local, $time_iso8601 or $msec; $request or $request_uri (Apache: %t, %r). Other"
            " names do with --column time=NAME and --key NAME, a log without times with --rate"
        )
    return Format(name="log_format", title=log_format, kind="line", regex=regex, roles=roles)


def _after(text: str, at: int, name: str) -> str:
    """The letter at which a field ends; a URL without its host begins with a slash."""
    if text[at : at + 1] != "$":
        return text[at : at + 1]
    if re.match(r"\$\{?(request_)?uri\b", text[at:]):
        return "/"
    following = re.sub(r"^\$\{?(\w*).*", r"\1", text[at:])
    raise PatternError(
        f"{text!r} puts nothing between ${name} and ${following}, so that nobody can tell where the"
        f" one ends: give both one name, as ${name}_{following}"
    )


def _field(name: str, after: str) -> str:
    if name == "time_local" and after in (" ", ""):
        return r"\S+ [-+]\d{4}"
    if after == '"':
        return r'(?:[^"\\]|\\.)*'
    if after == "]":
        return r"[^\]]*"
    return f"[^{re.escape(after)}]*" if after and after not in "\r\n" else r"\S*"


def _literal(text: str) -> str:
    return re.sub(r"(?:\\ | )+", " +", re.escape(text))


def _as_nginx(text: str) -> str:
    text = text.replace('\\"', '"')
    if "%" not in text or "$" in text:
        return text
    text = re.sub(r"%(?:[<>]|[!\d,]+)*\{([^}]+)\}([a-zA-Z]+)", _header, text)
    text = re.sub(r"\[?%[<>]?t\]?", "[$time_local]", text)
    return re.sub(r"%(?:[<>]|[!\d,]+)*([a-zA-Z])", _directive, text)


def _header(found: re.Match[str]) -> str:
    name, kind = found[1], found[2]
    if kind == "t":
        return "$msec" if name == "sec" else "$time"
    known = HEADERS.get(name.lower(), "header_" + re.sub(r"\W", "_", name.lower()))
    return f"${known}"


def _directive(found: re.Match[str]) -> str:
    if found[1] not in APACHE:
        raise PatternError(f"the directive %{found[1]} of Apache's LogFormat is unknown")
    return f"${{{APACHE[found[1]]}}}"


def known_names() -> list[str]:
    return ["auto", *formats(), *CONTAINERS]


def named_format(reading: Reading) -> Format | None:
    """The format of a reading's name, None where any fits; raises `LogError` where none has it."""
    name = reading.format
    if name in formats():
        return formats()[name]
    if is_pattern(name):
        rate = reading.requests_per_s is not None
        try:  # what is said otherwise need not be in it
            return pattern(name, {*reading.expressions, *(["time"] if rate else [])})
        except PatternError as error:
            raise LogError(f"format: {error}") from None
    if name not in ("auto", *CONTAINERS):
        near = get_close_matches(name, known_names(), n=1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        raise LogError(
            f"format: {name!r} is unknown; {guess}known: {', '.join(known_names())};"
            " or a log_format of nginx or Apache"
        )
    return None
