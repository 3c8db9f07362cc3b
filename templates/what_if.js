// The what-if panel: every option at other numbers, and which of them would be chosen.
function usedOf(design, month, at, prices) {
  const n = at.numbers, used = {};
  for (const [meter, name] of Object.entries(prices.counts))
    if (name in month.counts) used[meter] = month.counts[name];
  const { requests, reads } = month.counts, of = at.tiers[design.tiers[0]]?.in_front;
  const runs = of ? requests - month.counts[of.hits] + month.counts[of.refreshes] : requests;
  const besides = (of?.besides ?? []).reduce((sum, name) => sum + n[name], 0);
  for (const door of prices.doors) used[door] = (of?.door ? runs : requests) + requests * besides;
  used[of?.out || prices.out] = (reads * n.value_bytes) / 1e9;
  if (of?.door) used[of.door] = requests;
  const calls = callsOf(month.counts);
  const own = calls * (1 - (month.counts.do_loads ?? 0) / Math.max(month.counts.origin_loads, 1e-300));
  used["workers.cpu_ms"] = runs * n.worker_cpu_ms + own * n.load_cpu_ms;
  for (const [name, [meters, each]] of Object.entries(prices.of_a_call))
    for (const meter of meters) used[meter] = calls * n[name] * each;
  const store = design.tiers.at(-1);
  if (store === "durable-object")
    used["do.duration"] = ((month.counts.do_requests * n.do_active_ms
      + month.counts.do_loads * month.waited_ms) / 1000) * prices.object_gb;
  const tier = at.tiers[store], c = month.counts;
  const [copiesOf, between] = tier?.copied ?? [], copies = n[copiesOf] ?? 1;
  if (store in prices.stored && design.object_storage) used[prices.stored[store]] = month.stored_gb * copies;
  for (const meter of prices.calls) used[meter] = calls;
  if (tier?.listing) used[tier.listing] = (used[tier.listing] ?? 0) + n.lists_a_month;
  Object.assign(used, design.rented);
  if (n.function_gb) // billed while it waits
    used["lambda.gb_s"] = ((runs * (month.ran_ms + n.worker_cpu_ms)) / 1e3) * n.function_gb;
  for (const [meter, { of, size, units }] of Object.entries(tier?.units ?? {})) {
    const nothing = of === tier.reads ? c.origin_loads - c.refreshes - (c.hedged_reads ?? 0) : 0;
    const begun = Math.max(Math.ceil(n.value_bytes / size), 1);
    used[meter] = ((c[of] - nothing) * begun + nothing) * units * (of === tier.writes ? copies : 1);
  }
  if (between) used[between] = ((c[tier.writes] * n.value_bytes) / 1e9) * (copies - 1);
  if (tier?.carried) {
    const found = c[tier.reads] - (c.origin_loads - c.refreshes - (c.hedged_reads ?? 0));
    used[tier.carried] = (((found + c[tier.writes]) * n.value_bytes) / 1e9) * n.cross_zone_share;
  }
  return used;
}

function monthlyUsd(design, month, at, prices) {
  let total = prices.minimum;
  for (const [name, amount] of Object.entries(usedOf(design, month, at, prices))) {
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
      unasked: at.keys.unasked * factor,
    };
  return at;
}

// A formula's value brought to the simulation's, as cachelib/model/judgement/model.py says.
function corrected(value, how) {
  if (!how) return value;
  if (how.kind === "odds") return (how.amount * value) / (1 - value + how.amount * value);
  return how.kind === "factor" ? value * how.amount : value + how.amount;
}

// A formula's value less what is left of its error, as cachelib/model/judgement/surface.py says.
function withoutError(value, surface, changes, unit) {
  if (!surface) return value;
  const { names, here, centre, scale, points, weights, slopes } = surface;
  const over = (places) => {
    const at = places.map((x, i) => Math.min(Math.max((x - centre[i]) / scale[i], -2.5), 2.5));
    const plane = at.reduce((sum, x, i) => sum + x * slopes[i], 0);
    return points.reduce((sum, point, nth) =>
      sum - weights[nth] * Math.hypot(...point.map((x, i) => x - at[i])), plane);
  };
  const there = names.map((name, i) => (name in changes ? Math.log(Math.max(changes[name], 1e-9)) : here[i]));
  return Math.min(value * Math.exp(over(there) - over(here)), unit === "ratio" ? 1 : Infinity);
}

const METRICS = {
  hit_ratio: (o) => o.month.hit_ratio,
  origin_loads_per_month: (o) => callsOf(o.month.counts),
  mean_ms: (o) => o.month.mean_ms,
  p50_ms: (o) => quantileMs(o.parts, 0.5),
  p95_ms: (o) => quantileMs(o.parts, 0.95),
  p99_ms: (o) => quantileMs(o.parts, 0.99),
  late_share: (o) => lateShare(o.design, o.at, o.flows, o.criteria.late_after_s),
  error_share: (o) => failedShare(o),
  availability: (o) => 1 - failedShare(o),
  bill_usd: (o) => monthlyUsd(o.design, o.month, o.at, o.prices),
  loads_saved: (o) =>
    1 - callsOf(o.month.counts) / asSet(o, "l1-only").of("origin_loads_per_month"),
  l2_speed_up: (o) => {
    const noTime = { origin_ms: 0, origin_trips: 0, load_cpu_ms: 0 };
    const free = { ...o.given, numbers: { ...o.given.numbers, ...noTime } };
    return asSet(o, "origin-only").of("p50_ms") / monthOf(o.panel, o.design, free).of("p50_ms");
  },
  writes_saved: (o) => {
    const audited = asSet(o, "kept by the application").month.counts;
    const lists = o.at.numbers.lists_a_month; // on a schedule
    const { kv_deletes = 0, kv_lists = 0 } = roundsTake(o.design, o.at, o.flows);
    const written = audited.kv_writes + audited.kv_deletes + audited.kv_lists + lists;
    return 1 - (o.month.counts.kv_writes + lists + kv_deletes + kv_lists) / written;
  },
  busiest_load: ({ at, panel }) =>
    ((at.numbers.requests_per_month / MONTH_S) * Math.max(...at.keys.share)) / panel.object_rate,
  cost_over_durable_object: (o) => monthlyUsd(o.design, o.month, o.at, o.prices) / asSet(o, "durable-object").of("bill_usd"),
};

// Reads that get no answer, as cachelib/model/judgement/failures.py says.
function failedShare(o) {
  const { design, month, at, at: { numbers }, panel } = o;
  const stores = design.tiers.filter((word) => word !== "memory" && !at.tiers[word].in_front);
  const asked = stores.map((_, i) => month.asked[i === stores.length - 1 ? 1 : 0]);
  const rates = stores.map((word) => numbers[panel.at.tiers[word].failure] ?? 0);
  const turns = design.unreachable === "origin";
  const lost = rates.reduce((sum, rate, i) =>
    sum + rate * (turns ? Math.max(asked[i] - month.origin, 0) : asked[i]), 0);
  const failed = Math.min(month.origin * numbers.origin_failure + lost * (turns ? numbers.origin_failure : 1), 1);
  const { door, of } = refused(o);
  const more = turns ? 0 : stores.reduce((sum, word, i) =>
    sum + Math.max(0, ...panel.at.tiers[word].needed.map(of)) * asked[i], 0);
  const called = Math.max(...Object.values(o.prices.of_a_call).flatMap(([meters]) => meters.map(of)));
  return door + (1 - door) * Math.min(failed + called * month.origin + more, 1);
}

// What a plan refuses that sells no more, as cachelib/model/judgement/allowances.py says.
function refused({ design, month, at, prices }) {
  const used = usedOf(design, month, at, prices);
  const over = (name, passed) => {
    if (!prices.meters[name]?.ends || !used[name]) return 0;
    const share = 1 - prices.meters[name].included / Math.max(used[name] * passed, 1e-300);
    return share < 1e-3 ? 0 : share; // beyond less than that it is chance
  };
  const door = Math.max(...prices.doors.map((name) => over(name, 1)));
  return { door, of: (name) => over(name, 1 - door) };
}

// Another design's month as the case sets it, at the same numbers, to compare with.
const asSet = (o, name) => monthOf(o.panel, o.panel.as_set[name], o.given);

const Z95 = 1.96;

// What another log would have said, as `Model.by_chance` in cachelib/model/judgement/model.py says.
function byChance(value, name, { design, chance, panel }) {
  if (chance === undefined || !(name in design.noise)) return value;
  const { sign, unit } = panel.criteria.metrics[name], error = design.noise[name] / Z95;
  return Math.min(Math.max(value - sign * error * chance, 0), unit === "ratio" ? 1 : Infinity);
}

// The numbers that no formula sees: hours, what they cost, limits, and chance.
const BESIDE = /^(hours:|limit:|chance$|hourly_rate_usd$)/;
const KEPT = new WeakMap();

// Every design's month by formula, kept while only what stands beside it changes.
function monthsAt(panel, changes) {
  const seen = Object.fromEntries(Object.entries(changes).filter(([name]) => !BESIDE.test(name)));
  const key = JSON.stringify(seen), kept = KEPT.get(panel) ?? new Map();
  KEPT.set(panel, kept);
  if (kept.size > 99) kept.clear();
  if (!kept.has(key)) {
    const grownTo = grown(panel, seen);
    kept.set(key, panel.designs.map((design) => monthOf(panel, design, grownTo)));
  }
  return kept.get(key);
}

// A design's month, and its metrics, each computed when it is first asked for.
function monthOf(panel, design, grownTo) {
  const given = { ...grownTo, numbers: { ...grownTo.numbers, ...design.platform } };
  const at = joinedAt(design, given);
  const flows = flowsOf(design, at), month = estimate(design, at, flows), known = {};
  let ways; // of both quantiles, if two are asked for
  const seen = { panel, design, given, at, flows, month, criteria: panel.criteria, prices: panel.prices,
                 get parts() { return (ways ??= parts(design, at, flows)); } };
  return { month, of: (name) => (known[name] ??= METRICS[name](seen)) };
}

// Every option's metrics at changed numbers; NaN for what nobody states.
function whatIf(panel, changes) {
  const criteria = panel.criteria, months = monthsAt(panel, changes), chance = changes.chance;
  const rate = changes.hourly_rate_usd ?? panel.at.numbers.hourly_rate_usd;
  return panel.designs.map((design, i) => {
    const hours = changes[`hours:${design.name}`] ?? design.hours ?? NaN, { month, of } = months[i];
    const settled = (name) => {
      const formula = corrected(of(name), design.corrections[name]);
      const value = withoutError(formula, design.surfaces[name], changes, criteria.metrics[name]?.unit);
      const right = byChance(value, name, { design, chance, panel });
      return name === "bill_usd" ? Math.max(right, panel.prices.minimum) : right;
    };
    const values = {};
    for (const name of Object.keys(criteria.metrics))
      if (name === "monthly_cost_usd") values[name] = settled("bill_usd") + (hours * rate) / criteria.months;
      else if (name === "work_hours") values[name] = hours;
      else values[name] = settled(name);
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

// A number as people read it, as cachelib/report/numbers.py says: three digits, whole from 1,000 on,
// a half rounded away from nothing. Of what a computer holds a hair below the half, a hair more is
// asked: 21.15 is 21.2.
const written = (number) => Number(number.toPrecision(13)) * (1 + 1e-14);
const cents = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
function told(value, unit) {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 1e15) return "over 10¹⁵";
  if (Math.abs(value) < 1e-9) value = 0; // what subtracting alike numbers leaves
  const brief = (number) => {
    const size = Math.abs(number), isWhole = size >= 1e3 && size < 1e7 && unit !== "requests";
    const rounded = Number(isWhole ? written(number).toFixed(0) : written(number).toPrecision(3));
    return new Intl.NumberFormat("en", {
      maximumSignificantDigits: isWhole ? 7 : 3, ...(size >= 1e7 && { notation: "compact" }),
    }).format(rounded);
  };
  if (unit === "ratio") {
    const share = 100 * value, nearly = share >= 99.5 && share < 100; // nearly all is not all
    if (!nearly) return `${brief(share)}\u00a0%`;
    const missing = Number((100 - share).toFixed(9));
    const digits = missing ? Math.min(Math.max(-Math.floor(Math.log10(missing)), 0), 7) : 7;
    const said = written(share).toFixed(digits);
    return `${said.startsWith("100") ? `over\u00a0${(100 - 10 ** -digits).toFixed(digits)}` : said}\u00a0%`;
  }
  if (unit === "USD")
    return `${value < 0 ? "-" : ""}$${Math.abs(value) >= 1e4 ? brief(Math.abs(value)) : cents.format(written(Math.abs(value)))}`;
  if (unit === "s" && value >= 120)
    for (const [size, word] of [[86400, "days"], [3600, "h"], [60, "min"]])
      if (value >= 2 * size) return `${brief(value / size)}\u00a0${word}`;
  if (unit === "times") return `${brief(value)}×`;
  const number = brief(value), word = { hours: "h", requests: "a month", sigma: "" }[unit] ?? unit;
  const counted = number === "1" && unit !== "ms" && unit !== "s" ? word.replace(/s$/, "") : word;
  return `${number}\u00a0${counted}`.trim();
}

// A limit as the case has it, with all its digits: 99.83 % is not 99.8 %.
function given(value, unit) {
  if (!["ratio", "ms", "s", "times", ""].includes(unit) || !(Math.abs(value) >= 1e-4 && Math.abs(value) < 1e7))
    return told(value, unit);
  const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 10 })
    .format(Number(((unit === "ratio" ? 100 : 1) * value).toPrecision(10)));
  return { ratio: `${digits}\u00a0%`, times: `${digits}×`, "": digits }[unit] ?? `${digits}\u00a0${unit}`;
}

// The case with the panel's numbers, as JSON, which is YAML too.
function caseWith(panel, changes) {
  const told = JSON.parse(panel.case);
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
