// What answers before the Worker runs, by formula: as cachelib/model/formulas/front.py has it.

// What is in front of the Worker: reads that wait for what is past the data centre's tier, that wait
// for the Worker, that are served what has ended; that run the Worker, and that wait for it; those
// that came before one from other upper tiers; and the chance that who loads has what has ended.
function frontOf(f, at, lost) {
  const { reader, [f.ahead.in_front.upper]: asks = reader.map(() => 0) } = at.trips, ttl = f.l2Ttl;
  const summed = (rows, is) => f.r.map((_, k) => rows.reduce((sum, row, nth) => is(nth) ? sum + row[k] : sum, 0));
  const uppers = [...new Set(asks)], at_ = asks.map((upper) => uppers.indexOf(upper));
  const ofUpper = uppers.map((upper) => summed(f.rr, (nth) => asks[nth] === upper));
  const apart = !f.store && uppers.length > 1; // each loads for itself
  const looks = (among, reads, k) => {
    const w = f.store ? f.w[k] : 0, every = among + w, kept = valid(w, ttl);
    const first = reads / every + (1 - reads / every) * -Math.expm1(-reads * ttl);
    const later = Math.max(kept - ttl, 0) / (1 / reads + ttl - meanAge(w, ttl));
    const emptied = lost * kept * -Math.expm1((-reads * ttl) / 2);
    const ended = first + later, between = kept + 1 / every;
    if (f.purged.some((x) => x > 0))
      return whenPurged(reads, Math.min(ended / between, reads), f.purged[k] + lost, f.staleS);
    const awaited = Math.min((ended * Math.exp(-reads * f.staleS) + emptied) / between, reads);
    return { awaited, aside: Math.min((ended * -Math.expm1(-reads * f.staleS)) / between, reads - awaited) };
  };
  const looksOf = (among, reads, k) => looksEmptied(f, k, looks(among, reads, k), reads);
  const there = map(ofUpper, (reads, u, k) => looksOf(apart ? reads : f.r[k], reads, k));
  const here = map(f.rr, (x, nth, k) => looksOf(apart ? ofUpper[at_[nth]][k] : f.r[k], x, k));
  const parts = (of) => map(f.rr, (x, nth, k) => of(there[at_[nth]][k]) * (x / ofUpper[at_[nth]][k]));
  const waiting = parts((each) => each.awaited), served = parts((each) => each.aside);
  const run = map(waiting, (x, nth, k) => x + served[nth][k]);
  const byPlace = (rows) => at.weights.map((_, place) => summed(rows, (nth) => reader[nth] === place));
  const runs = byPlace(run), squares = runs.map((_, place) => uppers.map((upper) =>
    summed(run, (nth) => reader[nth] === place && asks[nth] === upper)));
  return {
    waiting, runs, awaited: byPlace(waiting), aside: byPlace(served), stale: map(here, (each) => each.aside),
    pastColo: map(f.rr, (x, nth, k) => Math.min(Math.max(here[nth][k].awaited, waiting[nth][k]), x)),
    ofOthers: map(runs, (x, c, k) => Math.max(x - squares[c].reduce((sum, row) => sum + row[k] ** 2, 0) / x, 0)),
    has: f.r.map((r, k) => ofUpper.reduce((sum, row) =>
      sum + (row[k] / r) * (1 - (1 - row[k] / r) * Math.exp(-row[k] * ttl)), 0)),
  };
}

// The chance that memory has what is asked for from in front of the Worker: others have asked for it.
function foundBehind(f, c, k) {
  if (!f.l1) return 0;
  return amongMemory(f, (f.front.ofOthers[c][k] / f.split(c)) * f.l1Life(c, k), c, k);
}

function whenPurged(reads, looks, ends, staleS) {
  const life = Math.max(1 / looks - 1 / reads, 0), left = -Math.expm1(-ends * life) / ends;
  const all = reads / (1 + reads * left);
  const before = (reads / (reads + ends)) * -Math.expm1(-(reads + ends) * staleS);
  const served = Math.exp(-ends * life) * before;
  return { awaited: all * (1 - served), aside: all * served };
}
