// Which Workers run in the instance, and what is bound to them.
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const COMPATIBILITY_DATE = "2026-07-01";

export function topology({ isolates }) {
  const names = Array.from({ length: isolates }, (_, i) => `isolate-${i}`);
  return {
    workers: [
      worker("driver", { serviceBindings: Object.fromEntries(names.map((name) => [name, name])) }),
      worker("object", { durableObjects: { CACHE: OBJECT } }),
      ...names.map((name) => worker("isolate", { name, ...STORES })),
    ],
  };
}

const OBJECT = {
  className: "CacheObject",
  scriptName: "object",
  useSQLite: true,
  unsafePreventEviction: true, // eviction goes by the real clock
};

const STORES = {
  kvNamespaces: { KV: "shared" },
  r2Buckets: { R2: "shared" },
  durableObjects: { CACHE: OBJECT },
};

function worker(script, options = {}) {
  return {
    name: script,
    modules: true,
    modulesRules: [{ type: "ESModule", include: ["**/*.js"] }],
    modulesRoot: HERE,
    scriptPath: `${HERE}${script}.js`,
    compatibilityDate: COMPATIBILITY_DATE,
    ...options,
  };
}
