import type { Env } from "./env";

export interface Headline {
  title: string;
  source: string;
  publishedAt: string;
}

const HEADLINES = 12;

/** The latest headlines on a symbol, the newest first. */
export async function headlines(env: Env, symbol: string): Promise<Headline[]> {
  const url = new URL("headlines", env.NEWS_API_URL);
  url.searchParams.set("symbol", symbol);
  url.searchParams.set("limit", String(HEADLINES));
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${env.NEWS_API_TOKEN}` },
  });
  if (!response.ok) {
    throw new Error(`news service: ${response.status} for ${symbol}`);
  }
  return ((await response.json()) as { headlines: Headline[] }).headlines;
}
