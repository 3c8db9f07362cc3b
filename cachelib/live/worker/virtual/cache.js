// The Cache API whose lifetimes go by the virtual clock: kept in a header, hidden from the caller.

const EXPIRES = "x-cachelib-expires";
const CONTROL = "x-cachelib-cache-control";

// `clock` gives the time in seconds.
export function virtualCache(cache, clock) {
  return {
    async match(request, options) {
      const found = await cache.match(request, options);
      if (found === undefined || !found.headers.has(EXPIRES)) return found;
      if (Number(found.headers.get(EXPIRES)) <= clock()) return undefined;
      const response = new Response(found.body, found);
      response.headers.set("cache-control", response.headers.get(CONTROL));
      for (const name of [EXPIRES, CONTROL]) response.headers.delete(name);
      return response;
    },
    put(request, given) {
      const life = lifetime(given.headers.get("cache-control") ?? "");
      if (!life) return cache.put(request, given);
      const response = new Response(given.body, given);
      response.headers.set(EXPIRES, String(clock() + life));
      response.headers.set(CONTROL, given.headers.get("cache-control"));
      response.headers.set("cache-control", "max-age=31536000");
      return cache.put(request, response);
    },
    delete: (request, options) => cache.delete(request, options),
  };
}

function lifetime(control) {
  if (/no-store|no-cache|private/.test(control)) return 0;
  const age = /s-maxage=(\d+)/.exec(control) ?? /max-age=(\d+)/.exec(control);
  return age ? Number(age[1]) : 0;
}
