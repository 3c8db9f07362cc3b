"""What a value in Redis or Valkey is made of, and the scripts that compare its version.

Value: a mark (4 bytes), the time of expiry and the version (8 each, IEEE 754, little-endian), then
the data. A tombstone has expired since ever. Each script uses one key, so that a cluster runs it,
too, where that key is. Versions are the server's time in microseconds, or one more than the last.
"""

from __future__ import annotations

import struct
from math import inf

from cachelib.stores.protocol import DamagedError, RejectedError, Stored

MAX_BYTES = 512 * 1024 * 1024  # of a key or a value: Redis's own limit
MAX_LIFE = 10**15  # milliseconds; more is for ever
MARK = b"cac3"
_HEAD = struct.Struct("<4sdd")
_EXPIRY = struct.Struct("<d")

_COMMON = """
local function changed(key)
  local head = redis.pcall('GETRANGE', key, 0, 19)
  if type(head) ~= 'string' or #head < 20 or string.sub(head, 1, 4) ~= 'cac3' then return 0 end
  return (struct.unpack('<d', head, 13))
end
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local function write(key, expiry, data, life, since)
  local old, version = changed(key), tonumber(since)
  if not version then version = math.max(now, old + 1)
  elseif old > version then return 0 end
  local value = 'cac3' .. expiry .. struct.pack('<d', version) .. data
  if life == '' then redis.call('SET', key, value)
  else redis.call('SET', key, value, 'PX', life) end
  return version
end
"""
WRITE = _COMMON + "return write(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])"
"""ARGV: the time of expiry, packed; data; life in ms or ''; version that must not have changed
since, or ''. Returns the version, or 0 if it has changed."""

VERSION = _COMMON + "return math.max(now - 1, changed(KEYS[1]))"

SET_FENCED = (
    _COMMON
    + """
if redis.call('GET', KEYS[2]) ~= ARGV[5] then return 0 end
redis.call('DEL', KEYS[2])
redis.pcall('PUBLISH', ARGV[6], ARGV[7])
return write(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
"""
)

# Redis keeps a counter's expiry where it was; a value of another program counts as absent.
INCR = (
    _COMMON
    + """
local by, since, most = tonumber(ARGV[1]), tonumber(ARGV[4]), tonumber(ARGV[6])
local expiry, life, number, old = ARGV[2], ARGV[3], 0, changed(KEYS[1])
if old > since then
  local there = redis.call('GET', KEYS[1])
  local ends = string.sub(there, 5, 12)
  if (struct.unpack('<d', ends)) > tonumber(ARGV[5]) then
    number = string.match(there, '^#(-?%d+)$', 21)
    if not number or #number > 17 then return 'no counter' end
    expiry, life = ends, redis.call('PTTL', KEYS[1])
    if life < 0 then life = '' else life = math.max(life, 1) end
  end
end
number = tonumber(number) + by
if math.abs(number) > most then return 'too large' end
number = string.format('%.0f', number)
return {number, expiry, write(KEYS[1], expiry, '#' .. number, life, '')}
"""
)
"""ARGV: how much; of a counter that begins, the time of expiry, packed, and life in ms or '';
version up to which all was revoked; the time now; the most that a counter holds. Returns the
number, the time of expiry, the version; or what was wrong."""


def pack(
    key: str, stored: Stored, life: int | None, since: int | None
) -> tuple[bytes, bytes, int | str, int | str]:
    """The arguments of `WRITE`."""
    if len(stored.data) + _HEAD.size > MAX_BYTES or len(key) > MAX_BYTES // 4:
        raise RejectedError(f"{key[:80]!r} is too large for Redis: at most {MAX_BYTES:,} bytes")
    expiry = _EXPIRY.pack(inf if stored.expires_at is None else stored.expires_at)
    endless = life is None or life > MAX_LIFE
    return expiry, stored.data, "" if endless else life or 1, "" if since is None else since


def unpack(value: bytes | None, now: float) -> Stored | None:
    """DamagedError if another program wrote it."""
    if value is None:
        return None
    if len(value) < _HEAD.size or value[:4] != MARK:
        raise DamagedError("not a value that this version of cachelib wrote")
    _, expires_at, version = _HEAD.unpack_from(value)
    if not now < expires_at:
        return None
    return Stored(value[_HEAD.size :], None if expires_at == inf else expires_at, int(version))


def unpack_expiry(packed: bytes) -> float | None:
    """As `Stored` has it."""
    [expires_at] = _EXPIRY.unpack(packed)
    return None if expires_at == inf else float(expires_at)
