// == fires: once for the answer and once for the log
export async function page(env: Env, slug: string) {
  if ((await env.CACHE.get(slug)) === null) return null;
  return env.CACHE.get(slug); // fault
}
// == fires: value and metadata apart
export async function image(env: Env, name: string) {
  const bytes = await env.CACHE.get(name, "arrayBuffer");
  const about = await env.CACHE.getWithMetadata(name); // fault
  return { bytes, about: about.metadata };
}
// == quiet: one in each branch
export async function read(env: Env, key: string, asJson: boolean) {
  if (asJson) {
    return env.CACHE.get(key, "json");
  }
  return env.CACHE.get(key);
}
// == quiet: read again after it was written
export async function replace(env: Env, key: string, value: string) {
  const before = await env.CACHE.get(key);
  await env.CACHE.put(key, value, { expirationTtl: 300 });
  return { before, after: await env.CACHE.get(key) };
}
