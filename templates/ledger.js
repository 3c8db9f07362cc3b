// A ledger of many rows can be narrowed to those with a word.
function filterLedger() {
  const chapter = document.getElementById("claims-ledger")?.closest("details");
  const rows = [...(chapter?.querySelectorAll("tbody tr") ?? [])];
  if (rows.length < 8) return;
  const label = document.createElement("label"), said = document.createElement("output");
  label.className = "filter";
  label.append("Show rows with ", Object.assign(document.createElement("input"), { type: "search" }), said);
  chapter.querySelector("summary + div").prepend(label);
  label.addEventListener("input", (event) => {
    const word = event.target.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(word);
    said.textContent = word ? ` ${rows.filter((row) => !row.hidden).length} of ${rows.length}` : "";
  });
}

// Its tables are sorted together by a column: up, down, and as the document has them.
function sortLedger() {
  const chapter = document.getElementById("claims-ledger")?.closest("details");
  const tables = [...(chapter?.querySelectorAll("table") ?? [])];
  const written = tables.map((table) => [...table.tBodies[0].rows]);
  const collator = new Intl.Collator("en", { numeric: true });
  const sort = (column, way) => tables.forEach((table, nth) => {
    const text = (row) => row.cells[column].textContent.replace(/^#/, "").trim();
    const rows = [...written[nth]];
    if (way !== "none") rows.sort((a, b) => (way === "ascending" ? 1 : -1) * collator.compare(text(a), text(b)));
    table.tBodies[0].append(...rows);
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      if (at === column && way !== "none") head.setAttribute("aria-sort", way);
      else head.removeAttribute("aria-sort");
    });
  });
  const next = { null: "ascending", ascending: "descending", descending: "none" };
  for (const table of tables)
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "sort" });
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(column, next[head.getAttribute("aria-sort")]));
    });
}
