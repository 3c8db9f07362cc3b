// The what-if panel as the reader moves it.
function startPanel(root) {
  const panel = JSON.parse(root.querySelector("script").textContent);
  const sliders = [...root.querySelectorAll(".slider")].map((box) => ({
    name: box.dataset.name, unit: box.dataset.unit, log: "log" in box.dataset, here: Number(box.dataset.here),
    range: box.querySelector("[type=range]"), typed: box.querySelector("[type=number]"),
    said: box.querySelector("output"), value: Number(box.dataset.here),
  }));
  const rows = panel.designs.map((_, i) => root.querySelector(`tr[data-nth="${i}"]`));
  const answer = root.querySelector("[role=status]");
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

  const follow = [regretShown(root, panel), mapShown(root, panel, sliders, (moved) => {
    for (const one of sliders) if (one.name in moved) one.value = moved[one.name];
    show();
    remember();
  }), claimsShown(root, panel)];
  let resting = 0;
  const show = () => {
    const changed = changes(), found = whatIf(panel, changed), judged = judge(panel, found, changed);
    for (const one of sliders) {
      one.range.value = one.log ? Math.log(one.value) : one.value;
      const isGiven = one.value === one.here, isLimit = one.name.startsWith("limit:");
      if (document.activeElement !== one.typed)
        one.typed.value = isGiven ? one.here : Number(one.value.toPrecision(3));
      one.said.textContent = (isGiven && isLimit ? given : told)(one.value, one.unit);
      one.range.setAttribute("aria-valuetext", one.said.textContent);
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
    losses(panel, judged).forEach((loss, i) =>
      (rows[i].querySelector(".above").textContent =
        !Number.isFinite(loss) || judged.broken[i].length ? "–" : told(loss, panel.unit)));
    for (const part of follow) part.wait();
    clearTimeout(resting);
    resting = setTimeout(() => { // one announcement, and what takes long, once the hand rests
      answer.textContent = sentence(judged, Object.keys(changed).length);
      if (root.checkVisibility()) for (const part of follow) part.show(changed);
    }, 250);
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
  root.addEventListener("keydown", (event) => { // as far as the slider goes; a browser's own step is 1
    const one = sliders.find((each) => each.typed === event.target), way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!one || !way) return;
    event.preventDefault();
    const step = (way * (one.range.max - one.range.min)) / 100;
    one.value = inside(one, one.log ? one.value * Math.exp(step) : one.value + step);
    one.typed.value = Number(one.value.toPrecision(3));
    show();
    remember();
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
  root.closest("details")?.addEventListener("toggle", show);
}

// Work that is stopped when the numbers change: some of it, then what else the page has to do.
function inPieces() {
  let turn = 0;
  const stop = () => turn++;
  const start = (steps, done, between = () => {}) => {
    const mine = ++turn;
    const go = () => {
      if (mine !== turn) return;
      const until = performance.now() + 12;
      do {
        const step = steps.next();
        if (step.done) return done(step.value);
        between(step.value);
      } while (performance.now() < until);
      setTimeout(go);
    };
    setTimeout(go);
  };
  return { start, stop };
}

// How sure the answer is at these numbers, in columns of the table: at the case's own what the
// report found, elsewhere what the page's draws say, brought to it.
function regretShown(root, panel) {
  const work = inPieces(), said = root.querySelector(".tries");
  const cells = panel.designs.map((_, i) => root.querySelectorAll(`tr[data-nth="${i}"] .sure`));
  const reported = panel.designs.map(({ name }) => panel.found[name]);
  const tries = Object.values(panel.draws)[0]?.length;
  let here; // what the page's draws say of the case's own numbers
  const fill = (texts) => cells.forEach((row, i) =>
    row.forEach((cell, nth) => (cell.textContent = texts(i)[nth])));
  const tell = (found) => fill((i) => {
    const { best, kept, mean, error } = found[i];
    const cost = !kept || mean === null || Number.isNaN(mean) ? "–"
      : mean ? `${told(mean, panel.unit)} ± ${told(error, panel.unit)}` : told(0, panel.unit);
    return [told(best, "ratio"), cost];
  });
  return {
    wait() { // what was counted at other numbers is no more true
      work.stop();
      fill(() => ["…", "…"]);
    },
    show(changes) {
      if (!tries) return;
      if (!Object.keys(changes).length) {
        said.textContent = `as the report found over ${told(panel.tries, "")} tries`;
        return tell(reported);
      }
      said.textContent = "counting …";
      work.start((function* () {
        here ??= yield* tried(panel, {});
        return yield* tried(panel, changes);
      })(), (there) => {
        tell(there.map((found, i) => brought(reported[i], here[i], found)));
        said.textContent = `over ${tries} tries, brought to what ${told(panel.tries, "")} say at the case’s own `
          + "numbers; what you moved is held, all else that nobody knows is drawn. So few tell a share to within some points";
      });
    },
  };
}

const SVG = "http://www.w3.org/2000/svg";
const drawn = (name, attributes, text = "") => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
};

// Who is chosen over two numbers of the reader's choice; a click there moves both.
function mapShown(root, panel, sliders, moveTo) {
  const box = root.querySelector(".map"), work = inPieces();
  if (!box) return { wait() {}, show() {} };
  const [across, up] = box.querySelectorAll("select"), svg = box.querySelector("svg");
  const legend = box.querySelector("ul"), wide = 480, high = 300, left = 8, foot = 26;
  const one = (select) => sliders.find((each) => each.name === select.value);
  const ends = (slider) => {
    const [low, high] = [slider.range.min, slider.range.max].map(Number);
    return { low: slider.log ? Math.exp(low) : low, high: slider.log ? Math.exp(high) : high, log: slider.log };
  };
  const share = (slider, value) => {
    const { low, high, log } = ends(slider), scale = log ? Math.log : Number;
    return (scale(value) - scale(low)) / (scale(high) - scale(low));
  };
  const valueAt = (slider, share) => {
    const { low, high, log } = ends(slider);
    return log ? low * (high / low) ** share : low + (high - low) * share;
  };
  const name = (i) => (i < 0 ? "nothing keeps every limit" : panel.designs[i].words);
  const draw = (rows, side) => {
    const cell = [wide / side, high / side], boxes = boxesOf(rows), shares = new Map();
    for (const each of boxes)
      shares.set(each.chosen, (shares.get(each.chosen) ?? 0) + each.wide * each.high / (side * rows.length));
    const places = [...shares].sort((a, b) => b[1] - a[1]).map(([i]) => i), x = one(across), y = one(up);
    const areas = drawn("g", { opacity: 0.55 }); // of all boxes at once: where two meet there is no seam
    areas.append(...boxes.map((each) => {
      const rect = drawn("rect", { x: left + each.x * cell[0], y: high - (each.y + each.high) * cell[1],
        width: each.wide * cell[0] + 0.5, height: each.high * cell[1] + 0.5 });
      rect.style.fill = each.chosen < 0 ? "var(--line)" : `var(${panel.designs[each.chosen].colour})`;
      return rect;
    }));
    svg.replaceChildren(areas);
    const marks = [[0, high - 6], [0.5, high / 2 + 5], [1, 20]]; // of the upright axis
    for (const i of places) { // the number of each in its largest box
      const { x, y, wide: w, high: h } = boxes.find((each) => each.chosen === i);
      const [across, down] = [left + (x + w / 2) * cell[0], high - (y + h / 2) * cell[1] + 5];
      const mark = across > left + wide - 80 && marks.find(([, y]) => Math.abs(down - y) < 24);
      const aside = !mark ? 0 : mark[0] ? 28 : -28; // from a mark at the right, away from the foot
      svg.append(drawn("text", { x: across, y: down + aside, "text-anchor": "middle", class: "nth" },
        places.indexOf(i) + 1));
    }
    const here = [left + wide * share(x, x.value), high * (1 - share(y, y.value))];
    svg.append(drawn("circle", { cx: here[0], cy: here[1], r: 6, class: "here" }));
    for (const [at, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]])
      svg.append(drawn("text", { x: left + wide * at, y: high + 18, "text-anchor": anchor, class: anchor }, told(valueAt(x, at), x.unit)));
    for (const [at, down] of marks)
      svg.append(drawn("text", { x: left + wide - 6, y: down,
        "text-anchor": "end", class: "within" }, told(valueAt(y, at), y.unit)));
    legend.replaceChildren(...places.map((i, nth) => {
      const item = document.createElement("li"), swatch = document.createElement("i");
      swatch.style.background = i < 0 ? "var(--line)" : `var(${panel.designs[i].colour})`;
      item.append(swatch, `${nth + 1}: ${name(i)} (${told(shares.get(i), "ratio")})`);
      return item;
    }));
    svg.setAttribute("aria-label", `Who is chosen; ${legend.textContent}`);
  };
  let last = {};
  const show = (changes) => {
    last = changes;
    if (!box.open || across.value === up.value) return;
    const found = function* (side) {
      const [xs, ys] = [one(across), one(up)].map((slider) => placesOn(ends(slider), side));
      const others = Object.fromEntries(Object.entries(changes)
        .filter(([name]) => name !== across.value && name !== up.value));
      draw(yield* chosenOver(panel, others, across.value, up.value, xs, ys), side);
    };
    work.start((function* () { yield* found(7); yield* found(21); })(), () => {});
  };
  const apart = () => { // the same number twice is no map
    for (const [mine, other] of [[across, up], [up, across]])
      for (const option of mine.options) option.disabled = option.value === other.value;
    show(last);
  };
  for (const [select, wanted] of [[across, panel.map?.[0]], [up, panel.map?.[1]]])
    if (sliders.some((each) => each.name === wanted)) select.value = wanted;
  if (across.value === up.value) up.selectedIndex = across.selectedIndex ? 0 : 1;
  apart();
  box.addEventListener("toggle", () => show(last));
  for (const select of [across, up])
    select.addEventListener("change", (event) => { event.stopPropagation(); apart(); });
  svg.addEventListener("click", (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const within = (share) => Math.min(Math.max(share, 0), 1);
    moveTo({ [across.value]: valueAt(one(across), within((at.x - left) / wide)),
             [up.value]: valueAt(one(up), within(1 - at.y / high)) });
  });
  return { wait: work.stop, show };
}

// The ledger's rows at the panel's numbers, and a sentence of how many turn.
function claimsShown(root, panel) {
  const said = root.querySelector(".claims"), rows = (panel.claims ?? []).flatMap((claim) => {
    const place = document.querySelector(`.live[data-claim="${claim.id}"]`);
    return place ? [{ claim, place, found: Number(place.dataset.found) }] : [];
  });
  return {
    wait() {},
    show(changes) {
      const moved = Object.keys(changes).length > 0, turned = [];
      for (const { claim, place, found } of rows) {
        const here = claimAt(panel, claim, {}, found), there = claimAt(panel, claim, changes, found);
        place.textContent = moved
          ? ` With the panel’s numbers: ${told(there.value, claim.unit)}, which ${there.holds ? "holds" : "does not hold"}.` : "";
        place.classList.toggle("turned", moved && here.holds !== there.holds);
        if (here.holds !== there.holds) turned.push(place);
      }
      if (!rows.length) return;
      const so = `Of ${rows.length} sentences of the document that follow these numbers, ${turned.length || "none"} would be judged otherwise`;
      said.replaceChildren(moved ? so + (turned.length ? ": " : ".") : "");
      turned.forEach((place, nth) => {
        const link = Object.assign(document.createElement("a"), { href: `#claim-${place.dataset.claim}` });
        link.textContent = place.closest("tr").cells[0].textContent;
        said.append(link, nth < turned.length - 1 ? ", " : ".");
      });
    },
  };
}

// Not before somebody opens its chapter, which the address may ask for.
for (const panel of document.querySelectorAll(".what-if")) {
  const chapter = panel.closest("details");
  chapter.addEventListener("toggle", () => chapter.open && panel.hidden && startPanel(panel));
}
