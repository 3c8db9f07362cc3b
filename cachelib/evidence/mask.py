"""What may be shown: identifiers shortened, anything that looks like a credential masked."""

import re
from collections.abc import Collection
from itertools import pairwise
from string import ascii_letters, digits

MASK = "•••"
_SHOWN = 4


def shorten(value: str) -> str:
    """The first four characters of a long value; of a short one nothing."""
    return value[:_SHOWN] + "…" if len(value) >= 3 * _SHOWN else "…"


# Words of a name that promise a secret; those in `_OF_SETTINGS` only in the name of a setting.
_PROMISING = frozenset(
    [
        *("password", "passwords", "passwd", "passwort", "pwd", "pass", "passphrase", "passcode"),
        *(
            "secret",
            "secrets",
            "token",
            "tokens",
            "credential",
            "credentials",
            "creds",
            "apikey",
            "apikeys",
        ),
        *("authorization", "bearer", "cookie", "salt", "mnemonic", "dsn", "hmac", "otp", "pin"),
        *("authtoken", "accesstoken", "connectionstring"),
    ]
)
_OF_SETTINGS = frozenset(
    ["key", "keys", "auth", "private", "signing", "signature", "seed", "pepper", "pem", "cert"]
)
_KEYS = frozenset(
    [
        *("api", "access", "account", "private", "auth", "client", "signing", "encryption"),
        *("master", "license", "shared", "admin", "service", "ssh", "webhook"),
    ]
)
_ABOUT = frozenset(
    [
        *("url", "uri", "ttl", "type", "length", "endpoint", "expiry", "expires", "header"),
        *("count", "limit", "seconds", "minutes", "hours", "days", "ms"),
    ]
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def promises_secret(name: str, *, of_setting: bool = False) -> bool:
    """`dbPassword`, `X-Api-Key`; not `tokenUrl`, `passwordLength`, and a cache's `key` only where
    a setting is called so."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _ABOUT:
        return False
    pairs = set(pairwise(words))
    keys = any(one in _KEYS and other in ("key", "keys") for one, other in pairs)
    known = _PROMISING | _OF_SETTINGS if of_setting else _PROMISING
    return keys or ("connection", "string") in pairs or not known.isdisjoint(words)


_MAY_PROMISE = re.compile(
    "(?i)" + "|".join(sorted(_PROMISING | {rf"{word}[ _-]*keys?" for word in _KEYS}))
)


def may_hold_secrets(source: str) -> bool:
    return _MAY_PROMISE.search(source) is not None


def hide(text: str, secrets: Collection[str]) -> str:
    """The text without the given values: as whole words where they are long, else where quoted."""
    if secrets:
        either = "|".join(map(re.escape, sorted(secrets, key=len, reverse=True)))
        quoted = rf"(?<=[\"'`])(?:{either})(?=[\"'`])"
        long = [re.escape(each) for each in sorted(secrets, key=len, reverse=True) if len(each) > 7]
        anywhere = rf"|(?<!\w)(?:{'|'.join(long)})(?!\w)" if long else ""
        text = re.sub(quoted + anywhere, MASK, text)
    return text


# In text of which no tree is known: a name that promises a secret, then the value it is given,
# quoted, or bare: with a digit or sign, or right behind `=`, or behind the words of a remark.
_NAMED = re.compile(
    r"""(?ix) (?: passwo?r?d | passwd | passphrase | passcode | secret | token | credential
        | (?<![a-z]) (?: pwd | pass | dsn | pin | otp | creds ) (?![a-z])
        | (?: api | access | account | private | auth | client | signing | encryption | master )
          [_-]? key | shared [_-]? access [_-]? signature | connection [_-]? string )
        (?! [\w-]* (?: url | uri | ttl | type | length | endpoint | expir\w+ | header ) \b ) [\w-]*
        \\?["']? (?: \s* [=:] =* \s* | \s+ (?: is | was ) \s+
          | [\])"'] [\])"',\s=:]* (?= ["'`] ) ) (?:
            (?P<secret> \\?["'`] [^"'`\n]{4,} ["'`]?
              | (?= [^\s"'`]* [\d!@#$%^&*+/=~-] ) [^\s"'`;,(){}\[\]<>.]{6,} (?![.(\[]) )
            | (?P<word> (?<==) [^\s"'`;,&(){}\[\]<>.$]{6,}
                | (?: (?<=is\ ) | (?<=was\ ) ) [^\s"'`;,&(){}\[\]<>.$]{12,} )
              (?![.(\[\w]) )"""
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
_PART = re.compile(r"[A-Za-z0-9+_=-]{24,}")  # of a path


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


# Somebody's address, its sign perhaps encoded; `logo@2x.png` and `react@18.min.js` are files.
_MAIL = re.compile(
    r"""(?xi) [\w.+!-]+ (?: @ | %40 ) (?: [a-z\d] [a-z\d-]* \. )+
        (?! (?: png | jpe?g | gif | webp | avif | svg | ico | bmp | [cm]?js | jsx | tsx? | css | map
          | json | x?html? | txt | xml | pdf | woff2? | ttf | mp[34] | webm | wasm | zip | gz ) \b )
        [a-z]{2,} (?! [\w-] )"""
)


def handed_on(key: str) -> str:
    """A key as a report may name it: without the values of parameters and people's addresses, and
    each part of its path looked at by itself, since `/v2/hotels/h439563/rooms` as a whole is as
    mixed as a secret."""
    shaped = _NAMED.sub(_mask_value, _SHAPED.sub(MASK, _MAIL.sub(MASK, key)))
    return re.sub(r"=[^&#]*", "=…", _PART.sub(lambda found: _mask_run(found[0], ()), shaped))


def _mask_run(run: str, known: Collection[str]) -> str:
    if _is_path(run):
        return _PART.sub(lambda found: _mask_run(found[0], known), run)
    return MASK if run not in known and _looks_random(run) else run


def _is_path(run: str) -> bool:
    """Written as paths are: what is random has letters of both cases."""
    return run.count("/") > 1 and run[0] == "/" and (run.islower() or run.isupper())


def _mask_value(found: re.Match[str]) -> str:
    whole, value = found[0], found["secret"] or found["word"]
    if value[0] == _closed_by(found, value):
        return whole
    opening = re.match(r"\\?[\"'`]|", value)
    quote = opening[0] if opening else ""
    ending = quote[-1:] if quote and value.endswith(quote[-1]) else ""
    escape = "\\" if ending and value[:-1].endswith("\\") else ""
    return whole[: -len(value)] + quote + MASK + escape + ending


def _closed_by(found: re.Match[str], value: str) -> str:
    """The quote before the name, where the one behind it is its end: `'token:' + id`."""
    before = found.string[: found.start()].rstrip("_-" + ascii_letters + digits)[-1:]
    named = found[0][: -len(value)]
    return before if before and before in "\"'`" and before not in named else ""


def _same_lines(secret: str) -> str:
    return MASK + "\n" * secret.count("\n")


def printable(text: str) -> str:
    """Control characters of an examined file do not reach a terminal."""
    return "".join(c if c in "\n\t" or c.isprintable() else f"\\x{ord(c):02x}" for c in text)
