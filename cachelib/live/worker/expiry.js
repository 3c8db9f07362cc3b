// Expiry times are seconds of the virtual clock; null never expires.
export const after = (now, ttl) => (ttl === null ? null : now + ttl);

export const sooner = (a, b) => (a === null ? b : b === null ? a : Math.min(a, b));

export const fresh = (entry, now) => entry.expiresAt === null || now < entry.expiresAt;
