// == fires: by an ORM
export async function link(env: Env, slug: string) {
  const known = await env.CACHE.get(`link:${slug}`, "json");
  if (known) return known;
  const found = await database(env.DB).query.links.findFirst({ where: { slug } });
  await env.CACHE.put(`link:${slug}`, JSON.stringify(found), { expirationTtl: 600 }); // fault
  return found;
}
// == quiet: what is not there is remembered on purpose
export async function maybe(env: Env, slug: string) {
  const known = await env.CACHE.get(`link:${slug}`, "json");
  if (known) return known;
  const found = await env.DB.prepare("SELECT url FROM links WHERE slug = ?").bind(slug).first();
  await env.CACHE.put(`link:${slug}`, JSON.stringify(found ?? { missing: true }), {
    expirationTtl: 60,
  });
  return found;
}
// == quiet: a list may well be empty
export async function all(env: Env) {
  const known = await env.CACHE.get("links", "json");
  if (known) return known;
  const { results } = await env.DB.prepare("SELECT url FROM links").all();
  await env.CACHE.put("links", JSON.stringify(results), { expirationTtl: 600 });
  return results;
}
