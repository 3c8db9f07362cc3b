/** The bindings and variables of wrangler.toml, and the secret set beside it. */
export interface Env {
  TRADING_RESULTS: KVNamespace;
  TRAINED_MODELS: R2Bucket;
  AI: Ai;
  ENVIRONMENT: string;
  LOG_LEVEL: "debug" | "info" | "warn" | "error";
  SENTIMENT_MODEL: keyof AiModels;
  NEWS_API_URL: string;
  NEWS_API_TOKEN: string;
}
