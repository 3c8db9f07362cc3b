// Reads that ask the origin, too, when a store is slow: as cachelib/model/formulas/racing says.
// tests/report/test_estimate_script.py holds it against the Python.

// By colo of readers and way: reads that find their value and that do not, and what takes how long.
function racesOf(design, at, f) {
  if (design.hedge_after_ms == null) return [];
  const n = at.numbers, l1 = f.l1 ? n.l1_ms : 0, loading = loadMs(at), reached = reachedBy(at, f);
  const ofColo = (row) => row.reduce((sum, x, k) => sum + x * at.keys.number[k], 0);
  const told = (way, { place: c, part, before }) => {
    const near = l1 + before, looking = Math.max(way.ms[c], 1e-9), origin = Math.max(loading[c], 1e-9);
    const sigma = (ms) => sigmaOf(n, ms, way.uneven[c]), after = design.hedge_after_ms;
    return {
      found: Math.max(part * ofColo(way.found[c]), 0), loaded: Math.max(part * ofColo(way.loaded[c]), 0),
      near, looking, after, origin, inTime: Math.log(after / looking) / sigma(looking),
      sigmas: { looking: sigma(looking), found: sigma(near + looking),
        loaded: sigma(near + looking + origin), origin: sigma(Infinity) },
    };
  };
  return waysOf(at, f).flatMap((way) => reached.map((from) => told(way, from)))
    .filter((race) => race.found + race.loaded > 0);
}

const raceSlow = (race) => beyond(race.inTime);

// 1 - normal(x), exact to rounding also where it is next to nothing: Laplace's continued fraction.
function beyond(x) {
  if (x < 3) return 1 - normal(x);
  let fraction = x;
  for (let i = 200; i > 0; i--) fraction = x + i / fraction;
  return density(x) / fraction;
}

function withRaces(design, at, f, counts) {
  if (design.hedge_after_ms == null) return counts;
  const raced = racesOf(design, at, f).reduce((sum, race) => sum + race.found * raceSlow(race), 0) * MONTH_S;
  return { ...counts, origin_loads: counts.origin_loads + raced, hedged_reads: raced };
}

const density = (x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

// Reads a second that are answered within so long, and how many more as its logarithm grows.
function raceReached(race, ms) {
  const { near, looking, after, origin, sigmas, inTime } = race, whole = near + looking + origin;
  const left = Math.max(ms - near - after, 1e-300), x = Math.log(left / origin) / sigmas.origin;
  const told = normal(x), toldMore = left > 1e-300 ? (density(x) * (ms / left)) / sigmas.origin : 0;
  const y = Math.log(ms / (near + looking)) / sigmas.found, slow = raceSlow(race);
  const found = 1 - (1 - normal(y)) * (1 - told);
  const foundMore = (density(y) / sigmas.found) * (1 - told) + toldMore * (1 - normal(y));
  const z = Math.log(ms / whole) / sigmas.loaded, isSoon = z < inTime;
  const loaded = normal(Math.min(z, inTime)) + slow * told;
  const loadedMore = (isSoon ? density(z) / sigmas.loaded : 0) + slow * toldMore;
  return [race.found * found + race.loaded * loaded, race.found * foundMore + race.loaded * loadedMore];
}

// Between which logarithms all of a race lies.
const raceEnds = ({ near, looking, after, origin, sigmas }) =>
  [near, near + looking + origin, near + after + origin].flatMap((ms) =>
    around(Math.log(Math.max(ms, 1e-6)), Math.max(sigmas.looking, sigmas.origin)));

// What they take, all together, of a second.
function raceMs(race) {
  const { near, looking, after, origin, sigmas, inTime } = race, steps = 200, far = 8;
  const told = (ms) => normal(Math.log(Math.max(ms - near - after, 1e-300) / origin) / sigmas.origin);
  const middle = Math.log(near + looking), sigma = sigmas.found, above = (s) => Math.exp(s ** 2 / 2);
  let found = Math.exp(middle - far * sigma);
  for (let step = 0; step <= steps; step++) {
    const z = far * ((2 * step) / steps - 1), ms = Math.exp(middle + z * sigma);
    const late = ms * (1 - normal(z)) * (1 - told(ms));
    found += ((step % steps ? 1 : 0.5) * late * sigma * 2 * far) / steps;
  }
  const soon = (near + looking + origin) * above(sigmas.loaded) * normal(inTime - sigmas.loaded);
  const later = raceSlow(race) * (near + after + origin * above(sigmas.origin));
  return race.found * found + race.loaded * (soon + later);
}
