// == fires: a name that is taken
app.post("/names", async (c) => {
  const { name } = await c.req.json();
  const owner = await c.env.CONFIG.get(`name:${name}`);
  if (owner) return c.text("already taken", 409);
  await c.env.CONFIG.put(`name:${name}`, "me"); // fault
  return c.text("ok");
});
// == fires: a lock
export async function once(env: Env, job: string) {
  const lock = `lock:${job}`;
  if ((await env.CONFIG.get(lock)) !== null) return;
  await env.CONFIG.put(lock, "1", { expirationTtl: 60 }); // fault
  await run(job);
}
// == quiet: a cache
export async function read(env: Env, key: string) {
  const known = await env.CACHE.get(key);
  if (known !== null) return known;
  const fresh = await load(key);
  await env.CACHE.put(key, fresh, { expirationTtl: 300 });
  return fresh;
}
// == quiet: what is not there cannot be changed
export async function rename(env: Env, id: string, name: string) {
  if (!(await env.CONFIG.get(id))) return new Response("unknown", { status: 404 });
  await env.CONFIG.put(id, name);
  return new Response("ok");
}
// == quiet: what is there is decided, by its state
async function decide(env: Env, id: string, status: string) {
  const review = await env.REVIEWS.get<Review>(`review:${id}`, "json");
  if (review) await env.REVIEWS.put(`review:${id}`, JSON.stringify({ ...review, status }));
}
export async function decline(env: Env, id: string) {
  const review = await env.REVIEWS.get<Review>(`review:${id}`, "json");
  if (!review) return new Response("Not found", { status: 404 });
  if (review.status !== "pending") {
    return Response.json({ error: `Already ${review.status}` }, { status: 409 });
  }
  await decide(env, id, "declined");
  return Response.json({ status: "declined" });
}
// == fires (js): refused in a loop that runs once
export async function shorten(env, name, target) {
  while (await env.SHORT_LINKS.get(name)) {
    return new Response("Name unavailable", { status: 400 });
  }
  await env.SHORT_LINKS.put(name, target); // fault
  return new Response(name);
}
