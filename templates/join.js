// Keys that lie together in one value: as cachelib/model/formulas/joining says.
// tests/report/test_estimate_script.py holds it against the Python.
"use strict";

function keysEach(design, keys) {
  const all = keys.number.reduce((sum, n) => sum + n, 0) + keys.unasked, { joined } = design;
  if (!joined || joined === 1) return 1;
  return all / Math.max(Math.ceil((all / joined) * (1 - 1e-12)), 1);
}

// The setting as a design sees it: its values in the place of keys.
function joinedAt(design, at) {
  const each = keysEach(design, at.keys), n = at.numbers;
  if (each === 1) return at;
  const numbers = { ...n, value_bytes: n.value_bytes * each };
  if (design.write_only_if_changed) numbers.value_life_s = n.value_life_s / each;
  return { ...at, keys: valuesOf(at.keys, each), numbers, keysEach: each };
}

function valuesOf(keys, each) {
  let reached = 0;
  const ends = keys.number.map((n) => (reached += n)), number = (reached + keys.unasked) / each;
  const edges = [...new Set([...ends.map((end) => end % number), 0, number])].sort((a, b) => a - b);
  const found = { share: [], number: [], unasked: 0 };
  edges.slice(1).forEach((edge, i) => {
    let share = 0;
    for (let turn = 0; turn < Math.ceil(each); turn++) {
      const place = (edge + edges[i]) / 2 + number * turn, kind = ends.findIndex((end) => place < end);
      if (kind >= 0) share += keys.share[kind];
    }
    if (!share) return;
    found.share.push(share);
    found.number.push(edge - edges[i]);
  });
  return found;
}

const callsOf = (counts) => counts.origin_calls ?? counts.origin_loads;

function withCalls(design, at, counts) {
  if (!design.joined) return counts;
  return { ...counts, origin_calls: counts.origin_loads * (design.joined_origin_calls ?? at.keysEach ?? 1) };
}
