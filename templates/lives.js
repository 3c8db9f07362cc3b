// How long copies live, are asked for and go stale: what cachelib/model/formulas/lives.py says.

// What is left on average of a life that ends with another's, at a moment of it: T - T²/2L.
function cut(life, whole) {
  const short = Math.min(life, whole);
  return short - short ** 2 / (2 * whole);
}

// Up to which age those are spread evenly that are as old on average, at any moment.
function oldest(life, whole) {
  const short = Math.min(life, whole), part = short / whole;
  return (short * (1 - (2 * part) / 3)) / (1 - part / 2);
}

function seenWithin(asked, others, ttl, lost, idle) {
  const n = Math.min(others * idle, 600), ends = others * Math.exp(-n);
  const alive = 1 - (1 + n) * Math.exp(-n), soon = Math.min(ttl, idle);
  const first = asked + lost, late = first + ends;
  const earlyHits = -Math.expm1(-first * soon) / first;
  const lateHits = (alive * Math.exp(-first * soon) * -Math.expm1(-late * (ttl - soon))) / late;
  return asked * (earlyHits + lateHits);
}

function arrivals(rate, life, idle) {
  const n = Math.min(rate * idle, 600), ends = rate * Math.exp(-n);
  const alive = 1 - (1 + n) * Math.exp(-n), beyond = Math.max(life - idle, 0);
  const late = ends * life < 1e-9 ? rate * alive * beyond
    : (rate * alive * -Math.expm1(-ends * beyond)) / Math.max(ends, 1e-300);
  return rate * Math.min(life, idle) + late;
}

function valid(w, ttl) {
  const n = Math.min(w * ttl, 600);
  return n < 1e-9 ? ttl : Math.expm1(n) / Math.max(w, 1e-300);
}

const expired = (r, w, ttl) => 1 / (1 + (r + w) * valid(w, ttl));

const firstOfMonth = (rate) => -Math.expm1(-rate * MONTH_S) / (rate * MONTH_S);

function meanAge(w, ttl) {
  const n = Math.min(Math.max(w * ttl, 1e-6), 600);
  return ttl * (1 / n - 1 / Math.expm1(n));
}

const stillHeld = (n) => (n / (1 + n)) * -Math.expm1(-n / 2);

// The mean of 1 - e^-v(a - bound) over the ages a of a copy that lives so long and is renewed at w.
function lateAt(change, life, bound, renewed = 0) {
  const w = Math.max(renewed, 1e-12), over = Math.max(life - bound, 0);
  const changed = -Math.expm1(-w * over) + (w / (change + w)) * Math.expm1(-(change + w) * over);
  return Math.max((Math.exp(-w * bound) * changed) / -Math.expm1(-w * life), 0);
}
