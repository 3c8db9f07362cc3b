import { cacheOf, normaliseSymbol } from "./cache-manager";
import type { Env } from "./env";
import { analyse, type Sentiment } from "./sentiment";

/** The symbols whose analyses are ready before the market opens. */
const WATCHED = ["AAPL", "AMZN", "GOOGL", "META", "MSFT", "NVDA", "TSLA"];

const NIGHTLY = "5 0 * * *";

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const { pathname } = new URL(request.url);
    const [, section, name] = pathname.split("/");
    if (request.method !== "GET") return problem(405, "only GET is understood");
    try {
      if (section === "sentiment" && name) return await sentiment(name, env, ctx);
      if (section === "health") return Response.json(await cacheOf(env).checkHealth());
      if (section === "metrics") return new Response(cacheOf(env).metrics());
    } catch (error) {
      return problem(502, error instanceof Error ? error.message : String(error));
    }
    return problem(404, `there is nothing at ${pathname}`);
  },

  async scheduled(controller, env): Promise<void> {
    const cache = cacheOf(env);
    if (controller.cron === NIGHTLY) await cache.cleanUp();
    else await cache.warm("sentiment", WATCHED, (symbol) => analyse(env, symbol));
    cache.logStatistics();
  },
} satisfies ExportedHandler<Env>;

async function sentiment(name: string, env: Env, ctx: ExecutionContext): Promise<Response> {
  const symbol = normaliseSymbol(decodeURIComponent(name));
  const found = await cacheOf(env).getOrLoad<Sentiment>(
    "sentiment",
    symbol,
    () => analyse(env, symbol),
    (work) => ctx.waitUntil(work),
  );
  return Response.json(found.value, {
    headers: { "x-cache": found.tier, age: String(Math.round(found.ageMs / 1_000)) },
  });
}

function problem(status: number, detail: string): Response {
  return Response.json({ status, detail }, { status });
}
