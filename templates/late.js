// Shares of out-of-date answers and times by formula, as cachelib/model/formulas says, in the page.
// tests/report/test_estimate_script.py holds them against the Python.

function lateShare(design, at, f, bound) {
  const n = at.numbers, change = 1 / n.value_life_s;
  if (f.front) return lateInFront(at, f, change, bound);
  const lag = f.lagS(f.far), behind = (w) => -Math.expm1(-w * Math.max(lag - bound, 0));
  const inMemory = unheardBy(design, at, f);
  const shares = map(f.rc, (x, c, k) => {
    const w = f.w[k], l1 = x - f.missed[c][k], found = x - f.loaded[c][k];
    if (design.expiry === "sliding") return lateSliding(design, at, f, c, k, bound);
    const itself = f.wi[c][k] / f.split(c);
    if (!f.store) return l1 * lateAt(change + w - itself, f.l1Oldest, bound, f.l1Ended(c, k));
    const own = f.colo ? f.wc[c][k] : w; // writes that the cache behind memory hears of
    let memory = inMemory(c, k, own, bound);
    if (f.alone && !f.refreshing) {
      const here = lateAt(change + w - own, f.l2Held(c, k), bound, own);
      return (f.missed[c][k] - f.loaded[c][k]) * (here + behind(own)) + l1 * either(here, memory);
    }
    const r = f.colo ? f.rc[c][k] : f.r[k], life = f.refreshing ? wholeS(f, k, f.softTtl) : f.l2Held(c, k);
    const { overdue, same } = f.refreshing ? overdueOf(f, c, k, r, own, change, bound) : { overdue: 0, same: 1 };
    const late = lateAt(change, life, bound, w), looked = f.asked[c][k] - f.loaded[c][k];
    let unheard = looked * behind(w);
    if (f.colo) {
      const elsewhere = lateAt(w - own, life, bound, own);
      memory = either(memory, elsewhere);
      unheard += (f.missed[c][k] - (f.layered ? f.asked : f.loaded)[c][k]) * elsewhere;
    }
    if (f.store === "kv") {
      const copies = f.copies[c][k];
      unheard += looked * (1 - copies.central) * lateAt(w, copies.oldest, bound);
      if (!f.layered) memory = oldByThen(inMemory, copies, c, k, own, bound);
    }
    unheard += l1 * memory;
    return (found - overdue) * late + overdue * (1 - same) + unheard * (1 - late);
  });
  return total(shares, at) / total(f.rc, at);
}

// The chance of one of two that come by themselves.
const either = (one, other) => 1 - (1 - one) * (1 - other);

// The chance that what memory serves was overwritten in its store more than so long ago, of writes
// so often: one that listens has not heard of the last of them.
function unheardBy(design, at, f) {
  const after = design.listen ? addsUpTo(f.far.telling, at) : [], lag = f.lagS(f.far);
  const untold = (c, k, writes, bound) => {
    const itself = f.wi[c][k] / f.split(c), soonest = Math.max(bound - lag, 0);
    const since = lateAt(writes - itself, f.l1Oldest, soonest, f.l1Ended(c, k));
    return either(since, -Math.expm1(-writes * Math.max(lag - bound, 0)));
  };
  return (c, k, writes, bound) => {
    if (!design.listen) return untold(c, k, writes, bound);
    const asked = (f.rc[c][k] + f.wi[c][k]) / f.split(c);
    const tooSoon = -Math.expm1(-asked * Math.max(lag - after[c] / 1e3, 0));
    const told = unheardUntilTold(at, f, c, k, bound, Math.min(after[c] / 1e3, f.l1Whole));
    return tooSoon * untold(c, k, writes, bound) + (1 - tooSoon) * told;
  };
}

// The same where what memory read may have been old then: a copy of KV's, of two ages (Gauss).
function oldByThen(inMemory, copies, c, k, writes, bound) {
  return [0.5 - GAUSS, 0.5 + GAUSS].reduce((sum, part) => {
    const age = copies.oldest * part, since = inMemory(c, k, writes, Math.max(bound - age, 0));
    const byThen = -Math.expm1(-writes * Math.max(age - bound, 0));
    return sum + ((1 - copies.central) / 2) * either(byThen, since);
  }, copies.central * inMemory(c, k, writes, bound));
}

const GAUSS = 3 ** -0.5 / 2;

// Reads of what has to be loaded anew, and the chance that it was not superseded so long ago.
function overdueOf(f, c, k, r, own, change, bound) {
  const soft = f.softTtl, stays = f.colo ? valid(own, soft) : f.valid(k, own, soft);
  const first = (f.rc[c][k] / (1 + (r + own) * stays)) * stillRefreshed(f, c, k);
  const same = Math.exp(-change * Math.max(soft - bound, 0));
  if (f.forever) return { overdue: first, same: (same * r) / (r + change) };
  const stale = f.l2Ttl - soft, any = r + own, both = any + change, within = -Math.expm1(-any * stale);
  const unchanged = ((same * any) / both) * (-Math.expm1(-both * stale) / Math.max(within, 1e-300));
  return { overdue: first * within, same: unchanged };
}

// What is in front hears of no write but by a purge.
function lateInFront(at, f, change, bound) {
  const reached = reachedBy(at, f);
  const shares = map(f.rr, (x, nth, k) => {
    const { place: c, own } = reached[nth], found = (f.rc[c][k] - f.loaded[c][k]) * own;
    const ended = f.front.stale[nth][k], unheard = change + f.w[k] - f.purged[k];
    return (found - ended) * lateAt(unheard, wholeS(f, k, f.l2Ttl), bound, f.purged[k])
      + ended * lateEnded(f, x, unheard, bound);
  });
  return total(shares, at) / total(f.rc, at);
}

// Of an answer in front that had ended when it was served, first of its data centre's.
function lateEnded(f, rc, change, bound) {
  const { staleS, l2Ttl } = f, least = Math.min(Math.max(bound - l2Ttl, 0), staleS);
  const both = rc + change, kept = Math.exp(-rc * least) - Math.exp(-rc * staleS);
  const same = ((Math.exp(-change * Math.max(l2Ttl - bound, 0) + change * least) * rc) / both)
    * (Math.exp(-both * least) - Math.exp(-both * staleS));
  return Math.max((kept - same) / Math.max(-Math.expm1(-rc * staleS), 1e-300), 0);
}

// Who is told after so many seconds has not heard of the last of them, or of those of its copy.
function unheardUntilTold(at, f, c, k, bound, after) {
  const told = f.told(c, k), ended = f.l1Ended(c, k);
  const younger = Math.expm1(-ended * after) / Math.expm1(-ended * f.l1Whole);
  const old = -Math.expm1(-told * Math.max(after - bound, 0));
  return younger * lateAt(told, after, bound, ended) + (1 - younger) * old;
}

const NEVER_S = 1e30;

function lateSliding(design, at, f, c, k, bound) {
  const n = at.numbers, change = 1 / n.value_life_s, w = f.w[k];
  const l1 = f.rc[c][k] - f.missed[c][k], hit = l1 / f.rc[c][k];
  const asked = Math.min(Math.max(((f.rc[c][k] + f.wi[c][k]) / f.split(c)) * f.l1Ttl, 1e-6), 600);
  const gap = f.l1Ttl * (1 / asked - 1 / Math.expm1(asked));
  const near = lateAt(change + w, NEVER_S, bound, (1 - hit) / gap);
  if (!f.store) return l1 * near;
  const far = lateAt(change, f.l2Held(c, k), bound, w);
  return l1 * (1 - (1 - near) * (1 - far)) + (f.missed[c][k] - f.loaded[c][k]) * far;
}

// Every way that a read may go: how many a second, their median time, and how widely it varies.
function parts(design, at, f) {
  const n = at.numbers, l1 = f.l1 ? n.l1_ms : 0, reached = reachedBy(at, f), found = new Map();
  const loading = loadMs(at), ways = waysOf(at, f), races = racesOf(design, at, f);
  const add = (rate, ms, uneven = 0) => {
    const median = Math.max(ms, 1e-6), sigma = sigmaOf(n, ms, uneven), way = `${median} ${sigma}`;
    if (rate > 0) found.set(way, [rate + (found.get(way)?.[0] ?? 0), median, sigma, null]);
  };
  const ofColo = (row) => row.reduce((sum, x, k) => sum + x * at.keys.number[k], 0);
  f.rr.forEach((row, nth) => {
    const sum = (rate) => ofColo(row.map((x, k) => rate(x, k)));
    const { place: c, part, near, upper, before } = reached[nth];
    if (f.l1) add(part * ofColo(f.inL1[c]), l1 + before);
    if (f.front) {
      add(sum((x, k) => x - f.front.pastColo[nth][k]), near);
      add(sum((x, k) => f.front.pastColo[nth][k] - f.front.waiting[nth][k]), upper);
    }
    for (const way of races.length ? [] : ways) {
      add(part * ofColo(way.found[c]), l1 + before + way.ms[c], way.uneven[c]);
      add(part * ofColo(way.loaded[c]), l1 + before + way.ms[c] + loading[c], way.uneven[c]);
    }
  });
  return [...found.values()].concat(races.map((race) => [race.found + race.loaded, 0, 0, race]));
}

// The time within which a share q of the reads is answered: log-normals around each part's median.
function quantileMs(found, q) {
  const all = found.reduce((sum, [rate]) => sum + rate, 0), races = found.map((each) => each[3]).filter(Boolean);
  const places = found.filter((each) => !each[3]).map(([rate, ms, sigma]) => [rate / all, Math.log(ms), sigma]);
  const ends = [...places.flatMap(([, place, sigma]) => around(place, sigma)), ...races.flatMap(raceEnds)];
  let low = Math.min(...ends);
  let high = Math.max(...ends);
  let at = (low + high) / 2;
  for (let turn = 0; turn < 100; turn++) { // Newton's steps, halving where they would leave
    let reached = 0, slope = 0;
    for (const [share, place, sigma] of places) {
      reached += share * normal((at - place) / sigma);
      slope += (share * density((at - place) / sigma)) / sigma;
    }
    for (const race of races) {
      const [within, more] = raceReached(race, Math.exp(at));
      reached += within / all;
      slope += more / all;
    }
    if (reached < q) low = at; else high = at;
    const next = at + (q - reached) / slope, was = at;
    at = next > low && next < high ? next : (low + high) / 2;
    if (Math.abs(at - was) < 1e-12) break;
  }
  return Math.exp(at);
}

// Between which nearly all of a normal distribution lies.
const around = (middle, sigma) => [middle - 6 * sigma, middle + 6 * sigma];

// The normal distribution by its series, which is exact to rounding where it is not 0 or 1.
function normal(x) {
  if (Math.abs(x) > 7) return x > 0 ? 1 : 0;
  let term = x, sum = x;
  for (let i = 3; Math.abs(term) > 1e-17 * Math.abs(sum) && i < 400; i += 2) {
    term *= (x * x) / i;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}
