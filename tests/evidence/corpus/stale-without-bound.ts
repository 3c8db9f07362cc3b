// == fires: in memory, refreshed behind the answer
const kept = new Map<string, { value: string; expires: number }>();
export async function rate(ctx: ExecutionContext, symbol: string) {
  const known = kept.get(symbol);
  if (known) {
    if (known.expires < Date.now()) {
      ctx.waitUntil(load(symbol)); // fault
    }
    return known.value;
  }
  return load(symbol);
}
async function load(symbol: string) {
  const value = await (await fetch(`https://rates.example/${symbol}`)).text();
  kept.set(symbol, { value, expires: Date.now() + 60_000 });
  return value;
}
// == fires: the age is looked at behind the answer
export async function text(env: Env, ctx: ExecutionContext, key: string) {
  const refresh = async () => {
    const body = await (await fetch(`https://origin.example/${key}`)).text();
    await env.CACHE.put(key, JSON.stringify({ body, at: Date.now() }));
    return body;
  };
  const known = await env.CACHE.get<{ body: string; at: number }>(key, "json");
  if (!known) return refresh();
  ctx.waitUntil( // fault
    (async () => {
      if (Date.now() - known.at > 60_000) await refresh();
    })(),
  );
  return known.body;
}
// == quiet: too old is not served
const bounded = new Map<string, { value: string; at: number }>();
export async function fresh(ctx: ExecutionContext, symbol: string) {
  const known = bounded.get(symbol);
  if (known && Date.now() - known.at < 600_000) {
    if (Date.now() - known.at > 60_000) ctx.waitUntil(fill(symbol));
    return known.value;
  }
  return fill(symbol);
}
async function fill(symbol: string) {
  const value = await (await fetch(`https://rates.example/${symbol}`)).text();
  bounded.set(symbol, { value, at: Date.now() });
  return value;
}
// == quiet: what is old is not served at all
const strict = new Map<string, { value: string; at: number }>();
export async function exact(ctx: ExecutionContext, symbol: string) {
  const known = strict.get(symbol);
  if (known && Date.now() - known.at < 60_000) return known.value;
  const value = await (await fetch(`https://rates.example/${symbol}`)).text();
  strict.set(symbol, { value, at: Date.now() });
  ctx.waitUntil(fetch("https://log.example/", { method: "POST", body: symbol }));
  return value;
}
