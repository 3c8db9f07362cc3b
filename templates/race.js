// Reads that ask the origin, too, when a store is slow: as cachelib/model/formulas/racing says.
// tests/report/test_estimate_script.py holds it against the Python.

// By colo of readers and way: reads that find their value and that do not, and what takes how long.
function racesOf(design, at, f) {
  if (design.hedge_after_ms == null) return [];
  const l1 = f.l1 ? at.numbers.l1_ms : 0, loading = loadMs(at), reached = reachedBy(at, f);
  const ofColo = (row) => row.reduce((sum, x, k) => sum + x * at.keys.number[k], 0);
  return waysOf(at, f).flatMap((way) => reached.map(({ place: c, part, before }) => ({
    found: Math.max(part * ofColo(way.found[c]), 0), loaded: Math.max(part * ofColo(way.loaded[c]), 0),
    near: l1 + before, looking: Math.max(way.ms[c], 1e-9), after: design.hedge_after_ms,
    origin: Math.max(loading[c], 1e-9),
  }))).filter((race) => race.found + race.loaded > 0);
}

const raceSlow = (race, sigma) => beyond(Math.log(race.after / race.looking) / sigma);

// 1 - normal(x), exact to rounding also where it is next to nothing: Laplace's continued fraction.
function beyond(x) {
  if (x < 3) return 1 - normal(x);
  let fraction = x;
  for (let i = 200; i > 0; i--) fraction = x + i / fraction;
  return density(x) / fraction;
}

function withRaces(design, at, f, counts) {
  if (design.hedge_after_ms == null) return counts;
  const sigma = Math.max(at.numbers.jitter, 1e-6);
  const raced = racesOf(design, at, f).reduce((sum, race) => sum + race.found * raceSlow(race, sigma), 0) * MONTH_S;
  return { ...counts, origin_loads: counts.origin_loads + raced, hedged_reads: raced };
}

const density = (x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

// Reads a second that are answered within so long, and how many more for each sigma of its logarithm.
function raceReached(race, ms, sigma) {
  const { near, looking, after, origin } = race, whole = near + looking + origin;
  const left = Math.max(ms - near - after, 1e-300), x = Math.log(left / origin) / sigma;
  const told = normal(x), toldMore = left > 1e-300 ? density(x) * (ms / left) : 0;
  const y = Math.log(ms / (near + looking)) / sigma, slow = raceSlow(race, sigma);
  const found = 1 - (1 - normal(y)) * (1 - told);
  const foundMore = density(y) * (1 - told) + toldMore * (1 - normal(y));
  const isSoon = ms / whole < after / looking, z = Math.log(Math.min(after / looking, ms / whole)) / sigma;
  const loaded = normal(z) + slow * told, loadedMore = (isSoon ? density(z) : 0) + slow * toldMore;
  return [race.found * found + race.loaded * loaded, race.found * foundMore + race.loaded * loadedMore];
}

// Between which medians all of a race lies.
const raceEnds = ({ near, looking, after, origin }, sigma) =>
  [near, near + looking + origin, near + after + origin].map((ms) => Math.log(Math.max(ms, 1e-6)) / sigma);

// What they take, all together, of a second.
function raceMs(race, sigma) {
  const { near, looking, after, origin } = race, above = Math.exp(sigma ** 2 / 2), steps = 200, far = 8;
  const told = (ms) => normal(Math.log(Math.max(ms - near - after, 1e-300) / origin) / sigma);
  const middle = Math.log(near + looking);
  let found = Math.exp(middle - far * sigma);
  for (let step = 0; step <= steps; step++) {
    const z = far * ((2 * step) / steps - 1), ms = Math.exp(middle + z * sigma);
    const late = ms * (1 - normal(z)) * (1 - told(ms));
    found += ((step % steps ? 1 : 0.5) * late * sigma * 2 * far) / steps;
  }
  const soon = (near + looking + origin) * above * normal(Math.log(after / looking) / sigma - sigma);
  return race.found * found + race.loaded * (soon + raceSlow(race, sigma) * (near + after + origin * above));
}
