// The page's folding: chapters are open as written, closed here, and open again where asked for.
function foldChapters() {
  const chapters = [...document.querySelectorAll("details.chapter")];
  for (const chapter of chapters) chapter.open = false;
  document.documentElement.classList.remove("folding");
  const show = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1).split("?")[0]));
    for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details"))
      fold.open = true;
    target?.scrollIntoView();
  };
  addEventListener("hashchange", show);
  show();
  // Paper shows all, and what was closed before is closed again.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const fold of closed) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of closed) fold.open = false;
  });
  for (const button of document.querySelectorAll(".unfold"))
    button.addEventListener("click", () => {
      const all = chapters.every((chapter) => chapter.open);
      for (const chapter of chapters) chapter.open = !all;
      button.textContent = all ? "Open all chapters" : "Close all chapters";
    });
  document.querySelectorAll(".unfold").forEach((button) => (button.hidden = false));
}

// The contents mark the chapter that is being read.
function markPlace() {
  const links = new Map(
    [...document.querySelectorAll(".contents a")].map((a) => [a.hash.slice(1), a]));
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      const link = links.get(target.id);
      link?.setAttribute("aria-current", "true");
      if (link) document.querySelector(".contents .place").textContent = link.textContent;
    }
  }, { rootMargin: "0px 0px -70% 0px" });
  document.querySelectorAll("h2[id]").forEach((heading) => seen.observe(heading));
}

// How a number was got: on hover, focus and tap; inside the window; Escape closes it.
function explainNumbers() {
  const of = (event) => event.target.closest?.(".number");
  const how = (number) => number.querySelector(".how");
  let pinned = null, closing = 0;
  const place = (number) => {
    const box = how(number), at = number.getBoundingClientRect(), edge = 8;
    const { width, height } = box.getBoundingClientRect();
    const above = at.top - height - 4;
    box.style.left = `${Math.max(edge, Math.min(at.left, innerWidth - width - edge))}px`;
    box.style.top = `${above > edge ? above : Math.min(at.bottom + 4, innerHeight - height - edge)}px`;
  };
  const open = (number) => {
    clearTimeout(closing);
    if (how(number).matches(":popover-open")) return;
    how(number).showPopover();
    place(number);
  };
  const close = () => {
    document.querySelector(".how:popover-open")?.hidePopover();
    pinned = null;
  };
  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "mouse" && of(event)) open(of(event));
  });
  document.addEventListener("pointerout", (event) => {
    if (event.pointerType !== "mouse" || !of(event) || of(event) === pinned) return;
    closing = setTimeout(close, 150); // time to move into what has opened
  });
  document.addEventListener("focusin", (event) => {
    if (of(event) && event.target.matches(":focus-visible")) open(of(event));
  });
  document.addEventListener("click", (event) => {
    const number = of(event);
    if (!number || !event.target.closest("button")) return;
    event.preventDefault(); // the button would close what hover has opened
    if (pinned === number) return close();
    open(number);
    pinned = number;
  });
  document.addEventListener("toggle", (event) => {
    if (event.newState === "closed" && pinned && event.target === how(pinned)) pinned = null;
  }, true);
  const follow = () => {
    const number = document.querySelector(".how:popover-open")?.closest(".number");
    if (!number) return;
    const { top, bottom } = number.getBoundingClientRect();
    if (bottom < 0 || top > innerHeight) close();
    else place(number);
  };
  addEventListener("scroll", follow, { passive: true });
}

// A row's own link comes when the row is pointed at: hundreds of them would weigh on the page.
function linkRows() {
  const link = document.createElement("a");
  link.className = "permalink";
  link.setAttribute("aria-label", "Link to this row");
  document.addEventListener("pointerover", (event) => {
    const row = event.target.closest?.("tbody tr");
    const id = row && (row.id || row.cells[0].querySelector("[id]")?.id);
    if (!id || row.contains(link)) return;
    link.href = `#${id}`;
    row.cells[0].append(link);
  });
}

// Below the width at which the contents stand beside the text they stay on top, say where the
// reader is, and close when something of them was chosen.
function keepContents() {
  const fold = document.querySelector(".contents details"), wide = matchMedia("(min-width: 68rem)");
  fold.open = wide.matches;
  wide.addEventListener("change", () => (fold.open = wide.matches));
  fold.addEventListener("click", (event) => {
    if (event.target.closest("a") && !wide.matches) fold.open = false;
  });
  fold.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || wide.matches) return;
    fold.open = false;
    fold.querySelector("summary").focus();
  });
}

foldChapters();
keepContents();
markPlace();
explainNumbers();
linkRows();
filterLedger(ledgerGroups());
sortLedger(ledgerGroups());
