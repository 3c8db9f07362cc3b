// The page's folding: chapters are open as written, closed here, and open again where asked for.
function foldChapters() {
  const chapters = [...document.querySelectorAll("details.chapter")];
  for (const chapter of chapters) chapter.open = false;
  const show = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
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
      links.get(target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "0px 0px -70% 0px" });
  document.querySelectorAll("h2[id]").forEach((heading) => seen.observe(heading));
}

document.querySelector(".contents details").open = matchMedia("(min-width: 68rem)").matches;
foldChapters();
markPlace();
