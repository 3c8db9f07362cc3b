// Workers KV whose expiration goes by the virtual clock: kept in the metadata, hidden from the caller.
const SHORTEST = 60; // seconds, as the platform has it

// `clock` gives the time in seconds.
export function virtualKv(kv, clock) {
  const alive = ({ metadata }) => !metadata?.expires || clock() < metadata.expires;
  const unwrapped = (found) => {
    if (found === null || !alive(found)) return GONE;
    return { ...found, metadata: found.metadata?.metadata ?? null };
  };
  return {
    async get(key, options) {
      const found = await this.getWithMetadata(key, options);
      return Array.isArray(key) ? mapValues(found, (one) => one?.value ?? null) : found.value;
    },
    async getWithMetadata(key, options) {
      const found = await kv.getWithMetadata(key, options);
      return Array.isArray(key) ? mapValues(found, unwrapped) : unwrapped(found);
    },
    put(key, value, options = {}) {
      const { expirationTtl, expiration, metadata = null, ...others } = options;
      const expires = expirationTtl ? clock() + Number(expirationTtl) : Number(expiration ?? 0);
      if (expires && expires < clock() + SHORTEST) {
        return kv.put(key, value, { ...others, expirationTtl: 1 }); // for the platform to refuse
      }
      return kv.put(key, value, { ...others, metadata: { expires, metadata } });
    },
    delete: (key) => kv.delete(key),
    async list(options) {
      const page = await kv.list(options);
      return { ...page, keys: page.keys.filter(alive).map(listed) };
    },
  };
}

const GONE = { value: null, metadata: null, cacheStatus: null };

const listed = ({ name, metadata: { expires, metadata } }) => ({
  name,
  ...(expires && { expiration: Math.floor(expires) }),
  ...(metadata !== null && { metadata }),
});

const mapValues = (map, change) => new Map([...map].map(([key, value]) => [key, change(value)]));
