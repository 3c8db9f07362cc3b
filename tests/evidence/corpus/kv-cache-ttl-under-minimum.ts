// == fires: a constant
const FRESH = 10;
export const read = (env: Env, key: string) =>
  env.CACHE.get(key, { type: "json", cacheTtl: FRESH }); // fault
// == fires: with metadata
export const read = (env: Env, key: string) =>
  env.CACHE.getWithMetadata(key, { cacheTtl: 0 }); // fault
// == quiet: the minimum
export const read = (env: Env, key: string) => env.CACHE.get(key, { cacheTtl: 30 });
// == quiet: somebody else decides
export const read = (env: Env, key: string, ttl: number) => env.CACHE.get(key, { cacheTtl: ttl });
