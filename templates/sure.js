// How sure, who is chosen where, and which claims hold, at the panel's numbers. Nothing here draws:
// tests/report/test_panel_script.py holds it against the Python under node. What takes long is a
// generator, so that the page may stop in between.

// By how much each option is above the best, as cachelib/model/judgement/regret.py says.
function losses(panel, judged) {
  const { broken_limit: fixed } = panel.criteria;
  const kept = judged.broken.map((limits) => !limits.length);
  const ranked = judged.score.filter((score, i) => kept[i] && !Number.isNaN(score));
  const best = Math.min(...ranked), breach = fixed ?? Math.max(...ranked) - best;
  return judged.score.map((score, i) => {
    if (Number.isNaN(score)) return NaN;
    if (!ranked.length) return 0;
    const over = Math.max(score - best, 0);
    if (kept[i]) return over;
    return fixed == null ? breach : over + breach;
  });
}

// Every option over the panel's draws, what the reader has moved held where it is.
function* tried(panel, changes) {
  const names = Object.keys(panel.draws), tries = panel.draws[names[0]]?.length ?? 0;
  const all = panel.designs.map(() => ({ kept: 0, best: 0, losses: [] }));
  for (let nth = 0; nth < tries; nth++) {
    const drawn = Object.fromEntries(names.map((name) => [name, panel.draws[name][nth]]));
    const at = { ...drawn, ...changes }, judged = judge(panel, whatIf(panel, at), at);
    losses(panel, judged).forEach((loss, i) => {
      all[i].kept += !judged.broken[i].length;
      all[i].best += judged.tied[i];
      all[i].losses.push(loss);
    });
    yield nth;
  }
  return all.map(({ kept, best, losses }) => ({
    kept: kept / tries, best: best / tries, ...regretOf(losses) }));
}

// The same brought to what the report found at the case's own numbers, over many more draws.
// `here`: what these draws say there. What no draw or every draw says at both stays so.
function brought(report, here, there) {
  const to = (name, unit) => correctionTo(report[name], here[name], unit);
  const share = (name) => Math.min(Math.max(corrected(there[name], to(name, "ratio")), 0), 1);
  if (report.mean === null) return { ...there, kept: share("kept"), best: share("best") };
  const regret = to("mean", "USD"), size = regret.kind === "factor" ? regret.amount : 1;
  return { kept: share("kept"), best: share("best"),
           mean: Math.max(corrected(there.mean, regret), 0), error: there.error * size };
}

// Mean, its error (one standard deviation), and what is exceeded in 1 of 20.
function regretOf(losses) {
  const n = losses.length, mean = losses.reduce((sum, x) => sum + x, 0) / n;
  const spread = losses.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1);
  const ordered = [...losses].sort((a, b) => a - b), at = 0.95 * (n - 1), below = Math.floor(at);
  const above = ordered[Math.min(below + 1, n - 1)];
  return { mean, error: Math.sqrt(spread / n),
           p95: ordered[below] + (at - below) * (above - ordered[below]) };
}

// So many values of a number, evenly in the logarithm where it is positive.
function placesOn({ low, high, log }, side) {
  const step = (nth) => nth / (side - 1);
  return Array.from({ length: side }, (_, nth) =>
    nth === 0 ? low : nth === side - 1 ? high
      : log ? low * (high / low) ** step(nth) : low + (high - low) * step(nth));
}

// Who is chosen over two numbers, row by row: -1 where nothing keeps the limits.
function* chosenOver(panel, changes, x, y, xs, ys) {
  const rows = [];
  for (const up of ys) {
    rows.push(xs.map((across) => {
      const at = { ...changes, [x]: across, [y]: up };
      return judge(panel, whatIf(panel, at), at).chosen;
    }));
    yield rows;
  }
  return rows;
}

// Neighbours of a map that are alike, as boxes of cells, the largest first.
function boxesOf(rows) {
  const open = new Map(), boxes = [];
  rows.forEach((row, y) => {
    for (let x = 0, end; x < row.length; x = end) {
      for (end = x; end < row.length && row[end] === row[x]; ) end++;
      const key = `${row[x]},${x},${end}`, above = open.get(key);
      if (above && above.y + above.high === y) above.high++;
      else {
        const box = { chosen: row[x], x, y, wide: end - x, high: 1 };
        open.set(key, box);
        boxes.push(box);
      }
    }
  });
  return boxes.sort((a, b) => b.wide * b.high - a.wide * a.high);
}

// What brings a formula's value to the one that was found, as `Correction.between` in
// cachelib/model/judgement/model.py says.
function correctionTo(found, formula, unit) {
  const inside = (share) => share > 1e-9 && share < 1 - 1e-9;
  if (Number.isNaN(found) || Number.isNaN(formula)) return null;
  if (unit === "ratio") {
    if (inside(found) && inside(formula))
      return { kind: "odds", amount: found / (1 - found) / (formula / (1 - formula)) };
  } else if (Math.abs(formula) > 1e-9 && found > 0) return { kind: "factor", amount: found / formula };
  return { kind: "difference", amount: found - formula };
}

// A claim at other numbers: its design as the case sets it, brought to what was `found` here.
function claimAt(panel, claim, changes, found) {
  const value = (at) => monthOf(panel, panel.as_set[claim.of], at).of(claim.metric);
  const here = value(grown(panel, {}));
  const there = corrected(value(grown(panel, changes)), correctionTo(found, here, claim.unit));
  return { value: there, holds: there >= (claim.low ?? -Infinity) && there <= (claim.high ?? Infinity) };
}
