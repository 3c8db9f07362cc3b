// == fires: counter
let requests = 0;
export default {
  async fetch(): Promise<Response> {
    requests += 1; // fault
    return Response.json({ requests });
  },
};
// == fires: rate limit in a map
const hits = new Map<string, number>();
app.use(async (c, next) => {
  const ip = c.req.header("cf-connecting-ip") ?? "";
  hits.set(ip, (hits.get(ip) ?? 0) + 1); // fault
  if (hits.get(ip)! > 100) return c.text("slow down", 429);
  await next();
});
// == fires: user of the request
let currentUser: User | null = null;
export async function handle(request: Request, env: Env) {
  currentUser = await authenticate(request, env); // fault
  return render(currentUser);
}
// == fires: list of clients
const clients: WebSocket[] = [];
export function connect(socket: WebSocket) {
  clients.push(socket); // fault
  for (const client of clients) client.send("joined");
}
// == fires (js): statistics object
const stats = { hits: 0, misses: 0 };
export async function read(env, key) {
  const value = await env.CACHE.get(key);
  if (value) stats.hits++; // fault
  else stats.misses++;
  return value;
}
// == fires (js): last request kept
let lastRequest;
export default {
  async fetch(request) {
    lastRequest = request; // fault
    return new Response("x");
  },
};
// == fires: counter in an object
const rateLimits: Record<string, number> = {};
export function hit(ip: string) {
  rateLimits[ip] = (rateLimits[ip] || 0) + 1; // fault
  return rateLimits[ip] > 10;
}
// == fires: sessions in a map
const sessions = new Map<string, Session>();
export function login(id: string, s: Session) {
  sessions.set(id, s); // fault
}
export function whoami(id: string) {
  return sessions.get(id);
}
// == fires: object of counters
const counters = { total: 0 };
app.get("/", (c) => {
  counters.total += 1; // fault
  return c.json(counters);
});
// == unsure: circuit breaker
let circuitOpen = false;
let failures = 0;
export async function call() {
  try {
    return await fetch("https://x");
  } catch (e) {
    failures++; // fault
    if (failures > 5) circuitOpen = true;
    throw e;
  }
}
// == quiet: client made once
let client: Client | undefined;
export function database(env: Env) {
  if (!client) client = new Client(env.DATABASE_URL);
  return client;
}
// == quiet: nullish assignment
let schema: Schema | undefined;
export const compiled = () => (schema ??= compile(SOURCE));
// == quiet: kept for a while
let flags: Flags | undefined;
let loadedAt = 0;
export async function currentFlags(env: Env, request: Request) {
  if (Date.now() - loadedAt > 60_000) {
    flags = await load(request.url);
    loadedAt = Date.now();
  }
  return flags;
}
// == quiet: a cache that KV backs
const l1 = new Map<string, Entry>();
export function remember(key: string, value: string) {
  if (l1.size > 100) l1.clear();
  l1.set(key, { value, expiresAt: Date.now() + 60_000 });
}
// == quiet: counted within a request
export function count(words: string[]) {
  let total = 0;
  for (const word of words) total += word.length;
  return total;
}
// == quiet: built while the module loads
const ROUTES: Route[] = [];
ROUTES.push({ path: "/", handler: home });
export const route = (path: string) => ROUTES.find((each) => each.path === path);
// == quiet: state of an object
export class Counter extends DurableObject<Env> {
  private value = 0;
  increment() {
    return ++this.value;
  }
}
// == quiet: listeners, instances and what is read of the environment
const listeners: ((event: string) => void)[] = [];
const services = { ready: false, store: null as unknown };
let secret = "";
let next = 0;
export function listen(listener: (event: string) => void) {
  listeners.push(listener);
}
export async function start(env: Env) {
  services.store = new Store(services.ready);
  secret = await derive(env.SECRET);
  return `${next++} ${secret}`;
}
// == fires: the request of one caller, for whoever comes next
let current: { path: string } | undefined;
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    current = { path: new URL(request.url).pathname }; // fault
    return render(env);
  },
};
const render = (env: Env) => new Response(current?.path);
// == quiet: a helper that others give their requests to
const bytes = (text: string) => new TextEncoder().encode(text);
let salt: Uint8Array;
export function prepare() {
  salt = bytes("pepper");
}
export default {
  async fetch(request: Request): Promise<Response> {
    return new Response(bytes(request.url));
  },
};
// == quiet: a variable of a loop at the top of the module
while (true) {
  const work: Promise<unknown>[] = [];
  await handle(await nextRequest(), (promise: Promise<unknown>) => work.push(promise));
  await Promise.all(work);
}
// == quiet: loads under way, and a list that each walk begins anew
const pendingUsers = new Map<string, Promise<string>>();
let headings: string[] = [];
export function user(id: string) {
  const running = pendingUsers.get(id) ?? load(id).finally(() => pendingUsers.delete(id));
  pendingUsers.set(id, running);
  return running;
}
const load = async (id: string) => (await fetch(`https://users.example/${id}`)).text();
export function outline(text: string) {
  headings = [];
  for (const line of text.split("\n")) headings.push(line);
  return headings;
}
// == quiet: files of a session, loaded once and kept
const sessionFiles = new Map<string, Promise<Map<string, number>>>();
async function readTimes(session: string): Promise<Map<string, number>> {
  const answer = await fetch(`https://files.example/${session}/times`);
  return new Map(Object.entries(await answer.json<Record<string, number>>()));
}
export async function times(session: string) {
  const known = sessionFiles.get(session);
  if (known) return known;
  const loading = readTimes(session);
  sessionFiles.set(session, loading);
  return loading;
}
// == quiet: how much this isolate does at a time
let running = 0;
const waiting: Array<() => void> = [];
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= 2) await new Promise<void>((resolve) => waiting.push(resolve));
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}
// == quiet: a program that writes files
// -- file: www/generate.ts
import * as fs from "fs";
let warnings = 0;
export function warn(message: string, request: Request) {
  warnings++;
  fs.writeFileSync("warnings.txt", `${warnings} ${message} ${request.url}`);
}
// -- file: src/index.ts
export default { fetch: () => new Response("ok") };
// == quiet: who waits for a load that is under way
const loads = new Map<string, Promise<string>>();
const waiters = new Map<string, number>();
export async function coalesced(key: string, load: () => Promise<string>) {
  const running = loads.get(key);
  if (running) {
    waiters.set(key, (waiters.get(key) ?? 0) + 1);
    return running;
  }
  const started = (async () => {
    try {
      return await load();
    } finally {
      console.log(key, waiters.get(key) ?? 0);
      loads.delete(key);
      waiters.delete(key);
    }
  })();
  loads.set(key, started);
  return started;
}
// == quiet: a store of the browser
// -- file: open-next.config.ts
export default {};
// -- file: src/app/write/store.ts
import { create } from "zustand";
let latest = 0;
export const useDraft = create((set) => ({
  load: async (slug: string) => {
    const mine = ++latest;
    latest += mine;
    set({ slug });
  },
}));
