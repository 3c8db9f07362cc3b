// The what-if panel: every option at other numbers, and which of them would be chosen.
function monthlyUsd(design, month, at, prices) {
  const n = at.numbers, used = {};
  for (const [meter, name] of Object.entries(prices.counts))
    if (name in month.counts) used[meter] = month.counts[name];
  const runs = month.counts.requests - (month.counts.workers_cache_hits ?? 0);
  used["workers.cpu_ms"] = runs * n.worker_cpu_ms;
  used["workers_ai.neurons"] = month.counts.origin_loads * n.origin_neurons;
  const store = design.tiers.at(-1);
  if (store === "durable-object")
    used["do.duration"] = ((month.counts.do_requests * n.do_active_ms) / 1000) * prices.object_gb;
  if (store in prices.stored) used[prices.stored[store]] = month.stored_gb;
  used["database.calls"] = month.counts.origin_loads;
  Object.assign(used, design.rented);
  const tier = at.tiers[store], c = month.counts;
  if (tier?.carried) {
    const found = c[tier.reads] - (c.origin_loads - c.refreshes);
    used[tier.carried] = (((found + c[tier.writes]) * n.value_bytes) / 1e9) * n.cross_zone_share;
  }
  let total = prices.minimum;
  for (const [name, amount] of Object.entries(used)) {
    const meter = prices.meters[name];
    if (!meter) continue; // another vendor's
    const units = Math.max(amount - meter.included, 0) / meter.unit;
    total += (meter.up ? Math.ceil(units * (1 - 1e-9)) : units) * meter.price;
  }
  return total;
}

// What follows from other traffic, as cachelib/model/judgement/growth.py says.
function grown(panel, changes) {
  const here = panel.at.numbers, growth = panel.growth ?? {};
  const at = { ...panel.at, numbers: { ...here, ...changes } };
  if (!("requests_per_month" in changes)) return at;
  const factor = changes.requests_per_month / here.requests_per_month;
  if (growth.writes === "fixed" && here.reads_per_write < 1e30)
    at.numbers.reads_per_write = Math.max((1 + here.reads_per_write) * factor - 1, 0.01);
  if (growth.value_life && growth.value_life !== "fixed") at.numbers.value_life_s /= factor;
  if (growth.keys === "in proportion")
    at.keys = {
      share: at.keys.share.map((share) => share / factor),
      number: at.keys.number.map((number) => number * factor),
    };
  return at;
}

// A formula's value brought to the simulation's, as cachelib/model/judgement/model.py says.
function corrected(value, how) {
  if (!how) return value;
  if (how.kind === "odds") return (how.amount * value) / (1 - value + how.amount * value);
  return how.kind === "factor" ? value * how.amount : value + how.amount;
}

const METRICS = {
  hit_ratio: (o) => o.month.hit_ratio,
  origin_loads_per_month: (o) => o.month.counts.origin_loads,
  mean_ms: (o) => o.month.mean_ms,
  p50_ms: (o) => quantileMs(o.parts, o.at.numbers.jitter, 0.5),
  p95_ms: (o) => quantileMs(o.parts, o.at.numbers.jitter, 0.95),
  p99_ms: (o) => quantileMs(o.parts, o.at.numbers.jitter, 0.99),
  late_share: (o) => lateShare(o.design, o.at, o.flows, o.criteria.late_after_s),
  error_share: (o) => o.month.origin * o.at.numbers.origin_failure,
  availability: (o) => 1 - o.month.origin * o.at.numbers.origin_failure,
  bill_usd: (o) => monthlyUsd(o.design, o.month, o.at, o.prices),
  work_hours: (o) => o.hours,
};

// Every option's metrics at changed numbers; null for what nobody states.
function whatIf(panel, changes) {
  const grownTo = grown(panel, changes), criteria = panel.criteria;
  return panel.designs.map((design) => {
    const at = { ...grownTo, numbers: { ...grownTo.numbers, ...design.platform } };
    const flows = flowsOf(design, at), month = estimate(design, at);
    const hours = changes[`hours:${design.name}`] ?? design.hours;
    const seen = { design, at, flows, month, hours, criteria, prices: panel.prices,
                   parts: parts(design, at, flows) };
    const of = (name) => corrected(METRICS[name](seen), design.corrections[name]);
    const values = {};
    for (const name of Object.keys(criteria.metrics))
      if (name === "monthly_cost_usd")
        values[name] = hours === null ? NaN
          : of("bill_usd") + (hours * at.numbers.hourly_rate_usd) / criteria.months;
      else if (name === "work_hours") values[name] = hours ?? NaN;
      else values[name] = of(name);
    return { name: design.name, values, month };
  });
}

// Which option to choose, as cachelib/model/judgement/ties.py says: of one draw.
function judge(panel, found, changes) {
  const { criteria, designs } = panel;
  const bounds = criteria.limits.map((limit) => changes[limit.name] ?? limit.bound);
  const over = (limit, i, values) => limit.sign * (values[limit.metric] - bounds[i]);
  const broken = found.map(({ values }) =>
    criteria.limits.filter((limit, i) => limit.costs === null && over(limit, i, values) > 0));
  const score = found.map(({ values }) =>
    Object.entries(criteria.weights).reduce((sum, [name, rate]) => sum + rate * values[name], 0) +
    criteria.limits.reduce((sum, limit, i) =>
      sum + (limit.costs === null ? 0 : limit.costs * Math.max(over(limit, i, values), 0)), 0));
  const noise = designs.map((design) => Object.entries(criteria.weights)
    .reduce((sum, [name, rate]) => sum + Math.abs(rate) * (design.noise[name] ?? 0), 0));
  let alive = score.map((value, i) => !broken[i].length && !Number.isNaN(value));
  const best = Math.min(...score.filter((_, i) => alive[i]));
  const aim = criteria.metrics[criteria.aim], weight = Math.abs(criteria.weights[criteria.aim]);
  const room = Math.max(aim.material * weight, aim.relative * Math.abs(best));
  const tied = (alive = within(score, alive, room, noise));
  for (const name of criteria.then) alive = narrowed(panel, found, name, alive, changes);
  const order = designs.map((_, i) => i).sort((a, b) =>
    designs[b].today - designs[a].today || (designs[a].name < designs[b].name ? -1 : 1));
  const chosen = order.find((i) => alive[i]) ?? -1;
  return { chosen, tied, broken, score };
}

function within(value, alive, tolerance, noise) {
  let lead = -1;
  value.forEach((x, i) => { if (alive[i] && (lead < 0 || x < value[lead])) lead = i; });
  if (lead < 0) return alive;
  const least = value[lead];
  return value.map((x, i) => alive[i] &&
    x <= least + Math.max(tolerance, Math.hypot(noise[i], noise[lead])) + 1e-9 * Math.abs(least));
}

function narrowed(panel, found, name, alive, changes) {
  const { designs, criteria } = panel, none = designs.map(() => 0);
  const known = (values) => values.map((x) => (Number.isNaN(x) ? Infinity : x));
  const by = (values, tolerance, noise = none) =>
    values.some((x, i) => alive[i] && Number.isFinite(x)) ? within(values, alive, tolerance, noise) : alive;
  if (name === "work") return by(known(designs.map((design) => design.hours ?? NaN)), 0.5);
  if (name === "today") return by(designs.map((design) => Number(!design.today)), 0);
  if (name === "simplicity") return by(designs.map((design) => design.simplicity), 0);
  const metric = criteria.metrics[name];
  const values = known(found.map((each) => metric.sign * each.values[name]));
  const best = Math.min(...values.filter((_, i) => alive[i]));
  const tolerance = Math.max(metric.material, metric.relative * Math.abs(Number.isFinite(best) ? best : 0));
  return by(values, tolerance, designs.map((design) => design.noise[name] ?? 0));
}

// A number as people read it: three digits, never more than they can tell.
function told(value, unit) {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 1e15) return "over 10¹⁵";
  const brief = (number) => new Intl.NumberFormat("en", {
    maximumSignificantDigits: 3, ...(Math.abs(number) >= 1e7 && { notation: "compact" }),
  }).format(number);
  if (unit === "ratio") return `${brief(100 * value)} %`;
  if (unit === "USD")
    return `${value < 0 ? "-" : ""}$${Math.abs(value) >= 1e4 ? brief(Math.abs(value)) : Math.abs(value).toFixed(2)}`;
  if (unit === "s" && value >= 120)
    for (const [size, word] of [[86400, "days"], [3600, "h"], [60, "min"]])
      if (value >= 2 * size) return `${brief(value / size)} ${word}`;
  const word = { hours: "h", requests: "a month", times: "times", sigma: "" }[unit] ?? unit;
  return `${brief(value)} ${word}`.trim();
}

// The case with the panel's numbers, as JSON, which is YAML too.
function caseWith(panel, changes) {
  const told = structuredClone(panel.case);
  const set = (record, value) => Object.assign(record, {
    value, low: Math.min(record.low, value), high: Math.max(record.high, value) });
  for (const [name, value] of Object.entries(changes)) {
    const [kind, of] = name.split(":");
    const limit = panel.criteria.limits.findIndex((each) => each.name === name);
    if (limit >= 0) {
      const own = told.criteria.limits[limit];
      own["at_most" in own && own.at_most !== null ? "at_most" : "at_least"] = value;
      if (own.low != null) own.low = Math.min(own.low, value);
      if (own.high != null) own.high = Math.max(own.high, value);
    } else if (kind === "hours") set(told.options[of].hours, value);
    else if (name === "requests_per_month") told.workload.requests_per_month = Math.round(value);
    else set(told.assumptions[name], name === "isolates_per_colo" ? Math.max(1, Math.round(value)) : value);
  }
  return JSON.stringify(told, null, 2);
}

function startPanel(root) {
  const panel = JSON.parse(root.querySelector("script").textContent);
  const sliders = [...root.querySelectorAll(".slider")].map((box) => ({
    name: box.dataset.name, unit: box.dataset.unit, log: "log" in box.dataset, here: Number(box.dataset.here),
    range: box.querySelector("[type=range]"), typed: box.querySelector("[type=number]"),
    said: box.querySelector("output"), value: Number(box.dataset.here),
  }));
  const rows = panel.designs.map((_, i) => root.querySelector(`tr[data-nth="${i}"]`)), answer = root.querySelector("[role=status]");
  const unsure = new Set(panel.unsure.map((pair) => pair.join()));
  const shown = panel.criteria.shown, metrics = panel.criteria.metrics;
  const words = (i) => `“${panel.designs[i].words}”`;
  const before = judge(panel, whatIf(panel, {}), {}).chosen;

  const changes = () => Object.fromEntries(
    sliders.filter((one) => one.value !== one.here).map((one) => [one.name, one.value]));
  const verdict = (judged, i) => {
    if (judged.broken[i].length)
      return "out: " + judged.broken[i].map((limit) => metrics[limit.metric].head).join(", ");
    if (i === judged.chosen) return "chosen";
    if (Number.isNaN(judged.score[i])) return "not ranked";
    return judged.tied[i] ? "as good" : "stands";
  };
  const sentence = (judged, moved) => {
    const now = judged.chosen < 0 ? "Nothing keeps every limit" : `${words(judged.chosen)} would be chosen`;
    const ties = judged.tied.flatMap((tied, i) => (tied && i !== judged.chosen ? [words(i)] : []));
    const also = ties.length ? `; ${ties.join(" and ")} would do as well` : "";
    if (!moved) return `As in the case: ${now}${also}.`;
    return judged.chosen === before ? `Still ${now}${also}.` : `The answer changes: ${now}${also}.`;
  };

  let saying = 0;
  const show = () => {
    const changed = changes(), found = whatIf(panel, changed), judged = judge(panel, found, changed);
    for (const one of sliders) {
      one.range.value = one.log ? Math.log(one.value) : one.value;
      if (document.activeElement !== one.typed) one.typed.value = Number(one.value.toPrecision(3));
      one.said.textContent = told(one.value, one.unit);
      one.range.setAttribute("aria-valuetext", told(one.value, one.unit));
    }
    found.forEach(({ name, values }, i) => {
      rows[i].classList.toggle("chosen", i === judged.chosen);
      const cells = rows[i].querySelectorAll("td");
      cells[0].textContent = verdict(judged, i);
      shown.forEach((metric, nth) => {
        const cell = cells[nth + 1];
        cell.textContent = told(values[metric], metrics[metric].unit);
        cell.classList.toggle("breaks", judged.broken[i].some((limit) => limit.metric === metric));
        cell.classList.toggle("unsure",
          unsure.has([name, metric === "monthly_cost_usd" ? "bill_usd" : metric].join()));
      });
    });
    clearTimeout(saying); // one announcement, once the hand rests
    saying = setTimeout(() => (answer.textContent = sentence(judged, Object.keys(changed).length)), 250);
  };
  const remember = () => {
    const state = new URLSearchParams(Object.entries(changes()).map(([k, v]) => [k, v.toPrecision(6)]));
    history.replaceState(null, "", state.size ? `#what-if?${state}` : "#what-if");
  };
  const recall = () => {
    const [anchor, state] = location.hash.slice(1).split("?");
    if (anchor !== "what-if" || !state) return;
    for (const [name, text] of new URLSearchParams(state)) {
      const one = sliders.find((each) => each.name === name), value = Number(text);
      if (one && Number.isFinite(value)) one.value = inside(one, value);
    }
  };
  const inside = (one, value) => {
    const ends = [one.range.min, one.range.max].map(Number).map((end) => (one.log ? Math.exp(end) : end));
    return Math.min(Math.max(value, ends[0]), ends[1]);
  };
  let waiting = 0;
  root.addEventListener("input", (event) => {
    const one = sliders.find((each) => each.range === event.target || each.typed === event.target);
    if (!one) return;
    const value = Number(event.target.value);
    if (event.target === one.typed && (event.target.value === "" || !Number.isFinite(value))) return;
    one.value = event.target === one.typed ? inside(one, value) : one.log ? Math.exp(value) : value;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(show);
  });
  root.addEventListener("change", () => { show(); remember(); });
  root.querySelector(".reset").addEventListener("click", () => {
    for (const one of sliders) one.value = one.here;
    show();
    remember();
  });
  root.querySelector(".copy").addEventListener("click", () => {
    const area = root.querySelector("textarea");
    area.value = caseWith(panel, changes());
    area.closest("details").open = true;
    area.select();
    navigator.clipboard?.writeText(area.value).catch(() => {});
  });
  root.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => { recall(); show(); });
  recall();
  root.hidden = false;
  show();
}

document.querySelectorAll(".what-if").forEach(startPanel);
