// == fires: for of
export async function all(env: Env, keys: string[]) {
  const found: Record<string, string | null> = {};
  for (const key of keys) {
    found[key] = await env.CACHE.get(key); // fault
  }
  return found;
}
// == fires: map with Promise.all
app.get("/portfolio", async (c) => {
  const symbols = c.req.query("symbols")!.split(",");
  const quotes = await Promise.all(symbols.map((s) => c.env.CACHE.get(`quote:${s}`, "json"))); // fault
  return c.json(quotes);
});
// == fires: after a list
export class Reports {
  constructor(private kv: KVNamespace) {}
  async load() {
    const { keys } = await this.kv.list({ prefix: "report:" });
    return Promise.all(keys.map(async ({ name }) => JSON.parse((await this.kv.get(name))!))); // fault
  }
}
// == fires: index in a key
export async function days({ CACHE }: Env) {
  const values = [];
  for (let i = 0; i < 30; i++) {
    values.push(await CACHE.getWithMetadata(`day:${i}`)); // fault
  }
  return values;
}
// == fires: through a method
export class CacheManager {
  constructor(private env: Env) {}
  async getMany(keys: string[]) {
    const values = new Map<string, unknown>();
    for (const key of keys) {
      values.set(key, await this.get(key)); // fault
    }
    return values;
  }
  async get(key: string) {
    return this.env.CACHE.get(key, "json");
  }
}
// == fires (js): forEach with an alias
export async function collect(env, ids) {
  const kv = env.CACHE;
  const out = [];
  ids.forEach(async (id) => {
    out.push(await kv.get(id)); // fault
  });
  return out;
}
// == fires: promises collected first
export async function all(env: Env, ids: string[]) {
  const promises = ids.map((id) => env.CACHE.get(`x:${id}`)); // fault
  return Promise.all(promises);
}
// == fires: for await over listed keys
export async function all(env: Env) {
  const list = await env.CACHE.list();
  const out = [];
  for await (const k of list.keys) {
    const v = await env.CACHE.get(k.name, "json"); // fault
    out.push(v);
  }
  return out;
}
// == fires: concatenated key in an async callback
export async function f(env: Env, users: User[]) {
  return Promise.all(
    users.map(async (user) => {
      const raw = await env.CACHE.get("u:" + user.id); // fault
      return raw ? JSON.parse(raw) : null;
    }),
  );
}
// == fires: index that is counted up
export async function f(env: Env, ks: string[]) {
  let i = 0;
  const out = [];
  while (i < ks.length) {
    out.push(await env.CACHE.get(ks[i])); // fault
    i++;
  }
  return out;
}
// == quiet: bulk read
export const all = (env: Env, keys: string[]) => env.CACHE.get(keys, "json");
// == quiet: bulk reads of a hundred
export async function all(env: Env, keys: string[]) {
  const found = new Map<string, string | null>();
  for (let i = 0; i < keys.length; i += 100) {
    const batch = keys.slice(i, i + 100);
    for (const [key, value] of await env.CACHE.get(batch)) found.set(key, value);
  }
  return found;
}
// == quiet: another try for the same key
export async function stubborn(env: Env, key: string) {
  for (let attempt = 0; attempt < 3; attempt++) {
    const value = await env.CACHE.get(key);
    if (value !== null) return value;
  }
  return null;
}
// == quiet: the loop is over what was read
export async function total(env: Env) {
  let sum = 0;
  for (const line of (await env.CACHE.get<Line[]>("cart", "json")) ?? []) sum += line.price;
  return sum;
}
// == quiet: a map in memory
const l1 = new Map<string, string>();
export const known = (keys: string[]) => keys.map((key) => l1.get(key));
// == quiet: Durable Objects are not read in bulk
export const stubs = (env: Env, ids: DurableObjectId[]) => ids.map((id) => env.COUNTER.get(id));
// == quiet: one read in each request of a route table
for (const path of ["/a", "/b"]) {
  app.get(path, async (c) => c.text((await c.env.CACHE.get(c.req.path)) ?? ""));
}
// == quiet: many at once come as text or JSON only
export async function files(env: Env, names: string[], write: (part: ArrayBuffer) => void) {
  for (const name of names) {
    const part = await env.CACHE.get(name, "arrayBuffer");
    if (part) write(part);
  }
}
// == quiet: new names until one is free
export async function freeName(env: Env) {
  let name: string;
  let tries = 0;
  do {
    name = randomWord();
    tries++;
  } while ((await env.CACHE.get(name)) && tries < 10);
  return name;
}
// == quiet: the first that is not known to be broken
async function isBroken(env: Env, id: string) {
  return (await env.CACHE.get(`broken:${id}`)) !== null;
}
export async function complete(env: Env, models: Model[], prompt: string) {
  for (const model of models) {
    if (await isBroken(env, model.id)) continue;
    try {
      return await model.complete(prompt);
    } catch (error) {
      console.warn(model.id, error);
    }
  }
}
// == fires: a constant list, one round trip after the other
const REGIONS = ["eu", "us", "ap"] as const;
export async function regions(env: Env) {
  const found: (string | null)[] = [];
  for (const region of REGIONS) found.push(await env.CACHE.get(`region:${region}`)); // fault
  return found;
}
// == fires: a list that looks constant and is added to
const names = ["new", "sale"];
export const register = (name: string) => names.push(name);
export const named = (env: Env) => Promise.all(names.map((name) => env.CACHE.get(`tag:${name}`))); // fault
// == fires: a constant list that is longer than the connections there are
const HOURS = ["00", "03", "06", "09", "12", "15", "18", "21"];
export const hours = (env: Env) => Promise.all(HOURS.map((hour) => env.CACHE.get(`hour:${hour}`))); // fault
// == quiet: a few constant keys, all at once
const TAGS = ["new", "sale", "vegan"] as const;
const FLAGS = { beta: true, dark: false };
const tagOf = (env: Env, tag: string) => env.CACHE.get(`tag:${tag}`);
export async function front(env: Env) {
  const first = await Promise.all(["top", "left"].map((place) => env.CACHE.get("ad:" + place)));
  const tags = await Promise.all(TAGS.map((tag) => tagOf(env, tag)));
  const under: Promise<string | null>[] = [];
  for (const flag of Object.keys(FLAGS)) under.push(env.CACHE.get(`flag:${flag}`));
  return [first, tags, await Promise.all(under)];
}
// == fires: what is missing is loaded and kept
export async function rates(env: Env, codes: string[]) {
  const out: Record<string, string> = {};
  for (const code of codes) {
    let rate = await env.CACHE.get(code); // fault
    if (rate === null) {
      const answer = await fetch(`https://rates.example/${code}`);
      rate = await answer.text();
      await env.CACHE.put(code, rate, { expirationTtl: 300 });
    }
    out[code] = rate;
  }
  return out;
}
// == fires: the same with a key of its own, found ones first
export async function pages(env: Env, paths: string[]) {
  const found: unknown[] = [];
  for (const path of paths) {
    const key = `page:${path}`;
    const cached = await env.CACHE.get(key, "json"); // fault
    if (cached) {
      found.push(cached);
      continue;
    }
    const page = await (await fetch(`https://pages.example${path}`)).json();
    await env.CACHE.put(key, JSON.stringify(page), { expirationTtl: 3600 });
    found.push(page);
  }
  return found;
}
// == fires: the same, all at once
export const prices = (env: Env, ids: string[]) =>
  Promise.all(
    ids.map(async (id) => {
      let price = await env.CACHE.get(`price:${id}`); // fault
      if (!price) {
        price = await (await fetch(`https://prices.example/${id}`)).text();
        await env.CACHE.put(`price:${id}`, price, { expirationTtl: 60 });
      }
      return price;
    }),
  );
// == quiet: a change to what a round before may have written
export async function count(env: Env, visits: Visit[]) {
  for (const visit of visits) {
    const seen = Number((await env.CACHE.get(visit.path)) ?? "0") + 1;
    await env.CACHE.put(visit.path, String(seen));
  }
}
// == quiet: what a round before has told is told once
export async function notify(env: Env, events: Event[]) {
  for (const event of events) {
    if (await env.CACHE.get(`sent:${event.id}`)) continue;
    await send(event);
    await env.CACHE.put(`sent:${event.id}`, "1", { expirationTtl: 86400 });
  }
}
// == fires: what is found is written back with metadata
export async function label(env: Env) {
  const { keys } = await env.CACHE.list({ prefix: "link:" });
  for (const key of keys) {
    const { metadata, value: link } = await env.CACHE.getWithMetadata<Link>(key.name, "json"); // fault
    if (link) {
      const more = { ...metadata, url: link.url };
      await env.CACHE.put(key.name, JSON.stringify(link), { metadata: more, expirationTtl: 60 });
    }
  }
}
// == quiet: what is found is changed in place and written back, and a key may come twice
export async function touch(env: Env, names: string[]) {
  for (const name of names) {
    const link = await env.CACHE.get<Link>(name, "json");
    if (link) {
      link.seen += 1;
      await env.CACHE.put(name, JSON.stringify(link), { expirationTtl: 60 });
    }
  }
}
