// Which Workers run in the instance, and what is bound to them.
import { fileURLToPath } from "node:url";
import { ownTopology } from "./own/topology.js";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const COMPATIBILITY_DATE = "2026-07-01";

export const topology = ({ designs, own }, require) =>
  own ? ownTopology(own, { require, driver }) : designsTopology(designs);

function designsTopology({ isolates }) {
  const names = Array.from({ length: isolates }, (_, i) => `isolate-${i}`);
  return {
    workers: [
      driver(Object.fromEntries(names.map((name) => [name, name]))),
      worker("object", { durableObjects: { CACHE: OBJECT } }),
      ...names.map((name) => worker("isolate", { name, ...STORES })),
    ],
  };
}

const driver = (isolates) => worker("driver", { serviceBindings: isolates });

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
