// How long a design's reads take, by formula: what cachelib/model/formulas/waits.py says.

function meanMs(design, at, f) {
  const n = at.numbers, l1 = f.l1 ? n.l1_ms : 0;
  const ways = waysOf(at, f), reached = reachedBy(at, f), loading = loadMs(at);
  const races = racesOf(design, at, f);
  let weight = races.reduce((all, race) => all + race.found + race.loaded, 0);
  let sum = races.reduce((all, race) => all + raceMs(race), 0);
  const add = (rate, c, k, ms, uneven = 0) => {
    const reads = Math.max(rate, 0) * at.keys.number[k];
    weight += reads;
    sum += reads * Math.max(ms, 1e-6) * Math.exp(sigmaOf(n, ms, uneven) ** 2 / 2);
  };
  f.rr.forEach((row, nth) => row.forEach((x, k) => {
    const { place: c, part, near, upper, before } = reached[nth];
    if (f.l1) add(f.inL1[c][k] * part, c, k, l1 + before);
    if (f.front) {
      add(x - f.front.pastColo[nth][k], c, k, near);
      add(f.front.pastColo[nth][k] - f.front.waiting[nth][k], c, k, upper);
    }
    for (const way of races.length ? [] : ways) {
      add(way.found[c][k] * part, c, k, l1 + before + way.ms[c], way.uneven[c]);
      add(way.loaded[c][k] * part, c, k, l1 + before + way.ms[c] + loading[c], way.uneven[c]);
    }
  }));
  return sum / weight;
}

// How widely what takes `ms` varies: `uneven` are the ms of its parts that vary otherwise than all
// others do, each times how much wider.
const sigmaOf = (n, ms, uneven) => Math.max(n.jitter + uneven / Math.max(ms, 1e-6), 1e-6);

// Of a read for which the Worker runs, from when it does: as `Waits.ran_ms`.
function ranMs(month, at, f) {
  const n = at.numbers, t = at.trips, above = Math.exp(Math.max(n.jitter, 1e-6) ** 2 / 2);
  if (!f.front) {
    const way = t.to_worker.reduce((sum, ms, nth) =>
      sum + (n.rtt_base_ms + n.path_factor * ms) * t.reader_share[nth], 0);
    return month.mean_ms - way * above;
  }
  const l1 = f.l1 ? n.l1_ms : 0, loading = loadMs(at);
  const ofColo = (row) => Math.max(row.reduce((sum, x, k) => sum + x * at.keys.number[k], 0), 0);
  const all = { ...f, askedAwaited: f.asked, awaited: f.loaded }; // those for which nobody waits, too
  const waited = at.weights.reduce((sum, _, c) => waysOf(at, all).reduce((part, way) =>
    part + ofColo(way.found[c]) * way.ms[c] + ofColo(way.loaded[c]) * (way.ms[c] + loading[c]), sum), 0);
  return (waited / total(f.front.runs, at) + l1) * above;
}

// How long whoever loads waits for the origin, on average over loads: as `Waits.waited_ms`.
function waitedMs(at, f) {
  const loads = f.loaded.map((row) => Math.max(row.reduce((sum, x, k) => sum + x * at.keys.number[k], 0), 0));
  const sum = loadMs(at).reduce((all, ms, c) => all + ms * loads[c], 0), all = loads.reduce((a, b) => a + b, 0);
  return (sum / Math.max(all, 1e-300)) * Math.exp(at.numbers.jitter ** 2 / 2);
}

// From each data centre of readers: where the Worker runs for them, which part of that place's
// requests is theirs, and how long they have taken until it runs, past what is in front of it.
function reachedBy(at, f) {
  const n = at.numbers, t = at.trips, trip = (ms) => n.rtt_base_ms + n.path_factor * ms;
  const all = at.weights.map((_, c) =>
    t.reader_share.reduce((sum, share, nth) => sum + (t.reader[nth] === c ? share : 0), 0));
  const ofColo = (row) => row.reduce((sum, x, k) => sum + x * at.keys.number[k], 0);
  return t.reader.map((place, nth) => {
    const own = t.to_worker.length ? t.reader_share[nth] / all[place] : 1; // of all its reads
    const ran = f.front && t.to_worker.length
      ? ofColo(f.front.waiting[nth]) / Math.max(ofColo(f.front.awaited[place]), 1e-300) : own;
    const looking = (takes = []) => takes.reduce((sum, name) => sum + (t[name] ? trip(t[name][nth]) : n[name]), 0);
    const onward = t[f.ahead?.in_front.onward] ?? t.to_worker, way = onward.length ? trip(onward[nth]) : 0;
    const near = looking(f.ahead?.takes), upper = looking(f.ahead?.last);
    return { place, own, part: ran, near, upper, before: upper + way };
  });
}

// How long a load takes, from each place where the Worker runs: the origin, and CPU time after it.
function loadMs(at) {
  const n = at.numbers, way = at.trips.to_origin;
  return at.weights.map((_, c) =>
    n.origin_ms + n.load_cpu_ms + (way.length ? n.origin_trips * (n.rtt_base_ms + n.path_factor * way[c]) : 0));
}

function waysOf(at, f) {
  const n = at.numbers, t = at.trips;
  const trip = (straight) => straight.map((ms) => n.rtt_base_ms + n.path_factor * ms);
  const same = (ms) => at.weights.map(() => ms);
  const looking = (tier) => addsUpTo(tier.takes, at);
  if (f.layered) {
    const near = { found: map(f.missed, (x, c, k) => x - f.asked[c][k]), loaded: map(f.rc, () => 0) };
    const behind = waysOf(at, { ...f, layered: false });
    const first = looking(f.near);
    const later = behind.map((way) => ({ ...way, ms: way.ms.map((ms, c) => ms + first[c]) }));
    return [{ ...near, ms: first, uneven: same(0) }, ...later];
  }
  const found = map(f.askedAwaited, (x, c, k) => x - f.awaited[c][k]);
  const all = (ms) => [{ found, loaded: f.awaited, ms, uneven: same(0) }];
  if (!f.store) return all(same(0));
  if (f.far.plain) return all(looking(f.far));
  if (f.store === "kv") return kvWays(at, f, found, trip);
  return t.home_share.flatMap((share, home) => {
    if (!share) return [];
    const away = trip(t.to_home.map((row) => row[home]));
    return [[(k) => f.warm[k], n.do_memory_ms], [(k) => 1 - f.warm[k], n.do_storage_ms]].map(
      ([part, own]) => ({
        found: map(found, (x, c, k) => x * share * part(k)),
        loaded: map(f.awaited, (x, c, k) => x * share * part(k)),
        ms: away.map((ms) => own + ms),
        uneven: same(0),
      }));
  });
}

// Milliseconds of what is named, by data centre: as `Setting.adds_up_to`.
const addsUpTo = (takes, at) => at.weights.map((_, c) => takes.reduce((sum, name) => {
  const n = at.numbers, straight = at.trips[name];
  return sum + (straight ? n.rtt_base_ms + n.path_factor * straight[c] : n[name]);
}, 0));

function kvWays(at, f, found, trip) {
  const n = at.numbers, t = at.trips;
  const none = map(found, () => 0), of = (share) => map(found, (x, c, k) => x * share(f.copies[c][k]));
  const toRegion = trip(t.to_region).map((ms) => n.kv_read_ms + ms);
  const toCentral = trip(t.to_central).map((ms, c) => toRegion[c] + ms + n.kv_central_ms);
  const way = (found, loaded, ms, sigma) =>
    ({ found, loaded, ms, uneven: ms.map((each) => (sigma - n.jitter) * each) });
  return [
    way(of((copies) => 1 - copies.pastColo), none, at.weights.map(() => n.kv_read_ms), n.kv_near_jitter),
    way(of((copies) => copies.pastColo - copies.central), none, toRegion, n.kv_far_jitter),
    way(of((copies) => copies.central), f.awaited, toCentral, n.kv_far_jitter),
  ];
}
