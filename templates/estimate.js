// A design's month by formula: what cachelib/model/formulas says, for one setting, in the page.
// tests/browser/test_what_if.py holds it against the Python to 1e-9.
"use strict";

const MONTH_S = 30 * 86400;

function estimate(design, at, flows = flowsOf(design, at)) {
  const n = at.numbers;
  const reads = total(flows.rc, at);
  const l1 = total(flows.inL1, at) / reads;
  const origin = total(flows.awaited, at) / reads;
  return {
    l1, origin, asked: [total(flows.missedAwaited, at) / reads, total(flows.askedAwaited, at) / reads], hit_ratio: l1 + Math.max(1 - l1 - origin, 0),
    counts: withCalls(design, at, withRaces(design, at, flows, countsOf(design, at, flows))), stored_gb: storedGb(design, at, flows),
    get mean_ms() { // costs more than all the rest, and few ask
      return meanMs(design, at, flows);
    },
    get ran_ms() { return ranMs(this, at, flows); },
    get waited_ms() { return waitedMs(at, flows); },
  };
}

// Arrays are [colo][key]; `sumColos` gives [key].
const map = (rows, f) => rows.map((row, c) => row.map((x, k) => f(x, c, k)));
const sumColos = (rows) => rows[0].map((_, k) => rows.reduce((sum, row) => sum + row[k], 0));
const total = (rows, at) =>
  rows.reduce((sum, row) => sum + row.reduce((part, x, k) => part + x * at.keys.number[k], 0), 0);
const perMonth = (byKey, at) =>
  byKey.reduce((sum, x, k) => sum + x * at.keys.number[k], 0) * MONTH_S;

// The tiers of a design: whether memory is among them, a cache in each data centre, and the last.
const tiersOf = ({ tiers }, told) => {
  const stores = tiers.filter((word) => word !== "memory");
  const near = stores.map((word) => told[word]).find((tier) => tier.plain && tier.scope === "colo");
  const colo = near !== undefined;
  const ahead = told[stores[0]]?.in_front && told[stores.shift()];
  const store = stores.at(-1), alone = colo && stores.length === 1, layered = colo && !alone;
  return { l1: tiers.includes("memory"), store, far: told[store], near, ahead, colo, alone, layered };
};

function flowsOf(design, at) {
  const n = at.numbers;
  const rate = n.requests_per_month / MONTH_S, writes = 1 / (1 + n.reads_per_write);
  const weight = at.weights.map((w) => w / at.weights.reduce((a, b) => a + b));
  const r = at.keys.share.map((p) => rate * (1 - writes) * p);
  const w = (at.keys.written ?? at.keys.share).map((p) => rate * writes * p);
  const rc = weight.map((share) => r.map((x) => x * share));
  const rr = at.trips.reader_share.map((share) => r.map((x) => x * share));
  const wc = weight.map((share) => w.map((x) => x * share));
  const f = {
    r, w, rc, wc, rr, wi: madeByReaders(at, w, wc, weight),
    ...tiersOf(design, at.tiers),
    l1Ttl: design.l1_ttl_s ?? n.l1_ttl_s, l2Ttl: design.l2_ttl_s ?? n.l2_ttl_s,
    rounds: at.emptied.length ? roundsOf(at) : null,
    forever: design.policy === "refresh",
    refreshing: design.policy === "refresh" || design.policy === "soft-hard",
  };
  // A value stays that a schedule writes as often; of those of one data centre nothing is sure.
  f.valid = (k, x, ttl) => at.keys.every_s?.[k] <= ttl ? 1e15 : valid(x, ttl);
  f.softTtl = Math.min(design.soft_ttl_s ?? f.l2Ttl, f.l2Ttl); // what ends before is never due
  f.totals = rc.map((row, c) => row.reduce((sum, x, k) => sum + (x + f.wi[c][k]) * at.keys.number[k], 0));
  f.isolates = f.totals.map((asked) => isolatesOf(n, asked));
  f.split = (c) => at.hashed ? 1 : f.isolates[c];
  f.told = design.listen ? toldOf(f) : () => 0;
  f.dropped = (c, k) => f.told(c, k) + (design.listen && f.rounds ? f.rounds[k] : 0);
  f.l1Life = l1Life(design, n, f);
  f.staleS = design.stale_while_revalidate_s ?? 0;
  const written = w.reduce((sum, x, k) => sum + x * at.keys.number[k], 0), before = f.ahead?.in_front;
  const allowed = (every) => Math.min(1 / (every * Math.max(written, 1e-300)), 1);
  f.purged = w.map((x) => design.purge_on_write && before ? x * allowed(n[before.every]) : 0);
  f.front = before && frontOf(f, at, before.versioned ? 1 / n.deploy_every_s : 1 / NEVER);
  const behind = (c, k) => foundBehind(f, c, k);
  f.pushedOut = f.l1 ? pushedOutOfMemory(design, at, f) : () => NEVER;
  if (f.front) f.missed = map(f.front.runs, (x, c, k) => x * (1 - behind(c, k)));
  else f.missed = f.l1 ? missedBy(design, at, f) : rc;
  f.inL1 = f.front ? map(f.front.awaited, (x, c, k) => x * behind(c, k)) : map(rc, (x, c, k) => x - f.missed[c][k]);
  f.first = r.map((x, k) => firstOfMonth(x + w[k]));
  f.missedOfKey = sumColos(f.missed);
  f.lagS = (tier) => design.replicas && tier?.lag ? n[tier.lag] / 1e3 : 0;
  const atOnce = emptiedOfAll(design, f, loadedBy(design, n, f)), loads = again(f, atOnce, f.far);
  const asked = f.layered ? askedPastColo(design, at, f, atOnce) : f.missed;
  f.inL2 = leftInL2(at, f, asked);
  const alsoNear = (c, k) => f.layered && f.inNear ? f.inNear[c][k].seconds : 0;
  f.l2Held = (c, k) => f.inL2 && !f.refreshing
    ? Math.min(f.l2Ttl, f.inL2[f.alone ? c : 0][k].seconds + alsoNear(c, k)) : wholeS(f, k, f.l2Ttl);
  f.loaded = withinTheDay(at, f, f.inL2
    ? map(asked, (x, c, k) => x - (x - loads[c][k]) * f.inL2[f.alone ? c : 0][k].share) : loads);
  const aside = (c, k) => f.front ? f.front.aside[c][k] * (1 - behind(c, k)) : 0;
  f.awaited = map(f.loaded, (x, c, k) =>
    x - Math.min(aside(c, k), f.store && f.front ? x * -Math.expm1(-r[k] * f.staleS) * f.front.has[k] : Infinity));
  f.asked = !f.layered ? f.missed : map(asked, (x, c, k) => Math.min(Math.max(x, f.loaded[c][k]), f.missed[c][k]));
  f.copies = f.store === "kv" ? kvCopies(at, f) : null;
  f.askedAwaited = map(f.asked, (x, c, k) => x - aside(c, k));
  f.missedAwaited = map(f.missed, (x, c, k) => x - aside(c, k));
  f.warm = sumColos(f.asked).map((x, k) =>
    design.object_storage ? -Math.expm1(-(x + w[k]) * n.do_idle_s) : 1);
  f.cycle = f.refreshing ? cycleOf(design, n, f) : null;
  return f;
}

// Writes at isolates that readers reach: not those of a schedule, all made at one.
function madeByReaders(at, w, wc, weight) {
  const every = at.keys.every_s;
  return every ? map(wc, (_, c, k) => Math.max(w[k] - 1 / every[k], 0) * weight[c]) : wc;
}

function l1Life(design, n, f) {
  f.inherits = f.store && design.expiry === "inherited" && !f.forever;
  f.l1Whole = f.inherits ? cut(f.l1Ttl, f.l2Ttl) : f.l1Ttl;
  f.l1Oldest = f.inherits ? oldest(f.l1Ttl, f.l2Ttl) : f.l1Ttl;
  f.l1Ended = (c, k) => lostPerSecond(n) + f.dropped(c, k) + f.wi[c][k] / f.split(c);
  return (c, k) => {
    const ended = lostPerSecond(n) + f.dropped(c, k);
    return -Math.expm1(-ended * f.l1Whole) / ended;
  };
}

// Messages a second that an isolate hears of a key: of what others wrote, within reach.
const toldOf = (f) => (c, k) =>
  (f.alone ? f.wc[c][k] : f.w[k]) - f.wi[c][k] / f.split(c);

// Isolates of a data centre: as many as its requests need, where they follow these.
function isolatesOf(n, asked) {
  const each = n.isolate_requests_per_s, most = n.isolates_per_colo;
  if (!(each < NEVER)) return most;
  return Math.min(Math.max(asked / each + 0.5, Math.min(n.isolates_at_least, most)), most);
}

const lostPerSecond = (n) => 1 / n.isolate_life_s + 1 / n.deploy_every_s;

function missedBy(design, at, f) {
  const n = at.numbers, idle = n.isolate_idle_s;
  return map(f.rc, (x, c, k) => {
    const alone = f.totals[c] / f.isolates[c], asked = (x + f.wi[c][k]) / f.split(c);
    if (design.expiry === "sliding") {
      const others = Math.max(alone - asked, 0);
      const ttl = Math.min(f.l1Ttl, f.pushedOut(c));
      return x * Math.max(1 - seenWithin(asked, others, ttl, lostPerSecond(n), idle), 1e-12);
    }
    return x * (1 - amongMemory(f, (asked / alone) * arrivals(alone, f.l1Life(c, k), idle), c, k));
  });
}

// The share that memory finds, where with room for all so many would come for each load.
function amongMemory(f, hits, c, k) {
  const found = hits / (1 + hits), after = f.pushedOut(c);
  if (after === NEVER) return found;
  const left = arrivals((f.rc[c][k] + f.wi[c][k]) / f.split(c), f.l1Life(c, k), after);
  return found * Math.min(shareLeft(left, hits), 1);
}

function pushedOutOfMemory(design, at, f) {
  const n = at.numbers, most = Math.min(n.isolate_memory_mb * 1e6, design.l1_max_bytes ?? NEVER);
  const entries = Math.min(most / Math.max(n.value_bytes + n.key_bytes, 1), design.l1_max_entries ?? NEVER);
  const after = f.rc.map((row, c) => {
    const asked = row.map((x, k) => (x + f.wi[c][k]) / f.split(c));
    return pushedOutAfter(at, (entries * f.isolates[c]) / f.split(c), asked);
  });
  return (c) => after[c];
}

function loadedBy(design, n, f) {
  if (!f.store) return f.missed;
  if (!design.object_storage)
    return map(f.missed, (x, c, k) => x / (1 + arrivals(f.missedOfKey[k] + f.w[k], f.l2Ttl, n.do_idle_s)));
  const { alone } = f;
  if (f.forever)
    return map(f.rc, (x, c, k) => x * (alone ? firstOfMonth(x + f.wc[c][k]) : f.first[k]));
  if (alone && f.refreshing) return tooLate(f);
  if (alone)
    return map(f.inherits && !f.front ? f.rc : f.missed, (x, c, k) => x * expired(x, f.wc[c][k], f.l2Ttl));
  const arriving = design.expiry === "inherited" ? f.r : f.missedOfKey;
  const fresh = f.refreshing ? f.softTtl : f.l2Ttl;
  return map(f.missed, (x, c, k) => {
    const all = arriving[k] + f.w[k], unasked = Math.exp(-all * (f.l2Ttl - fresh));
    return ((arriving[k] / (1 + all * f.valid(k, f.w[k], fresh))) * unasked * x) / f.missedOfKey[k];
  });
}

// Copies of a store that answer reads: as `formulas.copies` has it.
function loadingToo(f, tier, within) {
  const ofCopy = (rows) => tier.scope === "colo" ? rows : [sumColos(rows)];
  const row = (rows, c) => rows[tier.scope === "colo" ? c : 0], asked = ofCopy(f.rc);
  if (!f.l1) return map(asked, (x) => x * within);
  return ofCopy(map(f.rc, (x, c, k) =>
    (f.split(c) - x / row(asked, c)[k]) * -Math.expm1((-x / f.split(c)) * within)));
}

function again(f, rates, tier) {
  const lag = f.lagS(tier), of = (c) => tier.scope === "colo" ? c : 0;
  if (!lag) return rates;
  const all = tier.scope === "colo" ? rates : [sumColos(rates)], too = loadingToo(f, tier, lag);
  return map(rates, (x, c, k) =>
    Math.min((x * (1 + too[of(c)][k])) / (1 + all[of(c)][k] * lag), f.missed[c][k]));
}

// Where a day's writes to KV are used up before its end, the rest of its reads find nothing there.
function withinTheDay(at, f, loads) {
  if (f.store !== "kv" || f.refreshing) return loads;
  const written = total(loads, at) + total(f.wc, at);
  const left = Math.min(at.numbers.kv_writes_a_day / 86_400 / Math.max(written, 1e-300), 1);
  return map(loads, (x, c, k) => {
    const missed = f.missed[c][k];
    const alone = f.layered ? missed * expired(missed, f.wc[c][k], f.l2Ttl) : missed;
    return x * left + Math.max(alone, x) * (1 - left);
  });
}

// Reads of what no read of the colo came to refresh before it expired.
const tooLate = (f) =>
  map(f.rc, (x, c, k) => {
    const w = f.wc[c][k];
    return x * expired(x, w, f.softTtl) * Math.exp(-(x + w) * (f.l2Ttl - f.softTtl));
  });

// Reads that reach the store which all share, past a data centre's cache before it.
function askedPastColo(design, at, f, loads) {
  let asked;
  if (f.forever) asked = map(f.rc, (x, c, k) => x * firstOfMonth(x + f.wc[c][k]));
  else if (f.refreshing) asked = tooLate(f);
  else asked = askedWhereNothingIsRefreshed(design, f);
  const enough = again(f, map(emptiedOfEach(design, f, asked), (x, c, k) => Math.max(x, loads[c][k])), f.near);
  const past = map(enough, (x, c, k) => Math.min(x, f.missed[c][k]));
  if (!isShort(at, f.near)) return past;
  f.inNear = left(at, f, f.near, map(f.missed, (x, c, k) => x + f.wc[c][k]), f.wc);
  return map(past, (x, c, k) => f.missed[c][k] - (f.missed[c][k] - x) * f.inNear[c][k].share);
}

// Tiers with so much room: as `formulas.room` has it.
const NEVER = 1e30;
const isShort = (at, tier) => Boolean(tier?.room) && at.numbers[tier.room] < NEVER;

function leftInL2(at, f, asked) {
  if (!f.store || !isShort(at, f.far)) return null;
  if (f.alone) return left(at, f, f.far, map(asked, (x, c, k) => x + f.wc[c][k]), f.wc);
  return left(at, f, f.far, [sumColos(asked).map((x, k) => x + f.w[k])], [f.w]);
}

function left(at, f, tier, asked, writes) {
  return asked.map((row, c) => {
    const n = at.numbers, entries = (n[tier.room] * 1e9) / (n.value_bytes + n[tier.beside]);
    const after = pushedOutAfter(at, entries, row);
    return row.map((x, k) => {
      const kept = writes === f.wc ? valid(writes[c][k], f.l2Ttl) : f.valid(k, writes[c][k], f.l2Ttl);
      const life = f.rounds ? leftS(f.rounds[k], f.forever ? 1e15 : kept, x) : f.forever ? 1e15 : kept;
      const found = arrivals(x, life, after), whole = x * life;
      return { share: shareLeft(found, whole), seconds: Math.min(found / x, life) };
    });
  });
}

// Of reads found, so many for each load: as a share of what they are with room for all.
const shareLeft = (found, whole) =>
  found < whole ? ((found / (1 + found)) * (1 + whole)) / whole : 1;

// Seconds after which what nobody asks for is pushed out of one copy.
function pushedOutAfter(at, entries, asked) {
  if (at.keys.number.reduce((a, b) => a + b) <= entries) return NEVER;
  let low = Math.log(1e-6), high = Math.log(1e14);
  for (let turn = 0; turn < 60; turn++) {
    const middle = (low + high) / 2, after = Math.exp(middle);
    const held = asked.reduce((sum, x, k) => sum - Math.expm1(-x * after) * at.keys.number[k], 0);
    if (held < entries) low = middle; else high = middle;
  }
  return Math.exp(low);
}

function askedWhereNothingIsRefreshed(design, f) {
  const ttl = f.l2Ttl, reads = design.expiry === "inherited" ? f.rc : f.missed;
  const everywhere = sumColos(map(reads, (x, c, k) => x + f.wc[c][k]));
  return map(reads, (x, c, k) => {
    const here = x + f.wc[c][k], all = everywhere[k], kept = f.valid(k, f.w[k], ttl);
    const first = x / all + ((1 - here / all) * -Math.expm1(-here * ttl) * x) / here;
    const copy = valid(f.wc[c][k], ttl - meanAge(f.w[k], ttl));
    const later = (Math.max(kept - ttl, 0) * x) / (1 + here * copy);
    return (first + later) / (kept + 1 / all);
  });
}

// By colo and key: each data centre's cache by itself where there are such, else all as one.
function cycleOf(design, n, f) {
  const all = (rows) => (f.colo ? rows : [sumColos(rows)]);
  const reads = f.colo ? f.rc : [f.r], writes = f.colo ? f.wc : [f.w], soft = f.softTtl;
  const lag = f.lagS(f.far), too = lag ? loadingToo(f, f.far, lag) : null;
  const old = all(map(f.rc, (x, c, k) => {
    let sum = 0;
    if (f.store === "kv" && !f.layered) sum += stillHeld(f.missed[c][k] * n.kv_cache_ttl_s);
    if (f.l1) sum += stillHeld((x / f.isolates[c]) * f.l1Life(c, k)) * f.isolates[c];
    return sum;
  }));
  const reading = all(f.missed);
  return map(reads, (r, c, k) => {
    const w = writes[c][k];
    let readFirst = r / (r + w);
    if (!f.forever) readFirst *= -Math.expm1(-(r + w) * (f.l2Ttl - soft));
    if (too) old[c][k] += too[f.far.scope === "colo" ? c : 0][k];
    let seconds = (f.colo ? valid(w, soft) : f.valid(k, w, soft)) + 1 / (r + w), refreshes = readFirst * (1 + old[c][k]);
    let kept = readFirst;
    if (design.write_only_if_changed) {
      const change = 1 / n.value_life_s, same = readFirst * Math.exp(-soft * change);
      const overdue = same / Math.max(change + w, 1 / MONTH_S);
      seconds += overdue;
      refreshes += overdue * reading[c][k];
      kept = readFirst - same + overdue * change;
    }
    const still = stillRefreshed(f, c, k) / seconds;
    return { refreshes: Math.min(refreshes, r * seconds) * still, kept: kept * still };
  });
}

// Of what a data centre's cache had no more, and the store behind had too long.
function refreshedBehind(f) {
  const asked = sumColos(f.asked), near = sumColos(map(f.cycle, (each) => each.kept));
  return map(f.asked, (x, c, k) => {
    const renewing = asked[k] + near[k] + f.w[k];
    const there = -Math.expm1(-renewing * (f.l2Ttl - f.softTtl));
    return (x * there) / (1 + renewing * f.valid(k, f.w[k], f.softTtl));
  });
}

function countsOf(design, at, f) {
  const n = at.numbers;
  const month = (rows) => total(rows, at) * MONTH_S;
  const looked = month(f.asked), loads = month(f.loaded), writes = month(f.wc);
  const behind = f.cycle && f.layered && !f.forever ? month(refreshedBehind(f)) : 0;
  const renews = f.cycle && (f.store || f.softTtl < f.l1Ttl); // memory, what lives long enough there
  const refreshes = renews ? month(map(f.cycle, (each) => each.refreshes)) + behind : 0;
  const kept = f.cycle ? month(map(f.cycle, (each) => each.kept)) + behind : 0;
  const stored = loads + writes + kept;
  const counts = { requests: n.requests_per_month, reads: month(f.rc), origin_loads: loads + refreshes, refreshes };
  if (f.front) {
    const { hits, refreshes: aside, purges, refused } = f.ahead.in_front;
    counts.refreshes += loads - month(f.awaited);
    counts[hits] = month(map(f.rc, (x, c, k) => x - f.front.awaited[c][k]));
    if (design.purge_on_write) {
      counts[purges] = month([f.purged]);
      counts[refused] = month([f.w]) - month([f.purged]);
    }
    counts[aside] = month(f.front.aside);
  }
  if (f.store === "kv") {
    Object.assign(counts, { kv_reads: looked, kv_missing_reads: loads });
    counts.kv_writes = Math.min(stored, (n.kv_writes_a_day * MONTH_S) / 86_400);
    if (design.policy === "clean-up") Object.assign(counts, cleanUp(design, at, f));
  }
  if (f.store === "durable-object") {
    counts.do_loads = design.object_loads ? loads : 0;
    counts.do_requests = looked + loads - counts.do_loads + writes + kept;
    counts.do_rows_read = month(map(f.asked, (x, c, k) => x * (1 - f.warm[k])));
    counts.do_rows_written = design.object_storage ? stored : 0;
    if (design.object_alarm) {
      const asked = design.expiry === "inherited" ? f.r : f.missedOfKey;
      const ends = sumColos(f.loaded).map((loads, k) => loads * (1 + f.w[k] / asked[k]));
      counts.do_alarms = Math.max(perMonth(ends, at) - deletedByRounds(design, at, f), 0);
      counts.do_requests += counts.do_alarms;
      counts.do_rows_written = 2 * stored + counts.do_alarms;
    }
  }
  if (design.listen) counts[f.far.tells] = stored;
  const count = (name, number) => { counts[name] = (counts[name] ?? 0) + number; };
  if (f.far?.plain && !f.alone) {
    count(f.far.reads, looked);
    count(f.far.writes, stored);
  }
  if (f.colo) {
    count(f.near.reads, month(f.missed));
    count(f.near.writes, f.layered ? looked + writes + kept : stored);
  }
  Object.entries(roundsTake(design, at, f)).forEach(([name, number]) => count(name, number));
  return counts;
}

function cleanUp(design, at, f) {
  const every = design.clean_up_every_s, loaded = sumColos(f.loaded);
  const deletes = loaded.map((loads, k) => {
    const n = (f.r[k] + f.w[k]) * every;
    return (loads + f.w[k]) * (-Math.expm1(-n) / n) * Math.exp(-f.w[k] * f.l2Ttl)
      * (f.rounds ? Math.max(1 - f.l2Ttl * f.rounds[k], 0) : 1);
  });
  const keys = at.keys.number.reduce((a, b) => a + b);
  const deleted = perMonth(deletes, at);
  return { kv_deletes: deleted, kv_missing_reads: deleted + deletedByRounds(design, at, f), kv_lists: (Math.ceil(keys / 1000) * MONTH_S) / every };
}
