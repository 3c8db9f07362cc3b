// The library's TieredCache, as a Worker holds it: L1 in memory, L2 in a store that isolates share.
import { after, sooner } from "./expiry.js";

export class TieredCache {
  constructor(l1, l2, { l1_ttl_s, l2_ttl_s, expiry }) {
    this.l1 = l1;
    this.l2 = l2;
    this.l1Ttl = l1_ttl_s;
    this.l2Ttl = l2_ttl_s;
    this.inherits = expiry === "inherited";
  }

  // Read-through: the value and the tier that had it.
  async read(key, now, load) {
    const near = this.l1?.get(key, now);
    if (near) return { tier: "L1", value: near.value };
    const far = await this.l2?.get(key, now);
    if (far) {
      this.#promote(key, far, now);
      return { tier: far.tier ?? "L2", value: far.value };
    }
    const value = await load();
    await this.write(key, value, now);
    return { tier: "origin", value };
  }

  // Write-through: L2 first, then this isolate's L1.
  async write(key, value, now) {
    if (this.l2) {
      const entry = { value, expiresAt: after(now, this.l2Ttl) };
      await this.l2.set(key, entry);
      this.#promote(key, entry, now);
    } else {
      this.l1?.set(key, { value, expiresAt: after(now, this.l1Ttl) });
    }
  }

  async delete(key) {
    await this.l2?.delete(key);
    this.l1?.delete(key);
  }

  #promote(key, { value, expiresAt }, now) {
    const limit = this.inherits ? expiresAt : null;
    this.l1?.set(key, { value, expiresAt: sooner(after(now, this.l1Ttl), limit) });
  }
}
