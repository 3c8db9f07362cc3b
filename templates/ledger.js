// The claims ledger: its tables, each under the heading of its verdict.
function ledgerGroups() {
  const chapter = document.getElementById("claims-ledger")?.closest("details");
  return [...(chapter?.querySelectorAll("table") ?? [])].map((table) => {
    const box = table.parentElement, rows = [...table.tBodies[0].rows];
    return { table, rows, parts: [box, box.previousElementSibling],
             verdict: table.querySelector(".verdict")?.textContent ?? "" };
  });
}

const made = (name, properties, ...inside) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...inside);
  return element;
};

// A ledger of many rows can be narrowed: to those with a word, and to a verdict.
function filterLedger(groups) {
  const rows = groups.flatMap((group) => group.rows);
  if (rows.length < 8) return;
  const word = made("input", { type: "search" }), said = made("output", {});
  const verdict = made("select", {}, made("option", { value: "" }, "any verdict"),
    ...groups.map((group) => made("option", { value: group.verdict }, group.verdict)));
  const box = made("div", { className: "filter" },
    made("label", {}, "Show rows with ", word), made("label", {}, " and ", verdict), said);
  groups[0].table.closest(".chapter").querySelector("summary + div").prepend(box);
  box.addEventListener("input", () => {
    const wanted = word.value.trim().toLowerCase();
    for (const group of groups) {
      const asked = !verdict.value || verdict.value === group.verdict;
      for (const row of group.rows) row.hidden = !asked || !row.textContent.toLowerCase().includes(wanted);
      for (const part of group.parts) part.hidden = group.rows.every((row) => row.hidden);
    }
    const left = rows.filter((row) => !row.hidden).length;
    said.textContent = left < rows.length ? ` ${left} of ${rows.length}` : "";
  });
}

// Its tables are sorted together by a column: up, down, and as the document has them.
function sortLedger(groups) {
  const collator = new Intl.Collator("en", { numeric: true });
  const sort = (column, way) => groups.forEach(({ table, rows }) => {
    const text = (row) => row.cells[column].textContent.trim(), order = [...rows];
    if (way !== "none") order.sort((a, b) => (way === "ascending" ? 1 : -1) * collator.compare(text(a), text(b)));
    table.tBodies[0].append(...order);
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      if (at === column && way !== "none") head.setAttribute("aria-sort", way);
      else head.removeAttribute("aria-sort");
    });
  });
  const next = { null: "ascending", ascending: "descending", descending: "none" };
  for (const { table } of groups)
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = made("button", { type: "button", className: "sort" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(column, next[head.getAttribute("aria-sort")]));
    });
}
