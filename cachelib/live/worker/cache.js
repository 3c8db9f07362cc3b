// The library's TieredCache, as a Worker holds it: L1 in memory, L2 in a store that isolates share.
import { due, fresh, seal } from "./expiry.js";

export class TieredCache {
  // `later` takes work that nobody waits for, `note` what the policy decided.
  constructor(l1, l2, policy, { now, later, note }) {
    Object.assign(this, { l1, l2, policy, now, later, note });
  }

  // Read-through: the value, the tier that had it, and where in that tier.
  async read(key, load) {
    const near = this.l1?.get(key, this.now);
    if (near) {
      if (this.policy.slides) this.#promote(key, near);
      this.#refreshIfDue(key, near, load);
      return { tier: "L1", value: near.value };
    }
    const { entry, place } = (await this.l2?.get(key)) ?? {};
    if (entry && fresh(entry, this.now)) {
      this.#promote(key, entry);
      this.#refreshIfDue(key, entry, load);
      return { tier: "L2", place, value: entry.value };
    }
    const value = await load();
    await this.write(key, value);
    return { tier: "origin", place, value };
  }

  // Write-through: L2 first, then this isolate's L1.
  async write(key, value, previous) {
    const entry = seal(value, this.now, this.policy);
    if (this.l2) {
      if (this.#unchanged(entry, previous)) this.note(["policy", "unchanged", true, 0]);
      else await this.l2.set(key, entry);
    }
    this.#promote(key, entry);
  }

  async delete(key) {
    await this.l2?.delete(key);
    this.l1?.delete(key);
  }

  #promote(key, entry) {
    const limit = this.policy.inherits ? entry.expiresAt : Infinity;
    const size = [...key].length + entry.value.length;
    this.l1?.set(key, { ...entry, size, until: Math.min(this.now + this.policy.l1Ttl, limit) });
  }

  #refreshIfDue(key, previous, load) {
    if (!due(previous, this.now)) return;
    this.note(["policy", "refresh", true, 0]);
    this.later(async () => this.write(key, await load(), previous));
  }

  #unchanged(entry, previous) {
    if (previous === undefined || !fresh(previous, this.now)) return false;
    return this.policy.same(previous.value, entry.value);
  }
}
