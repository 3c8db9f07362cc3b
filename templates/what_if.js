// The what-if panel: sliders that recompute every design in the page.
function monthlyUsd(design, month, at, prices) {
  const n = at.numbers, used = {};
  for (const [meter, name] of Object.entries(prices.counts))
    if (name in month.counts) used[meter] = month.counts[name];
  used["workers.cpu_ms"] = month.counts.requests * n.worker_cpu_ms;
  used["workers_ai.neurons"] = month.counts.origin_loads * n.origin_neurons;
  if (design.l2 === "durable-object")
    used["do.duration"] = ((month.counts.do_requests * n.do_active_ms) / 1000) * prices.object_gb;
  if (design.l2 in prices.stored) used[prices.stored[design.l2]] = month.stored_gb;
  let total = prices.minimum;
  for (const [name, amount] of Object.entries(used)) {
    const meter = prices.meters[name];
    const units = Math.max(amount - meter.included, 0) / meter.unit;
    total += (meter.up ? Math.ceil(units) : units) * meter.price;
  }
  return total;
}

function whatIf(panel, changes) {
  const at = { ...panel.at, numbers: { ...panel.at.numbers, ...changes } };
  return panel.designs.map((design) => {
    const month = estimate(design, at);
    return { name: design.name, ...month, usd: monthlyUsd(design, month, at, panel.prices) };
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
