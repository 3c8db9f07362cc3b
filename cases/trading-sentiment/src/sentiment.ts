import type { Env } from "./env";
import { headlines, type Headline } from "./news";

export interface Sentiment {
  symbol: string;
  /** From -1 (all news is bad) to 1 (all news is good). */
  score: number;
  confidence: number;
  reasons: string[];
  headlines: number;
}

const VOCABULARY = "vocabulary/finance-v3.json";

/** Asks the language model what today's news means for a symbol: half a second, not free. */
export async function analyse(env: Env, symbol: string): Promise<Sentiment> {
  const news = await headlines(env, symbol);
  if (news.length === 0) {
    return { symbol, score: 0, confidence: 0, reasons: ["no news"], headlines: 0 };
  }
  const answer = await env.AI.run(env.SENTIMENT_MODEL, {
    messages: [
      { role: "system", content: await instructions(env) },
      { role: "user", content: question(symbol, news) },
    ],
  });
  return { symbol, headlines: news.length, ...parsed(answer) };
}

async function instructions(env: Env): Promise<string> {
  const stored = await env.TRAINED_MODELS.get(VOCABULARY);
  const words = stored === null ? "" : await stored.text();
  return `Judge financial news. Answer in JSON with score, confidence and reasons. ${words}`;
}

function question(symbol: string, news: Headline[]): string {
  const lines = news.map((each) => `- ${each.title} (${each.source}, ${each.publishedAt})`);
  return `What do these headlines mean for ${symbol}?\n${lines.join("\n")}`;
}

function parsed(answer: unknown): Pick<Sentiment, "score" | "confidence" | "reasons"> {
  const { response } = answer as { response: string };
  const { score, confidence, reasons } = JSON.parse(response);
  return { score: clamp(score, -1, 1), confidence: clamp(confidence, 0, 1), reasons };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
