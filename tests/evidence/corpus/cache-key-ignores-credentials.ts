// == fires: all headers forwarded, one response for all
export async function relay(request: Request, ctx: ExecutionContext) {
  const cache = await caches.open("relay");
  const known = await cache.match(request.url);
  if (known) return known;
  const answer = await fetch("https://up.example/", { headers: request.headers }); // fault
  if (answer.ok) ctx.waitUntil(cache.put(request.url, answer.clone()));
  return answer;
}
// == fires: everything cached by cf
export const relay = (request: Request) =>
  fetch("https://up.example/", { headers: request.headers, cf: { cacheEverything: true } }); // fault
// == quiet: requests with cookies pass by
export async function relay(request: Request, ctx: ExecutionContext) {
  if (request.headers.has("Cookie")) return fetch(request);
  const answer = await fetch("https://up.example/", { headers: request.headers });
  if (answer.ok) ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
}
// == quiet: nothing of the caller goes along
export async function relay(request: Request, ctx: ExecutionContext) {
  const answer = await fetch("https://up.example/");
  if (answer.ok) ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
}
