// == fires: forgotten namespace
// -- file: wrangler.toml
name = "w"
[[kv_namespaces]]
binding = "CACHE"
id = "1"
[[kv_namespaces]] # fault
binding = "OLD_CACHE"
id = "2"
// -- file: src/index.ts
export const read = (env: Env, key: string) => env.CACHE.get(key);
// == fires: declared only
// -- file: wrangler.json
{
  "name": "w",
  "r2_buckets": [
    { "bucket_name": "b", "binding": "BUCKET" }
  ]
}
// -- marks: wrangler.json:4
// -- file: src/index.ts
interface Env {
  BUCKET: R2Bucket;
}
export const greet = () => new Response("hello");
// == fires: Durable Object
// -- file: wrangler.toml
name = "w"
[[durable_objects.bindings]] # fault
name = "ROOMS"
class_name = "Room"
// -- file: src/index.ts
export class Room {}
// == fires: database in a module without environment
// -- file: wrangler.toml
name = "w"
[[d1_databases]] # fault
binding = "DB"
database_name = "d"
database_id = "0"
// -- file: src/index.js
export default { fetch: () => new Response("ok") };
// == quiet: used as env.X
// -- file: wrangler.toml
kv_namespaces = [{ binding = "CACHE", id = "1" }]
// -- file: src/index.ts
export const read = (env: Env, key: string) => env.CACHE.get(key);
// == quiet: destructured in another file
// -- file: wrangler.toml
kv_namespaces = [{ binding = "CACHE", id = "1" }]
// -- file: src/index.ts
export { read } from "./read";
// -- file: src/read.ts
export const read = ({ CACHE }: Env, key: string) => CACHE.get(key);
// == quiet: by a computed name
// -- file: wrangler.toml
kv_namespaces = [{ binding = "CACHE_EU", id = "1" }, { binding = "CACHE_US", id = "2" }]
// -- file: src/index.ts
export const read = (env: Env, region: string, key: string) => env[`CACHE_${region}`].get(key);
// == quiet: in brackets
// -- file: wrangler.toml
kv_namespaces = [{ binding = "CACHE", id = "1" }]
// -- file: src/index.ts
export const read = (env: Env, key: string) => env["CACHE"].get(key);
// == quiet: nothing to examine
// -- file: wrangler.toml
kv_namespaces = [{ binding = "CACHE", id = "1" }]
// == quiet: built from Zig, which names its bindings itself
// -- file: wrangler.toml
main = "src/index.ts"
[build]
command = "zig build"
[[d1_databases]]
binding = "DB"
database_name = "d"
database_id = "0"
// -- file: src/index.ts
import program from "../zig-out/bin/worker.wasm";
export default { fetch: (request: Request, env: Env) => run(program, request, env.LOADED) };
// == quiet: machine code of another language
// -- file: wrangler.toml
main = "src/index.ts"
rules = [{ type = "CompiledWasm", globs = ["**/*.wasm"], fallthrough = false }]
kv_namespaces = [{ binding = "CACHE", id = "1" }]
// -- file: src/index.ts
export default { fetch: () => new Response("ok") };
// == quiet: used by a source that the entry does not reach yet
// -- file: wrangler.toml
main = "src/index.ts"
kv_namespaces = [{ binding = "CACHE", id = "1" }]
// -- file: src/index.ts
export default { fetch: () => new Response("ok") };
// -- file: src/upload.ts
export const upload = (env: Env, key: string, text: string) => env.CACHE.put(key, text);
