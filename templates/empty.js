// What empties caches by a clock, by formula: as cachelib/model/formulas/emptying.py has it.

// How often a key of each kind is emptied, 1/s; the kinds stand most popular first.
function roundsOf(at) {
  let ends = 0;
  return at.keys.number.map((number) => {
    ends += number;
    const part = (keys) => Math.min(Math.max((keys - ends) / number + 1, 0), 1);
    return at.emptied.reduce((rate, [every, keys]) => rate + part(keys) / every, 0);
  });
}

const between = (rate) => 1 / Math.max(rate, 1 / NEVER);

// Seconds that are left of those for which a value would stay, and after which nothing is.
function leftS(rate, stays, asked) {
  const every = between(rate), n = Math.max(asked, 1e-300);
  if (stays <= every) return stays - stays ** 2 / (2 * every);
  return Math.max(every / Math.max(-Math.expm1(-n * every), 1e-300) - 1 / n, 0);
}
const wholeS = (f, k, ttl) => f.rounds ? Math.min(ttl, between(f.rounds[k])) : ttl;

// The chance that a round finds the value there.
function foundBy(rate, stays, asked) {
  const every = between(rate), there = asked * stays;
  return stays > every ? -Math.expm1(-asked * every) : there / (1 + there);
}

// Of so many reads those that load, where `loads` would.
function loadsEmptied(rate, loads, reads, asked) {
  const stays = Math.max(reads / Math.max(loads, 1e-300) - 1, 0) / asked;
  return reads / (1 + asked * leftS(rate, stays, asked));
}

function emptiedOfEach(design, f, loads) {
  if (!f.rounds) return loads;
  const whole = f.refreshing || design.expiry === "inherited";
  const reads = f.refreshing || (whole && !f.alone) ? f.rc : f.missed;
  return map(loads, (x, c, k) => {
    const asked = reads[c][k] + f.wc[c][k];
    return Math.min(loadsEmptied(f.rounds[k], x, reads[c][k], asked), f.missed[c][k]);
  });
}

function emptiedOfAll(design, f, loads) {
  if (!f.rounds || !f.store) return loads;
  if (f.alone) return emptiedOfEach(design, f, loads);
  const apart = !f.forever && (design.expiry !== "inherited" || !design.object_storage);
  const reads = apart ? f.missedOfKey : f.r, together = sumColos(loads);
  const more = together.map((x, k) => loadsEmptied(f.rounds[k], x, reads[k], reads[k] + f.w[k]));
  return map(loads, (x, c, k) => Math.min((x * more[k]) / Math.max(together[k], 1e-300), f.missed[c][k]));
}

// The share of the refreshes that rounds leave.
function stillRefreshed(f, c, k) {
  if (!f.rounds || !f.store) return 1;
  const w = f.colo ? f.wc[c][k] : f.w[k], n = (f.colo ? f.rc[c][k] : f.r[k]) + w;
  const fresh = f.colo ? valid(w, f.softTtl) : f.valid(k, w, f.softTtl);
  const nobody = Math.exp(-Math.min(n * (f.l2Ttl - f.softTtl), 60));
  const stays = f.forever ? NEVER : (fresh + 1 / n) / nobody - 1 / n;
  const renewed = (life) => 1 / (life + 1 / n), left = (life) => leftS(f.rounds[k], life, n);
  const share = (renewed(left(fresh)) - renewed(left(stays))) / Math.max(renewed(fresh) - renewed(stays), 1e-300);
  return Math.min(Math.max(share, 0), 1);
}

// Looks past a copy in front of the Worker, that wait and that do not.
function looksEmptied(f, k, { awaited, aside }, reads) {
  if (!f.rounds?.some((rate) => rate)) return { awaited, aside };
  const looks = awaited + aside, stays = Math.max(1 / looks - 1 / reads, 0), rate = f.rounds[k];
  const more = reads / (1 + reads * leftS(rate, stays, reads));
  const ended = stays * rate > 1 ? 0 : Math.max(more - rate * foundBy(rate, stays, reads), 0);
  const still = Math.min((aside * ended) / looks, more);
  return { awaited: more - still, aside: still };
}

// Seconds for which the store holds a value that nobody empties: some forget none.
function keptS(design, f, k) {
  const asked = f.r[k] + f.w[k];
  if (!f.forever && (f.far.erases || design.object_alarm)) return f.valid(k, f.w[k], f.l2Ttl);
  return (1 / f.first[k] - 1) / asked;
}

// Keys a month that rounds find in what all share.
function deletedByRounds(design, at, f) {
  if (!f.rounds) return 0;
  const ended = design.policy === "clean-up" ? design.clean_up_every_s / 2 : 0;
  return perMonth(f.r.map((r, k) =>
    foundBy(f.rounds[k], keptS(design, f, k) + ended, r + f.w[k]) * f.rounds[k]), at);
}

// What rounds take in a month, by name of what is counted.
function roundsTake(design, at, f) {
  const many = at.numbers.purges_a_month, found = {}, { far } = f;
  if (!f.rounds) return found;
  if (f.front) found[f.ahead.in_front.purges] = many;
  if (!f.store) return found;
  if (f.alone) return design.listen ? { ...found, [far.tells]: perMonth(f.rounds, at) * f.rc.length } : found;
  const gone = deletedByRounds(design, at, f);
  if (far.lists) found[far.lists] = many * Math.max(1, Math.ceil(gone / Math.max(many, 1e-300) / 1000));
  if (f.store === "kv") found.kv_deletes = gone;
  if (f.store === "durable-object") {
    found.do_requests = gone;
    found.do_rows_written = gone * (Boolean(design.object_storage) + Boolean(design.object_alarm));
  }
  if (far.deletes) found[far.deletes] = gone;
  if (design.listen) found[far.tells] = gone;
  return found;
}

function storedGb(design, at, f) {
  if (!f.far?.stored) return 0;
  const held = f.r.map((r, k) => {
    const asked = r + f.w[k], kept = keptS(design, f, k);
    return 1 - 1 / (1 + asked * (f.rounds ? leftS(f.rounds[k], kept, asked) : kept));
  });
  return (perMonth(held, at) / MONTH_S) * at.numbers.value_bytes / 1e9;
}
