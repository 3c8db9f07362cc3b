// The Durable Object that keeps a cache for all isolates.
import { DurableObject } from "cloudflare:workers";

export class CacheObject extends DurableObject {}

export default {
  fetch: () => new Response(null, { status: 404 }),
};
