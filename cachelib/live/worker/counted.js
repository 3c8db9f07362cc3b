// Proxies that pass every call on and note it: [store, method, found, milliseconds].

const METHODS = {
  memory: ["get", "set"],
  kv: ["get", "getWithMetadata", "put", "delete", "list"],
  r2: ["get", "head", "put", "delete", "list"],
  cache: ["match", "put", "delete"],
  queue: ["send", "sendBatch"],
  d1: ["exec", "batch"],
  "object storage": ["get", "put", "delete", "deleteAll", "list", "getAlarm", "setAlarm"],
  sql: ["exec"],
  origin: ["load", "fetch"],
};

export function counted(store, target, note) {
  return passing(target, (name, call) =>
    METHODS[store].includes(name) ? noted(store, name, call, note) : call,
  );
}

// Every call of a Durable Object's stub is one request to it.
export function countedStub(stub, note) {
  return passing(stub, (name, call) => noted("durable-object", name, call, note));
}

// The target with its methods changed. Methods of the runtime's own objects need their own `this`,
// and a stub answers to any name, so nothing is bound before it is called.
export function passing(target, change) {
  return new Proxy(target, {
    get(_, name) {
      if (typeof target[name] !== "function") return target[name];
      return change(name, (...args) => target[name](...args));
    },
  });
}

export function noted(store, method, call, note) {
  return (...args) => {
    const start = performance.now();
    note.began?.(store);
    const finish = (result) => {
      note.ended?.(store);
      const each = result instanceof Map ? result.values() : [result]; // KV bills every key
      for (const one of each) note([store, method, found(one), performance.now() - start]);
      return result;
    };
    const fail = (error) => {
      finish(null);
      throw error;
    };
    const result = call(...args);
    return typeof result?.then === "function" ? result.then(finish, fail) : finish(result);
  };
}

function found(result) {
  const value = result?.metadata !== undefined && "value" in result ? result.value : result;
  return value !== null && value !== undefined;
}
