// == fires: all but errors are kept
export async function proxy(request: Request, ctx: ExecutionContext) {
  const known = await caches.default.match(request.url);
  if (known) return known;
  const answer = await fetch(`https://origin.example${new URL(request.url).pathname}`, {
    redirect: "manual",
  });
  if (answer.status < 400) {
    ctx.waitUntil(caches.default.put(request.url, answer.clone())); // fault
  }
  return answer;
}
// == quiet: redirects are followed
export async function followed(request: Request, ctx: ExecutionContext) {
  const known = await caches.default.match(request.url);
  if (known) return known;
  const answer = await fetch("https://origin.example/");
  if (answer.status < 400) ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
}
// == quiet: permanent ones only
export async function moved(request: Request, ctx: ExecutionContext) {
  const known = await caches.default.match(request.url);
  if (known) return known;
  const answer = await fetch("https://origin.example/", { redirect: "manual" });
  if ([200, 301, 308].includes(answer.status)) {
    ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  }
  return answer;
}
