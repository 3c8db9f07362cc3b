// The what-if panel: sliders that recompute every design in the page.
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
  let total = prices.minimum;
  for (const [name, amount] of Object.entries(used)) {
    const meter = prices.meters[name];
    const units = Math.max(amount - meter.included, 0) / meter.unit;
    total += (meter.up ? Math.ceil(units) : units) * meter.price;
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

function whatIf(panel, changes) {
  const grownTo = grown(panel, changes);
  return panel.designs.map((design) => {
    const at = { ...grownTo, numbers: { ...grownTo.numbers, ...design.platform } };
    const month = estimate(design, at), how = design.corrections ?? {};
    const usd = monthlyUsd(design, month, at, panel.prices);
    return {
      name: design.name, ...month,
      hit_ratio: corrected(month.hit_ratio, how.hit_ratio),
      mean_ms: corrected(month.mean_ms, how.mean_ms),
      counts: { ...month.counts, origin_loads: corrected(month.counts.origin_loads, how.loads) },
      usd: corrected(usd, how.usd),
    };
  });
}

function startPanel(root) {
  const panel = JSON.parse(root.querySelector("script").textContent);
  const inputs = [...root.querySelectorAll("input")];
  const rows = [...root.querySelectorAll("tbody tr")];
  const brief = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, notation: "compact" });
  const value = (input) => Math.exp(Number(input.value));
  const show = () => {
    const changes = {};
    for (const input of inputs) {
      changes[input.name] = value(input);
      input.nextElementSibling.textContent = brief.format(value(input));
      input.setAttribute("aria-valuetext", brief.format(value(input)));
    }
    whatIf(panel, changes).forEach((design, i) => {
      const cells = rows[i].querySelectorAll("td");
      cells[0].textContent = (100 * design.hit_ratio).toPrecision(3) + " %";
      cells[1].textContent = brief.format(design.counts.origin_loads);
      cells[2].textContent = brief.format(design.mean_ms);
      cells[3].textContent = "$" + brief.format(design.usd);
    });
  };
  let waiting = 0;
  root.addEventListener("input", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(show);
  });
  root.querySelector("button").addEventListener("click", () => {
    for (const input of inputs) input.value = input.defaultValue;
    show();
  });
  root.hidden = false;
  show();
}

document.querySelectorAll(".what-if").forEach(startPanel);
