// == fires: unknown namespace
export const read = (env: Env, key: string) => env.TYPO_CACHE.get(key); // fault
// == fires: Hono
app.get("/", async (c) => c.text((await c.env.PAGES_KV.get("home")) ?? "")); // fault
// == fires: declared in the source, not in the configuration
interface Env {
  CACHE: KVNamespace;
  ARCHIVE: R2Bucket;
}
export async function archive({ ARCHIVE }: Env, key: string, value: string) {
  await ARCHIVE.put(key, value); // fault
}
// == fires: Durable Object without a binding
export class Store {
  constructor(private env: Env) {}
  stub(name: string) {
    return this.env.ROOMS.get(this.env.ROOMS.idFromName(name)); // fault
  }
}
// == fires: lacking in an environment
// -- file: wrangler.toml
name = "w"
[[kv_namespaces]]
binding = "CACHE"
id = "1"
[env.staging] # fault
vars = { LEVEL = "debug" }
// -- file: src/index.ts
export const read = (env: Env, key: string) => env.CACHE.get(key);
// == fires: misspelt namespace
export default {
  async fetch(req: Request, env: Env) {
    return new Response(await env.MISSING_KV.get("a")); // fault
  },
};
// == fires: declared but not configured
interface Env {
  CACHE: KVNamespace;
  USERS: KVNamespace;
}
export const f = async (env: Env) => {
  const { USERS } = env;
  return USERS.get("x"); // fault
};
// == quiet: configured
export const read = (env: Env, key: string) => env.CACHE.get(key);
// == quiet: configured for the environment as well
// -- file: wrangler.jsonc
{
  "name": "w", // comments
  "kv_namespaces": [{ "binding": "CACHE", "id": "1" }],
  "env": { "staging": { "kv_namespaces": [{ "binding": "CACHE", "id": "2" }] } },
}
// -- file: src/index.ts
export const read = (env: Env, key: string) => env.CACHE.get(key);
// == quiet: a secret is not in the configuration
export const authorised = (env: Env, token: string) => token === env.API_TOKEN;
// == quiet: variables of another runtime
export const url = () => process.env.DATABASE_URL?.trim() ?? "";
// == quiet: destructured and aliased
export async function read({ CACHE: kv, DB }: Env, id: string) {
  return (await kv.get(id)) ?? DB.prepare("SELECT 1").first();
}
// == quiet: static assets, which every environment inherits
// -- file: wrangler.toml
assets = { directory = "public", binding = "ASSETS" }
send_email = [{ name = "MAIL" }]
[env.staging]
send_email = [{ name = "MAIL" }]
// -- file: src/index.ts
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    await env.MAIL.send(message(request));
    return env.ASSETS.fetch(request);
  },
};
// == quiet: asked for under another name
interface Mirror {
  put(key: string, body: Uint8Array): Promise<unknown>;
}
export async function mirror(env: Env, key: string, body: Uint8Array) {
  const archive = (env as Env & { ARCHIVE?: R2Bucket }).ARCHIVE;
  if (!archive) return { status: 503 };
  await archive.put(key, body);
  return drain((env as { DRAIN?: Mirror }).DRAIN, key, body);
}
async function drain(bucket: Mirror | undefined, key: string, body: Uint8Array) {
  if (!bucket) return { status: 200 };
  await bucket.put(key, body);
  return { status: 201 };
}
// == quiet: the types of another Worker
// -- file: wrangler.toml
name = "front"
main = "src/index.ts"
services = [{ binding = "REPOS", service = "repos", entrypoint = "Repos" }]
// -- file: repos/wrangler.toml
name = "repos"
main = "index.ts"
r2_buckets = [{ binding = "PACKS", bucket_name = "packs" }]
// -- file: repos/index.ts
import { WorkerEntrypoint } from "cloudflare:workers";
export class Repos extends WorkerEntrypoint<{ PACKS: R2Bucket }> {
  async pack(name: string) {
    return this.env.PACKS.get(name);
  }
}
export default {};
// -- file: src/index.ts
import type { Repos } from "../repos/index";
export default {
  async fetch(request: Request, env: { REPOS: Service<Repos> }): Promise<Response> {
    return Response.json(await env.REPOS.pack(new URL(request.url).pathname));
  },
};
// == quiet: switched off where it is not configured
// -- file: wrangler.toml
name = "gate"
main = "src/index.ts"
kv_namespaces = [{ binding = "TOKENS", id = "1" }]
[vars]
LIMITS_ENABLED = "true"
[env.test]
[env.test.vars]
LIMITS_ENABLED = "false"
// -- file: src/index.ts
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (env.LIMITS_ENABLED !== "true") return new Response("ok");
    return new Response(await env.TOKENS.get(request.headers.get("x-token") ?? ""));
  },
};
// == quiet: built from what is not here
// -- file: wrangler.toml
name = "debug"
main = "dist/worker.mjs"
[build]
command = "npm run build"
// -- file: src/index.ts
export { withLimits } from "./limits";
// -- file: src/limits.ts
export const withLimits = async (env: Env, token: string) => env.TOKENS.get(token);
// == unsure: another configuration of the folder has it
// -- file: wrangler.toml
name = "api"
main = "src/index.ts"
[[kv_namespaces]]
binding = "CACHE"
id = "0"
// -- file: wrangler.production.toml
name = "api"
main = "src/index.ts"
[[kv_namespaces]]
binding = "FLAGS"
id = "1"
// -- file: src/index.ts
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return new Response(await env.FLAGS.get("banner")); // fault
  },
};
// == unsure: used in a package that other Workers use with it
// -- file: apps/web/wrangler.toml
name = "web"
main = "src/index.ts"
[[kv_namespaces]]
binding = "CACHE"
id = "0"
// -- file: apps/web/src/index.ts
import { remember } from "../../../packages/common/src/remember";
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return new Response(await remember(env, "a"));
  },
};
// -- file: packages/common/src/remember.ts
export const remember = (env: Env, key: string) => env.CONSENTS.get(key); // fault
// == unsure: a remark says where it is configured
// -- file: wrangler.toml
name = "api"
main = "src/index.ts"
# FLAGS (KV) is bound in the dashboard
[vars]
MODE = "live"
// -- file: src/index.ts
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return new Response(await env.FLAGS.get("banner")); // fault
  },
};
// == unsure: declared in terraform, in a folder above
// -- file: deploy.tf
resource "cloudflare_workers_script" "checker" {
  script_name = "checker"
  bindings = [{
    name       = "CHECKERS"
    class_name = "Checker"
    type       = "durable_object_namespace"
  }]
}
// -- file: worker/wrangler.toml
name = "checker"
main = "src/index.ts"
// -- file: worker/src/index.ts
export default {
  async scheduled(event: ScheduledEvent, env: Env): Promise<void> {
    await env.CHECKERS.get(env.CHECKERS.idFromName("a")).check(); // fault
  },
};
// == unsure: declared in a program of Pulumi
// -- file: wrangler.toml
name = "api"
main = "src/index.ts"
// -- file: infrastructure/index.ts
import * as cloudflare from "@pulumi/cloudflare";
new cloudflare.WorkersScript("api", {
  bindings: [{ name: "FLAGS", type: "kv_namespace", namespaceId: flags.id }],
});
// -- file: src/index.ts
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return new Response(await env.FLAGS.get("banner")); // fault
  },
};
// == fires: terraform that declares another one
// -- file: deploy.tf
resource "cloudflare_workers_script" "checker" {
  bindings = [{ name = "CHECKERS_OLD", type = "kv_namespace" }]
}
// -- file: wrangler.toml
name = "api"
main = "src/index.ts"
// -- file: src/index.ts
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return new Response(await env.CHECKERS.get("banner")); // fault
  },
};
