// == fires: fetch on a miss
export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const known = await env.CACHE.get(request.url);
    if (known) return new Response(known);
    const origin = await fetch(request); // fault
    const body = await origin.text();
    ctx.waitUntil(env.CACHE.put(request.url, body, { expirationTtl: 3600 }));
    return new Response(body);
  },
};
// == fires: a model
app.get("/sentiment/:symbol", async (c) => {
  const symbol = c.req.param("symbol");
  const known = await c.env.CACHE.get(symbol, "json");
  if (known) return c.json(known);
  const result = await c.env.AI.run("@cf/openai/gpt-oss-120b", { input: symbol }); // fault
  c.executionCtx.waitUntil(c.env.CACHE.put(symbol, JSON.stringify(result), { expirationTtl: 900 }));
  return c.json(result);
});
// == fires: a database
export async function user({ CACHE, DB }: Env, id: string) {
  const known = await CACHE.get(id, "json");
  if (known) return known;
  const row = await DB.prepare("SELECT * FROM users WHERE id = ?").bind(id).first(); // fault
  await CACHE.put(id, JSON.stringify(row), { expirationTtl: 300 });
  return row;
}
// == fires: a method that loads
export class Quotes {
  constructor(private kv: KVNamespace) {}
  async get(symbol: string) {
    const known = await this.kv.get(symbol);
    if (known) return known;
    const fresh = await this.load(symbol); // fault
    await this.kv.put(symbol, fresh, { expirationTtl: 60 });
    return fresh;
  }
  private async load(symbol: string) {
    return (await fetch(`https://quotes.example/${symbol}`)).text();
  }
}
// == fires (js): service binding
export async function profile(env, id) {
  const kv = env.CACHE;
  let known = await kv.get(id);
  if (!known) {
    known = await (await env.SERVICE.fetch(`https://users/${id}`)).text(); // fault
    await kv.put(id, known, { expirationTtl: 300 });
  }
  return known;
}
// == fires: a loader that is handed in
export class CM {
  constructor(
    private kv: KVNamespace,
    private fetcher: (k: string) => Promise<string>,
  ) {}
  async getOrFetch(key: string, fn: () => Promise<string>) {
    const c = await this.kv.get(key);
    if (c) return c;
    const v = await fn(); // fault
    await this.kv.put(key, v, { expirationTtl: 300 });
    return v;
  }
}
// == fires: function that fetches
app.get("/q/:s", async (c) => {
  const k = c.req.param("s");
  let v = await c.env.CACHE.get(k, "json");
  if (!v) {
    v = await getQuote(k); // fault
    c.executionCtx.waitUntil(c.env.CACHE.put(k, JSON.stringify(v), { expirationTtl: 60 }));
  }
  return c.json(v);
});
const getQuote = async (s: string) => {
  const r = await fetch("https://q/" + s);
  return r.json();
};
// == quiet: a shared promise
const inFlight = new Map<string, Promise<string>>();
export async function get(env: Env, key: string) {
  const known = await env.CACHE.get(key);
  if (known) return known;
  let running = inFlight.get(key);
  if (!running) {
    running = fetch(`https://origin.example/${key}`).then((r) => r.text());
    inFlight.set(key, running);
    running.finally(() => inFlight.delete(key));
  }
  const fresh = await running;
  await env.CACHE.put(key, fresh, { expirationTtl: 60 });
  return fresh;
}
// == quiet: a field for what is pending
export class Quotes {
  private pending = new Map<string, Promise<string>>();
  constructor(private kv: KVNamespace) {}
  async get(symbol: string) {
    const known = await this.kv.get(symbol);
    if (known) return known;
    if (!this.pending.has(symbol)) this.pending.set(symbol, this.load(symbol));
    const fresh = await this.pending.get(symbol)!;
    await this.kv.put(symbol, fresh, { expirationTtl: 60 });
    return fresh;
  }
  private load = async (symbol: string) => (await fetch(`https://q.example/${symbol}`)).text();
}
// == quiet: cheap to make
export async function greeting(env: Env, name: string) {
  const known = await env.CACHE.get(name);
  if (known) return known;
  const text = `Hello, ${name}`;
  await env.CACHE.put(name, text, { expirationTtl: 60 });
  return text;
}
// == quiet: a refresh by cron, no reader waits
export default {
  async scheduled(_: ScheduledEvent, env: Env) {
    const rates = await (await fetch("https://rates.example")).text();
    await env.CACHE.put("rates", rates, { expirationTtl: 3600 });
  },
};
// == quiet: an object that blocks
export class Loader extends DurableObject<Env> {
  async get(key: string) {
    return this.ctx.blockConcurrencyWhile(async () => {
      const known = await this.env.CACHE.get(key);
      if (known) return known;
      const fresh = await (await fetch(`https://origin.example/${key}`)).text();
      await this.env.CACHE.put(key, fresh, { expirationTtl: 60 });
      return fresh;
    });
  }
}
// == fires: a row of an ORM, destructured
import { drizzle } from "drizzle-orm/d1";
import { pages } from "./schema";
export async function page(env: Env, slug: string) {
  const known = await env.CACHE.get(slug, "json");
  if (known) return known;
  const orm = drizzle(env.DB);
  const [found] = await orm.select().from(pages).limit(1); // fault
  await env.CACHE.put(slug, JSON.stringify(found), { expirationTtl: 3600 });
  return found;
}
// == quiet: a map for one restore, handed to what restores
export async function restore(names: string[]) {
  const seen = new Map<string, string>();
  return eachOf(names, {
    load: async (name: string) => {
      if (seen.has(name)) return seen.get(name);
      const text = await (await fetch(`https://backup.example/${name}`)).text();
      seen.set(name, text);
      return text;
    },
  });
}
// == quiet: what is loaded comes after the entry was made, and is another thing
export async function app(env: Env) {
  const existing = await env.CACHE.get("admin:hash");
  if (!existing) {
    const made = crypto.randomUUID();
    await env.CACHE.put("admin:hash", made);
  }
  return serve(async () => (await fetch("https://origin.example/users")).json());
}
// == quiet: what is fetched before the look is no load of what is missing
export async function price(env: Env, key: string) {
  const rate = await (await fetch("https://rates.example/today")).text();
  const known = await env.CACHE.get(key);
  if (known) return known;
  const made = `${key}: ${rate}`;
  await env.CACHE.put(key, made, { expirationTtl: 60 });
  return made;
}
// == fires: the load stands in the write itself
const pages = new Map<string, string>();
export async function page(slug: string) {
  if (!pages.has(slug)) pages.set(slug, await (await fetch(`https://o.example/${slug}`)).text()); // fault
  return pages.get(slug);
}
// == quiet: what was done already, so that a second try does not do it again
export async function pay(request: Request, env: Env): Promise<Response> {
  const { session, amount } = await request.json<{ session: string; amount: number }>();
  let order = await env.PAYMENTS.get(`order:${session}`);
  if (!order) {
    const made = await createOrderAtBank(session, amount);
    order = made.id;
    await env.PAYMENTS.put(`order:${session}`, made.id, { expirationTtl: 86400 });
  }
  return Response.json({ order });
}
async function createOrderAtBank(session: string, amount: number): Promise<{ id: string }> {
  const body = JSON.stringify({ session, amount });
  const answer = await fetch("https://bank.example/orders", { method: "POST", body });
  if (!answer.ok) throw new Error("no order");
  return answer.json();
}
// == quiet: a memory that ends with its request
class Teams {
  private known = new Map<string, { team: unknown; at: number }>();
  constructor(private env: Env) {}
  async get(id: string) {
    const kept = this.known.get(id);
    if (kept && Date.now() - kept.at < 60_000) return kept.team;
    const team = await this.env.DB.prepare("SELECT * FROM teams WHERE id = ?").bind(id).first();
    if (team) this.known.set(id, { team, at: Date.now() });
    return team;
  }
}
export async function show(env: Env, id: string) {
  return new Teams(env).get(id);
}
// == fires: a memory of an object of the module
class Shops {
  private known = new Map<string, unknown>();
  async get(env: Env, id: string) {
    if (this.known.has(id)) return this.known.get(id);
    const shop = await env.DB.prepare("SELECT * FROM shops WHERE id = ?").bind(id).first(); // fault
    if (shop && this.known.size < 500) this.known.set(id, shop);
    return shop;
  }
}
const shops = new Shops();
export const shop = (env: Env, id: string) => shops.get(env, id);
// == quiet: a map of the caller, from a file in which other things stand at these lines
// -- file: src/read.ts
export const DIRECTORY = "/objects";
export function reader(files: Map<string, Uint8Array>, load: (id: string) => Promise<Uint8Array>) {
  async function one(path: string) {
    const known = files.get(path);
    if (known) return known;
    const loaded = await load(path);
    files.set(path, loaded);
    return loaded;
  }
  return { one };
}
// -- file: src/index.ts
import { reader } from "./read";
export async function inspect(env: Env, ids: string[]) {
  const files = new Map<string, Uint8Array>();
  const load = async (id: string) => {
    const answer = await fetch(`https://objects.example/${id}`);
    if (!answer.ok) throw new Error("no such object");
    return new Uint8Array(await answer.arrayBuffer());
  };
  const objects = reader(files, load);
  const found: Uint8Array[] = [];
  for (const id of ids) found.push(await objects.one(id));
  const sizes = found.map((each) => each.byteLength);
  const total = sizes.reduce((sum, each) => sum + each, 0);
  return { sizes, total, names: [...files.keys()], mean: total / Math.max(1, sizes.length) };
}
// == quiet: names that one call gives
export class Namer extends DurableObject<Env> {
  async nameAll(targets: string[]) {
    const names = new Map<string, string>();
    const nameFor = async (target: string) => {
      const known = names.get(target);
      if (known) return known;
      const made = await this.env.AI.run("model", { prompt: target });
      names.set(target, String(made));
      return String(made);
    };
    for (const target of targets) await nameFor(target);
    return [...names];
  }
}
// == quiet: a memory that each request makes for itself
function reader(db: D1Database) {
  const rows = new Map<string, Row | null>();
  const read = async (key: string) => {
    if (rows.has(key)) return rows.get(key) ?? null;
    const row = await db.prepare("SELECT * FROM pages WHERE id = ?").bind(key).first<Row>();
    rows.set(key, row);
    return row;
  };
  return { read };
}
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const pages = reader(env.DB);
    return Response.json(await pages.read(new URL(request.url).pathname));
  },
};
// == fires: one load behind two caches is told once
async function message(env: Env, id: string) {
  const known = await env.CACHE.get(`message:${id}`);
  if (known) return known;
  const fresh = await (await fetch(`https://origin.example/${id}`)).text(); // fault
  await env.CACHE.put(`message:${id}`, fresh, { expirationTtl: 3600 });
  return fresh;
}
export async function picture(env: Env, id: string) {
  const known = await env.CACHE.get(`picture:${id}`);
  if (known) return known;
  const drawn = await draw(await message(env, id));
  await env.CACHE.put(`picture:${id}`, drawn, { expirationTtl: 3600 });
  return drawn;
}
// == fires: its own load beside one that is told already
const tokens = new Map<string, string>();
async function token(scope: string) {
  const known = tokens.get(scope);
  if (known) return known;
  const fresh = await (await fetch(`https://login.example/${scope}`)).text(); // fault
  tokens.set(scope, fresh);
  return fresh;
}
export async function report(env: Env, month: string) {
  const known = await env.CACHE.get(`report:${month}`);
  if (known) return known;
  const headers = { Authorization: `Bearer ${await token("reports")}` };
  const made = await (await fetch(`https://api.example/${month}`, { headers })).text(); // fault
  await env.CACHE.put(`report:${month}`, made, { expirationTtl: 3600 });
  return made;
}
// == quiet: the only caller shares what is under way
const inFlight = new Map<string, Promise<string>>();
export async function priceOf(env: Env, sku: string): Promise<string> {
  const running = inFlight.get(sku);
  if (running) return running;
  const price = load(env, sku).finally(() => inFlight.delete(sku));
  inFlight.set(sku, price);
  return price;
}
async function load(env: Env, sku: string): Promise<string> {
  const stored = await env.PRICES_CACHE.get(`p:${sku}`, { cacheTtl: 120 });
  if (stored !== null) return stored;
  const answer = await fetch(`${env.ORIGIN}/price/${sku}`);
  if (!answer.ok) throw new Error(`origin: ${answer.status}`);
  const price = await answer.text();
  await env.PRICES_CACHE.put(`p:${sku}`, price, { expirationTtl: 300 });
  return price;
}
// == fires: one of two callers shares it, the other does not
const pending = new Map<string, Promise<string>>();
export async function shared(env: Env, sku: string): Promise<string> {
  const running = pending.get(sku) ?? load(env, sku).finally(() => pending.delete(sku));
  pending.set(sku, running);
  return running;
}
export async function alone(env: Env, sku: string): Promise<string> {
  return load(env, sku);
}
async function load(env: Env, sku: string): Promise<string> {
  const stored = await env.PRICES_CACHE.get(`p:${sku}`, { cacheTtl: 120 });
  if (stored !== null) return stored;
  const answer = await fetch(`${env.ORIGIN}/price/${sku}`); // fault
  if (!answer.ok) throw new Error(`origin: ${answer.status}`);
  const price = await answer.text();
  await env.PRICES_CACHE.put(`p:${sku}`, price, { expirationTtl: 300 });
  return price;
}
