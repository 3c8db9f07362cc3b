"""What may be shown: identifiers shortened, anything that looks like a credential masked."""

import re
from collections.abc import Collection
from itertools import pairwise

MASK = "•••"
_SHOWN = 4


def shorten(value: str) -> str:
    """The first four characters of a long value; of a short one nothing."""
    return value[:_SHOWN] + "…" if len(value) >= 3 * _SHOWN else "…"


# A name that promises a secret, then the value it is given: quoted, or bare with a digit or sign.
_NAMED = re.compile(
    r"""(?ix) (?: passwo?r?d | passwd | passphrase | secret | token | credential
        | (?: api | access | account | private | auth | client | signing | encryption | master )
          [_-]? key | shared [_-]? access [_-]? signature ) [\w-]*
        ["']? \s* [=:] \s*
        (?P<secret> ["'`] [^"'`\n]{4,} ["'`]?
          | (?= [^\s"'`]* [\d!@#$%^&*+/=~-] ) [^\s"'`;,(){}\[\]<>.]{6,} (?![.(\[]) )"""
)
_SHAPED = re.compile(
    r"""(?x)
    -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----[\s\S]*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    | (?<=://) [^\s/:@"'`]* : [^\s/@"'`]+ (?=@)                        # user and password in a URL
    | (?i:(?<=\bbearer\s)|(?<=\bbasic\s)) [\w.~+/=-]{8,}
    | \b (?:AKIA|ASIA|AGPA|AIDA|AROA) [0-9A-Z]{12,}                    # AWS
    | \b (?:gh[opusr]|github_pat|glpat|npm|pypi|hf|dop_v1|shpat|sq0atp|sq0csp|xox[a-z]|xapp
        |sk|rk|pk|whsec|key|re|SG|AC|SK|ya29|v1\.0|lin_api|pat|cfut|cfat|figd|dapi)
      [_.-] [\w.-]{12,}
    | \b AIza [\w-]{20,}                                                # Google
    | \b (?:AC|SK) [0-9a-f]{32} \b                                      # Twilio
    | \b ey [\w-]{8,} \. [\w-]{8,} (?: \. [\w-]* )?                     # JSON web token
    | \b \d{6,12} : [\w-]{30,}                                          # Telegram
    | \b [\w-]{20,30} \. [\w-]{6} \. [\w-]{25,}                         # Discord
    | hooks\.slack\.com/services/ [\w/]+
    | \b [0-9a-f]{8} (?: -[0-9a-f]{4} ){3} -[0-9a-f]{12} \b             # UUID
    | \b [0-9a-fA-F]{24,} \b
    """
)
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{24,}")


def _looks_random(run: str) -> bool:
    """Letters and digits well mixed; in a long name they change less often."""
    classes = [
        "d" if c.isdigit() else "u" if c.isupper() else "l" if c.islower() else "-" for c in run
    ]
    numbers = sum(a != "d" and b == "d" for a, b in pairwise(["-", *classes]))
    return numbers >= 2 and sum(a != b for a, b in pairwise(classes)) >= len(run) / 4


def mask(text: str, known: Collection[str] = ()) -> str:
    """The text without what looks like a credential, except `known` ones; line breaks stay."""
    text = _SHAPED.sub(lambda found: found[0] if found[0] in known else _same_lines(found[0]), text)
    text = _NAMED.sub(_mask_value, text)
    return _RUN.sub(lambda found: _mask_run(found[0], known), text)


def _mask_run(run: str, known: Collection[str]) -> str:
    return MASK if run not in known and _looks_random(run) else run


def _mask_value(found: re.Match[str]) -> str:
    whole, value = found[0], found["secret"]
    quote = value[0] if value[0] in "\"'`" else ""
    return whole[: -len(value)] + quote + MASK + (quote if value.endswith(quote) else "")


def _same_lines(secret: str) -> str:
    return MASK + "\n" * secret.count("\n")


def printable(text: str) -> str:
    """Control characters of an examined file do not reach a terminal."""
    return "".join(c if c in "\n\t" or c.isprintable() else f"\\x{ord(c):02x}" for c in text)
