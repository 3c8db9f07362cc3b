import { DurableObject } from "cloudflare:workers";
import { origin } from "./origin";

interface Env {
  RESULTS: KVNamespace;
  HITS?: DurableObjectNamespace<Hits>;
  TTL: string;
}

const memory = new Map<string, { value: string; until: number }>();

export class Hits extends DurableObject {
  async add(): Promise<void> {
    await this.ctx.storage.put("hits", ((await this.ctx.storage.get<number>("hits")) ?? 0) + 1);
  }
}

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const key = new URL(request.url).pathname;
    const near = memory.get(key);
    if (near && Date.now() < near.until) return new Response(near.value);
    const value = (await env.RESULTS.get(key)) ?? (await load(key, env, ctx));
    memory.set(key, { value, until: Date.now() + 60_000 });
    return new Response(value);
  },
} satisfies ExportedHandler<Env>;

async function load(key: string, env: Env, ctx: ExecutionContext): Promise<string> {
  const value = await origin(key);
  await env.RESULTS.put(key, value, { expirationTtl: Number(env.TTL) });
  if (env.HITS) ctx.waitUntil(env.HITS.get(env.HITS.idFromName("all")).add());
  return value;
}
