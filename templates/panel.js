// The what-if panel as the reader moves it.
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
