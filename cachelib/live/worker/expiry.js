// Times are seconds of the virtual clock; Infinity is never, which JSON knows as null.
export const orNever = (time) => time ?? Infinity;

export const seal = (value, now, { hardTtl, softTtl }) => ({
  value,
  expiresAt: now + hardTtl,
  refreshAt: now + softTtl,
});

export const fresh = (entry, now) => now < entry.expiresAt;

export const due = (entry, now) => entry.refreshAt <= now;
