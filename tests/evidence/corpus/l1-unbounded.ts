// == unsure: map of the module
const cache = new Map<string, Quote>(); // fault
export async function quote(env: Env, symbol: string) {
  const known = cache.get(symbol);
  if (known) return known;
  const fresh = await env.CACHE.get<Quote>(symbol, "json");
  if (fresh) cache.set(symbol, fresh);
  return fresh;
}
// == fires: field of a class
export class CacheManager {
  private l1 = new Map<string, Entry>(); // fault
  get(key: string) {
    const entry = this.l1.get(key);
    if (entry && entry.expiresAt < Date.now()) {
      this.l1.delete(key);
      return undefined;
    }
    return entry?.value;
  }
  set(key: string, value: unknown) {
    this.l1.set(key, { value, expiresAt: Date.now() + 60_000 });
  }
}
// == fires: made in the constructor
export class Store {
  private memory: Map<string, string>;
  constructor() {
    this.memory = new Map(); // fault
  }
  remember(key: string, value: string) {
    if (!this.memory.has(key)) this.memory.set(key, value);
  }
}
// == fires: plain object
const pages: Record<string, string> = {}; // fault
app.get("/:page", async (c) => {
  const name = c.req.param("page");
  pages[name] ??= "";
  if (!pages[name]) pages[name] = await render(name);
  return c.html(pages[name]);
});
// == fires (js): static field, alias
class Registry {
  static entries = new Map(); // fault
}
export function lookup(key) {
  const entries = Registry.entries;
  if (!entries.has(key)) entries.set(key, compute(key));
  return entries.get(key);
}
// == unsure: object with the in operator
const memo: { [k: string]: string } = {}; // fault
export function get(k: string) {
  if (k in memo) return memo[k];
  memo[k] = compute(k);
  return memo[k];
}
// == fires (js): map in a let
let cache = new Map(); // fault
export default {
  async fetch(request) {
    const hit = cache.get(request.url);
    if (hit) return hit.clone();
    const res = await fetch(request);
    cache.set(request.url, res.clone());
    return res;
  },
};
// == unsure: kept on globalThis
const g = globalThis as any;
const memory: Map<string, any> = (g.__cache ??= new Map()); // fault
export function get(k: string) {
  return memory.get(k);
}
export function set(k: string, v: any) {
  memory.set(k, v);
}
// == unsure: static object
class Mem {
  static store: Record<string, unknown> = {}; // fault
  static get(k: string) {
    return Mem.store[k];
  }
  static set(k: string, v: unknown) {
    Mem.store[k] = v;
  }
}
// == fires: entries dropped when read too late
export class L1<T> {
  private cache: Map<string, { v: T; e: number }> = new Map(); // fault
  get(k: string) {
    const x = this.cache.get(k);
    if (!x) return null;
    if (x.e < Date.now()) {
      this.cache.delete(k);
      return null;
    }
    return x.v;
  }
  set(k: string, v: T, ttl: number) {
    this.cache.set(k, { v, e: Date.now() + ttl });
  }
}
// == quiet: a bound
const cache = new Map<string, string>();
export function set(key: string, value: string) {
  if (cache.size > 500) cache.delete(cache.keys().next().value!);
  cache.set(key, value);
}
export const get = (key: string) => cache.get(key);
// == quiet: a library with a bound
const cache = new LRUCache<string, string>({ max: 500, ttl: 60_000 });
export const set = (key: string, value: string) => cache.set(key, value);
export const get = (key: string) => cache.get(key);
// == quiet: lives for one call
export function unique(items: Item[]) {
  const seen = new Map<string, Item>();
  for (const item of items) if (!seen.has(item.id)) seen.set(item.id, item);
  return [...seen.values()];
}
// == quiet: loads under way
const inFlight = new Map<string, Promise<string>>();
export function load(key: string) {
  const running = inFlight.get(key) ?? fetchText(key).finally(() => inFlight.delete(key));
  inFlight.set(key, running);
  return running;
}
// == quiet: a table that never changes
const LABELS = new Map([["AAPL", "Apple"], ["MSFT", "Microsoft"]]);
export const label = (symbol: string) => LABELS.get(symbol) ?? symbol;
// == quiet: swept
export class Cache {
  private entries = new Map<string, Entry>();
  get = (key: string) => this.entries.get(key);
  set(key: string, entry: Entry) {
    this.entries.set(key, entry);
    for (const [name, each] of this.entries) if (each.end < Date.now()) this.entries.delete(name);
  }
}
// == quiet: one breaker for each service, one set of listeners for each event
class Breaker {
  constructor(readonly name: string) {}
}
const breakers = new Map<string, Breaker>();
const parcels = new Map<string, unknown>();
export function breaker(name: string) {
  const known = breakers.get(name);
  if (known) return known;
  const made = new Breaker(name);
  breakers.set(name, made);
  return made;
}
export function publish(event: string, parcel: unknown) {
  if (!parcels.has(event)) parcels.set(event, parcel);
}
// == quiet: made by a factory, one for each address of the settings
const keySets = new Map<string, object>();
export function keysOf(address: string) {
  let keys = keySets.get(address);
  if (!keys) {
    keys = createRemoteKeys(new URL(address));
    keySets.set(address, keys);
  }
  return keys;
}
declare function createRemoteKeys(address: URL): object;
// == quiet: keyed by one of a few words, or by a plugin
type Algorithm = "EdDSA" | "ES256";
const signingKeys: Partial<Record<Algorithm, CryptoKey>> = {};
const pages: { [kind in Algorithm]?: string } = {};
const defaults = { name: "relay", plugins: {} as Record<string, unknown> };
export async function signingKey(algorithm: Algorithm) {
  signingKeys[algorithm] ??= await make(algorithm);
  const known = signingKeys[algorithm];
  if (!known) signingKeys[algorithm] = await make(algorithm);
  pages[algorithm] = pages[algorithm] ?? "";
  return signingKeys[algorithm];
}
export function configure(pluginId: string, value: unknown) {
  const before = defaults.plugins[pluginId];
  defaults.plugins[pluginId] = value;
  return before;
}
// == quiet: the state of each of a few parts
const states = new Map<string, { loading: Promise<unknown> | null }>();
export function stateFor(label: string | undefined) {
  const key = label ?? "";
  let state = states.get(key);
  if (!state) {
    state = { loading: null };
    states.set(key, state);
  }
  return state;
}
// == quiet: what a list of another service names
export class Poller extends DurableObject<Env> {
  private ends = new Map<string, string>();
  async fetch(request: Request): Promise<Response> {
    const answer = await fetch("https://game.example/matches", { headers: request.headers });
    for (const match of await answer.json<{ id: string; end: string }[]>()) {
      if (this.ends.get(match.id) !== match.end) this.ends.set(match.id, match.end);
    }
    return new Response("ok");
  }
}
// == unsure: keyed by rows of a database
const parsedById = new Map<number, Parsed>(); // fault
export async function checkAll(env: Env) {
  const cacheOf = parsedById;
  const { results } = await env.DB.prepare("SELECT id, body FROM monitors").all<Row>();
  for (const row of results) {
    if (!parsedById.has(row.id)) parsedById.set(row.id, parse(row.id));
  }
  return cacheOf.size;
}
// == fires: keyed by what a request asks for
const pagesByPath = new Map<string, string>(); // fault
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname } = new URL(request.url);
    const page = pagesByPath.get(pathname) ?? (await render(pathname));
    pagesByPath.set(pathname, page);
    return new Response(page);
  },
};
// == quiet: rooms, each until its last guest has left
const rooms = new Map<string, { host: WebSocket | null; guests: Set<WebSocket> }>();
function roomOf(id: string) {
  if (!rooms.has(id)) rooms.set(id, { host: null, guests: new Set() });
  return rooms.get(id)!;
}
function leave(id: string, guest: WebSocket) {
  const room = roomOf(id);
  room.guests.delete(guest);
  if (room.guests.size === 0) rooms.delete(id);
}
export default {
  async fetch(request: Request): Promise<Response> {
    const id = new URL(request.url).pathname;
    const [client, server] = Object.values(new WebSocketPair());
    roomOf(id).guests.add(server);
    server.addEventListener("close", () => leave(id, server));
    return new Response(null, { status: 101, webSocket: client });
  },
};
// == unsure: lobbies, each taken out when it closes
const lobbyCache = new Map<string, Lobby>(); // fault
export default {
  async fetch(request: Request): Promise<Response> {
    const id = new URL(request.url).pathname;
    if (request.method === "DELETE") return closed(id);
    const lobby = lobbyCache.get(id) ?? (await open(id));
    lobbyCache.set(id, lobby);
    return Response.json(lobby);
  },
};
function closed(id: string) {
  lobbyCache.delete(id);
  return new Response(null, { status: 204 });
}
// == unsure: keyed by rows of a database, whatever it is called
const people = new Map<number, Row>(); // fault
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const name = new URL(request.url).searchParams.get("name");
    const row = await env.DB.prepare("SELECT * FROM people WHERE name = ?").bind(name).first<Row>();
    if (row && !people.has(row.id)) people.set(row.id, row);
    return Response.json(row && people.get(row.id));
  },
};
// == unsure: keyed by each row of a table
const byId = new Map<string, Row>(); // fault
export async function refreshed(env: Env, id: string) {
  const { results } = await env.DB.prepare("SELECT * FROM people").all<Row>();
  for (const row of results) byId.set(row.id, row);
  return byId.get(id);
}
// == unsure: an object keyed by rows
const rows: Record<string, Row> = {}; // fault
export async function row(env: Env, name: string) {
  const found = await env.DB.prepare("SELECT * FROM people WHERE name = ?").bind(name).first<Row>();
  if (found) rows[found.id] = found;
  return found && rows[found.id];
}
// == fires: keyed by what a client asks for, taken out only by who changes it
const goods = new Map<string, unknown>(); // fault
async function good(env: Env, id: string): Promise<unknown> {
  const kept = goods.get(id);
  if (kept !== undefined) return kept;
  const found = await env.GOODS.get("good:" + id, "json");
  if (found) goods.set(id, found);
  return found;
}
async function save(env: Env, id: string, body: string) {
  await env.GOODS.put("good:" + id, body);
  goods.delete(id);
}
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const id = new URL(request.url).searchParams.get("id") ?? "1";
    if (request.method === "PUT") await save(env, id, await request.text());
    return Response.json(await good(env, id));
  },
};
interface Env { GOODS: KVNamespace }
// == fires: keyed by a header, and by what a body says
const byAgent = new Map<string, string>(); // fault
const answers: Record<string, string> = {}; // fault
export default {
  async fetch(request: Request): Promise<Response> {
    const agent = request.headers.get("user-agent") ?? "";
    const seen = byAgent.get(agent) ?? describe(agent);
    byAgent.set(agent, seen);
    const { question } = await request.json<{ question: string }>();
    answers[question] ??= await answer(question);
    if (!answers[question]) answers[question] = seen;
    return new Response(answers[question]);
  },
};
// == fires: looked for in what holds what was asked for, not what may be
const asked = new Map<string, string>(); // fault
const places = new Map<string, string>(); // fault
const known = new Set(["/"]);
const before: string[] = [];
export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (!before.includes(pathname)) before.push(pathname);
    if (!asked.has(pathname)) asked.set(pathname, await render(pathname));
    known.add(pathname);
    if (!known.has(pathname)) return new Response(asked.get(pathname));
    if (!places.has(pathname)) places.set(pathname, pathname);
    return new Response(places.get(pathname));
  },
};
// == quiet: what a client asks for is looked for in a list first
const LANGUAGES = ["de", "en", "fr"] as const;
const STOCK: Record<string, number> = { bread: 3, cake: 5 };
const SIZES = new Set(["s", "m", "l"]);
enum Shop { East = "east", West = "west" }
const isShop = (name: string): name is Shop => Object.values(Shop).includes(name as Shop);
const texts = new Map<string, string>();
const prices = new Map<string, string>();
const sizes = new Map<string, string>();
const shops = new Map<string, string>();
const kinds = new Map<string, string>();
async function sized(size: string) {
  const known = sizes.get(size) ?? (await render(size));
  sizes.set(size, known);
  return known;
}
async function priced(name: string) {
  const stock = STOCK[name];
  if (stock === undefined || !(name in STOCK)) return null;
  if (!prices.has(name)) prices.set(name, await render(name));
  return prices.get(name);
}
async function ofKind(kind: string) {
  switch (kind) {
    case "sweet":
    case "sour":
      if (!kinds.has(kind)) kinds.set(kind, await render(kind));
      return kinds.get(kind);
    default:
      return null;
  }
}
export default {
  async fetch(request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const wanted = query.get("lang") ?? "en";
    const language = LANGUAGES.includes(wanted as "de") ? wanted : "en";
    const text = texts.get(language) ?? (await render(language));
    texts.set(language, text);
    const shop = query.get("shop") ?? "east";
    if (!isShop(shop)) return new Response("no such shop", { status: 404 });
    const name = shops.get(shop) ?? (await render(shop));
    shops.set(shop, name);
    const size = query.get("size") ?? "";
    if (!SIZES.has(size)) return new Response("no such size", { status: 400 });
    const kind = await ofKind(query.get("kind") ?? "sweet");
    return Response.json([text, name, kind, await sized(size), await priced(query.get("name")!)]);
  },
};
// == quiet: shards, a literal type, a place of the platform's
type Unit = "g" | "kg";
const shards = new Map<number, string>();
const units = new Map<string, string>();
export default {
  async fetch(request: Request): Promise<Response> {
    const shard = Number(new URL(request.url).searchParams.get("id")) % 16;
    if (!shards.has(shard)) shards.set(shard, await render(String(shard)));
    return new Response(shards.get(shard) + (await unit("kg")));
  },
};
async function unit(name: Unit) {
  if (!units.has(name)) units.set(name, await render(name));
  return units.get(name);
}
// == quiet: what comes in takes the oldest out
const pages = new Map<string, string>();
const order: string[] = [];
export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const page = pages.get(pathname) ?? (await render(pathname));
    pages.set(pathname, page);
    if (order.push(pathname) > 100) pages.delete(order.shift()!);
    return new Response(page);
  },
};
// == quiet: one for each request, and one that is not kept alive
const bodies = new WeakMap<Request, string>();
export default {
  async fetch(request: Request): Promise<Response> {
    const parts = new Map<string, string>();
    for (const [name, value] of new URL(request.url).searchParams) {
      if (!parts.has(name)) parts.set(name, value);
    }
    const body = bodies.get(request) ?? (await request.text());
    bodies.set(request, body);
    return Response.json({ parts: [...parts], body });
  },
};
// == quiet: begun anew when it has grown
let recent = new Map<string, string>();
let entries = 0;
export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const page = recent.get(pathname) ?? (await render(pathname));
    if (++entries > 500) {
      recent = new Map();
      entries = 0;
    }
    recent.set(pathname, page);
    return new Response(page);
  },
};
