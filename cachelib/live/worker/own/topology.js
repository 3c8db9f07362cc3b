// A user's Worker, bundled as it is and run as so many isolates; its Durable Objects in one more.
import { realpathSync } from "node:fs";
import { dirname, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../bundle.js";

const HARNESS = fileURLToPath(new URL("harness.js", import.meta.url));
const OURS = realpathSync(fileURLToPath(new URL("..", import.meta.url)));
const EVERYWHERE = ["0.0.0.0/0", "::/0", "unix", "unix-abstract"];
const ENTRY = "CachelibHarness";

export async function ownTopology(config, require) {
  const modules = await bundled(config, require("esbuild"));
  const names = Array.from({ length: config.isolates }, (_, i) => `isolate-${i}`);
  const services = { CACHELIB_OPEN: openServices(config.connect, require("miniflare")) };
  const one = (name) => {
    const made = instance(name, modules, config);
    return { ...made, serviceBindings: { ...made.serviceBindings, ...services } };
  };
  return {
    bound: Object.fromEntries(names.map((name) => [name, { name, entrypoint: ENTRY }])),
    workers: [...names.map(one), ...(config.objects.length ? [one("objects")] : [])],
  };
}

function bundled(config, esbuild) {
  const { root, main, kinds, objects, define } = config;
  const given = JSON.stringify(kinds);
  const contents = [
    `import { harness, observedObject } from ${JSON.stringify(HARNESS)};`,
    `import user, * as all from ${JSON.stringify(main)};`,
    `export const ${ENTRY} = harness(user, ${given});`,
    ...objects.map(({ className: c }) => `export const ${c} = observedObject(all.${c}, ${given});`),
    `export default {};`,
  ].join("\n");
  return bundle(esbuild, {
    stdin: { contents, resolveDir: root, sourcefile: "cachelib-entry.js" },
    absWorkingDir: root,
    loader: { ".txt": "text", ".html": "text", ".sql": "text", ".bin": "binary" },
    define,
    plugins: [onlyFilesOf(config)],
  });
}

// A Worker's code may import any file, and answer with it: the files are its own, those of packages
// installed for it, and those in folders that were opened by name.
function onlyFilesOf({ root, read }) {
  const above = ancestors(root).map((folder) => under(folder, "node_modules"));
  const open = [under(OURS), under(root), ...above, ...read.map((folder) => under(folder))];
  const onLoad = ({ path }) => {
    const real = realpathSync(path);
    if (open.some((folder) => real.startsWith(folder))) return undefined;
    const how = `if it may be read, say so: --read ${dirname(real)}`;
    return { errors: [{ text: `${path} lies outside of the Worker's folder; ${how}` }] };
  };
  return { name: "files", setup: (build) => build.onLoad({ filter: /.*/, namespace: "file" }, onLoad) };
}

const under = (...parts) => `${parts.join(sep).replace(/[\\/]+$/, "")}${sep}`;
const ancestors = (folder) =>
  dirname(folder) === folder ? [folder] : [folder, ...ancestors(dirname(folder))];

// The way to services that were opened by name, outside of the runtime, which knows of no ports.
function openServices(connect, { fetch, Response }) {
  return async (request) => {
    const { hostname, port, protocol } = new URL(request.url);
    const service = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
    if (!connect.includes(service)) return new Response(`${service} is closed`, { status: 403 });
    return fetch(request, { redirect: "manual" }); // where it sends to may not be open
  };
}

function instance(name, modules, config) {
  const of = (kind) => Object.entries(config.kinds).filter((each) => each[1] === kind);
  const shared = (kind) => Object.fromEntries(of(kind).map(([binding]) => [binding, binding]));
  const object = ({ binding, className, sqlite }) => [
    binding,
    {
      className,
      scriptName: "objects",
      useSQLite: sqlite,
      unsafePreventEviction: true, // eviction goes by the real clock
    },
  ];
  return {
    name,
    modules,
    compatibilityDate: config.compatibilityDate,
    compatibilityFlags: config.compatibilityFlags,
    bindings: config.vars,
    kvNamespaces: shared("kv"),
    r2Buckets: shared("r2"),
    d1Databases: shared("d1"),
    queueProducers: shared("queue"),
    durableObjects: Object.fromEntries(config.objects.map(object)),
    serviceBindings:
      config.objects.length && name !== "objects"
        ? { CACHELIB_OBJECTS: { name: "objects", entrypoint: ENTRY } }
        : {},
    outboundService: { network: { allow: [], deny: EVERYWHERE } }, // raw connections included
  };
}
