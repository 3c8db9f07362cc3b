// == fires: a day, by a constant
const DAY = 86_400;
export const image = (id: string) =>
  fetch(`https://images.example/${id}`, { cf: { cacheEverything: true, cacheTtl: DAY } }); // fault
// == quiet: each status its own time
export const image = (id: string) =>
  fetch(`https://images.example/${id}`, { cf: { cacheTtlByStatus: { "200-299": 86400 } } });
// == quiet: for a moment
export const score = (id: string) =>
  fetch(`https://scores.example/${id}`, { cf: { cacheTtl: 5 } });
// == quiet: a POST is not cached
export const ask = (body: string) =>
  fetch("https://api.example/", { method: "POST", body, cf: { cacheTtl: 86400 } });
