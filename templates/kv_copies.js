// Where KV finds a value, by formula: what cachelib/model/formulas/kv_copies.py says.

// By colo and key: the shares of the reads that reach KV there which look past the data centre's
// cache, and which wait for the central store; and how old what a cache answers can be.
function kvCopies(at, f) {
  const n = at.numbers, region = at.trips.region, value = f.forever ? NEVER : f.l2Ttl;
  const ttl = n.kv_cache_ttl_s, early = n.kv_refresh_share * ttl, whole = 1 - Math.min(ttl / value, 1);
  const sure = cut(ttl, value) - whole * early;
  const sums = new Map(region.map((name) => [name, f.r.map(() => 0)]));
  f.asked.forEach((row, c) => row.forEach((x, k) => { sums.get(region[c])[k] += Math.max(x, LEAST); }));
  return map(f.asked, (rate, c, k) => {
    const x = Math.max(rate / n.caches_per_colo, LEAST), together = sums.get(region[c])[k];
    const cycle = sure + 1 / together, asksIn = (seconds) => -Math.expm1(-x * seconds);
    let lacks = asksIn(sure) + (1 - asksIn(sure)) * (x / together);
    let central = 1 / (cycle * together), oldest = sure;
    if (early) {
      const keeps = whole * asksIn(early), others = whole * -Math.expm1(-(together - x) * early);
      const rest = Math.max(sure - early + meanAge(together, early), 0);
      const after = others * asksIn(rest) + (1 - others) * lacks;
      lacks = ((1 - keeps) * lacks) / (1 - keeps + lacks - (1 - keeps) * after);
      const inTime = whole * -Math.expm1(-together * early);
      central *= 1 - inTime;
      oldest += inTime / together;
    }
    return { pastColo: Math.min(Math.max(lacks / (cycle * x), central), 1), central, oldest };
  });
}

const LEAST = 1e-30; // stands for a rate of nothing where it divides
