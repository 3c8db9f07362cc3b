// Proxies that pass every call to a binding on, and note it: [store, method, found, milliseconds].

const METHODS = {
  kv: ["get", "getWithMetadata", "put", "delete", "list"],
  r2: ["get", "head", "put", "delete", "list"],
  cache: ["match", "put", "delete"],
  origin: ["load"],
};

export function counted(store, target, note) {
  const methods = new Set(METHODS[store]);
  return new Proxy(target, {
    get(_, name) {
      if (typeof target[name] !== "function") return target[name];
      const call = (...args) => target[name](...args);
      return methods.has(name) ? timed(store, name, call, note) : call;
    },
  });
}

function timed(store, method, call, note) {
  return async (...args) => {
    const start = Date.now();
    const result = await call(...args);
    note([store, method, found(result), Date.now() - start]);
    return result;
  };
}

function found(result) {
  const value = result?.metadata !== undefined && "value" in result ? result.value : result;
  return value !== null && value !== undefined;
}
