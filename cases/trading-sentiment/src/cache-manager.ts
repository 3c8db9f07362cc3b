/**
 * Two-tier cache of the trading sentiment API.
 *
 * L1 is the memory of this isolate: quick, small, gone with the isolate, and
 * known to nobody else. L2 is Workers KV: slower, shared by all locations,
 * and eventually consistent.
 *
 *   get       L1, then L2; what L2 has is promoted to L1
 *   set       L1 and L2 (write-through)
 *   getOrLoad get, else the loader, once per key and isolate at a time
 *
 * An entry carries the time at which it ends. Promotion keeps that time, so a
 * value never becomes older by moving from one tier to the other.
 */

import type { Env } from "./env";

// ---------------------------------------------------------------------------
// Types
// ---------------------------------------------------------------------------

/** Where a value was found. */
export type Tier = "l1" | "l2" | "loader";

/** What is stored in both tiers. Times are milliseconds since the epoch. */
export interface CacheEntry<T = unknown> {
  value: T;
  storedAt: number;
  expiresAt: number;
  /** Version of the shape of `value`; entries of another version are ignored. */
  version: number;
  /** Who wrote it, for the cache inspector. */
  writer: string;
}

/** A value, and how it was come by. */
export interface CacheResult<T> {
  value: T;
  tier: Tier;
  ageMs: number;
}

/** The kinds of value in the cache. Each has a prefix of its own in KV. */
export type CacheKind =
  | "sentiment"
  | "sector"
  | "overview"
  | "report"
  | "news"
  | "accuracy"
  | "health";

/** How one kind of value is cached. */
export interface KindSettings {
  /** Prefix of the keys in KV. */
  prefix: string;
  /** Life of a value, in seconds. */
  ttlSeconds: number;
  /** Whether L1 keeps values of this kind. */
  inMemory: boolean;
  /** Share of the life after which a background refresh is worth while. */
  refreshAfter: number;
  /** Version of the stored shape. */
  version: number;
}

export interface CacheManagerOptions {
  /** Entries that L1 holds at most. */
  maxEntries?: number;
  /** Bytes of JSON that L1 holds at most. */
  maxBytes?: number;
  /** How long a location may keep what it has read from KV, in seconds. */
  edgeSeconds?: number;
  /** The name written into entries. */
  writer?: string;
  clock?: Clock;
  logger?: Logger;
}

export interface Clock {
  now(): number;
}

export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

export type Fields = Record<string, string | number | boolean | null | undefined>;

export type Loader<T> = () => Promise<T>;

/** Runs something after the response has been sent. */
export type Background = (work: Promise<unknown>) => void;

/** Counters of one isolate since it started. */
export interface CacheStats {
  l1Hits: number;
  l1Misses: number;
  l2Hits: number;
  l2Misses: number;
  loads: number;
  sharedLoads: number;
  loadErrors: number;
  writes: number;
  writeErrors: number;
  readErrors: number;
  deletes: number;
  promotions: number;
  evictions: number;
  undecodable: number;
  refreshes: number;
}

/** What the cache inspector shows about a key. */
export interface Inspection {
  key: string;
  inL1: boolean;
  inL2: boolean;
  ageMs: number | null;
  remainingMs: number | null;
  writer: string | null;
  bytes: number | null;
}

/** How many keys of a kind KV holds. */
export interface KindCount {
  kind: CacheKind;
  keys: number;
  complete: boolean;
}

// ---------------------------------------------------------------------------
// Settings
// ---------------------------------------------------------------------------

const SECOND_MS = 1_000;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const KINDS: Record<CacheKind, KindSettings> = {
  // The analysis of one symbol: the model's answer on the news of the hour.
  sentiment: {
    prefix: "sentiment:",
    ttlSeconds: 15 * MINUTE,
    inMemory: true,
    refreshAfter: 0.8,
    version: 3,
  },
  // The mean over the symbols of a sector.
  sector: {
    prefix: "sector:",
    ttlSeconds: 30 * MINUTE,
    inMemory: true,
    refreshAfter: 0.8,
    version: 2,
  },
  // All sectors on one page.
  overview: {
    prefix: "overview:",
    ttlSeconds: 15 * MINUTE,
    inMemory: true,
    refreshAfter: 0.7,
    version: 2,
  },
  // The report after the close of the market; never changes afterwards.
  report: {
    prefix: "report:",
    ttlSeconds: 7 * DAY,
    inMemory: false,
    refreshAfter: 1,
    version: 1,
  },
  // Headlines, as the news service delivered them.
  news: {
    prefix: "news:",
    ttlSeconds: 10 * MINUTE,
    inMemory: false,
    refreshAfter: 1,
    version: 1,
  },
  // How often yesterday's sentiment was right.
  accuracy: {
    prefix: "accuracy:",
    ttlSeconds: DAY,
    inMemory: false,
    refreshAfter: 1,
    version: 1,
  },
  // What the health check wrote last.
  health: {
    prefix: "health:",
    ttlSeconds: 2 * MINUTE,
    inMemory: false,
    refreshAfter: 1,
    version: 1,
  },
};

const DEFAULT_MAX_ENTRIES = 2_000;
const DEFAULT_MAX_BYTES = 24 * 1024 * 1024;
const DEFAULT_EDGE_SECONDS = 60;

/** Limits of Workers KV. */
const MAX_KEY_BYTES = 512;
const MAX_VALUE_BYTES = 25 * 1024 * 1024;
const MAX_BULK_KEYS = 100;
const LIST_PAGE = 1_000;

// ---------------------------------------------------------------------------
// Errors
// ---------------------------------------------------------------------------

export class CacheKeyError extends Error {
  constructor(key: string, reason: string) {
    super(`cache key ${JSON.stringify(key)}: ${reason}`);
    this.name = "CacheKeyError";
  }
}

export class CacheValueError extends Error {
  constructor(key: string, reason: string) {
    super(`value of ${JSON.stringify(key)}: ${reason}`);
    this.name = "CacheValueError";
  }
}

// ---------------------------------------------------------------------------
// Small parts
// ---------------------------------------------------------------------------

const systemClock: Clock = { now: () => Date.now() };

/** One line of JSON for each message, as the log viewer likes them. */
export class ConsoleLogger implements Logger {
  constructor(private readonly level: "debug" | "info" | "warn" | "error" = "info") {}

  debug(message: string, fields: Fields = {}): void {
    if (this.level === "debug") this.write("debug", message, fields);
  }

  info(message: string, fields: Fields = {}): void {
    if (this.level === "debug" || this.level === "info") this.write("info", message, fields);
  }

  warn(message: string, fields: Fields = {}): void {
    if (this.level !== "error") this.write("warn", message, fields);
  }

  error(message: string, fields: Fields = {}): void {
    this.write("error", message, fields);
  }

  private write(level: string, message: string, fields: Fields): void {
    console.log(JSON.stringify({ level, component: "cache", message, ...fields }));
  }
}

function emptyStats(): CacheStats {
  return {
    l1Hits: 0,
    l1Misses: 0,
    l2Hits: 0,
    l2Misses: 0,
    loads: 0,
    sharedLoads: 0,
    loadErrors: 0,
    writes: 0,
    writeErrors: 0,
    readErrors: 0,
    deletes: 0,
    promotions: 0,
    evictions: 0,
    undecodable: 0,
    refreshes: 0,
  };
}

function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let start = 0; start < items.length; start += size) {
    parts.push(items.slice(start, start + size));
  }
  return parts;
}

/** `AAPL`, `brk.b` and ` msft ` as the keys know them. */
export function normaliseSymbol(symbol: string): string {
  const normal = symbol.trim().toUpperCase();
  if (!/^[A-Z0-9][A-Z0-9.-]{0,11}$/.test(normal)) {
    throw new CacheKeyError(symbol, "is not a symbol");
  }
  return normal;
}

/** The day in New York, where the exchange is: `2025-10-31`. */
export function tradingDay(at: number): string {
  return new Intl.DateTimeFormat("en-CA", {
    timeZone: "America/New_York",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).format(at);
}

// ---------------------------------------------------------------------------
// L1
// ---------------------------------------------------------------------------

interface MemoryEntry {
  entry: CacheEntry;
  bytes: number;
}

/**
 * The entries used last, bounded in number and in bytes.
 *
 * A Map iterates in the order of insertion, so that the first key is the one
 * that was not used for longest once every use inserts it again.
 */
export class MemoryTier {
  private readonly entries = new Map<string, MemoryEntry>();
  private bytes = 0;

  constructor(
    private readonly maxEntries: number,
    private readonly maxBytes: number,
    private readonly onEvict: (key: string) => void = () => {},
  ) {}

  get size(): number {
    return this.entries.size;
  }

  get usedBytes(): number {
    return this.bytes;
  }

  get(key: string): CacheEntry | undefined {
    const found = this.entries.get(key);
    if (found === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, found);
    return found.entry;
  }

  peek(key: string): CacheEntry | undefined {
    return this.entries.get(key)?.entry;
  }

  set(key: string, entry: CacheEntry, bytes: number): void {
    this.delete(key);
    if (bytes > this.maxBytes) return;
    this.entries.set(key, { entry, bytes });
    this.bytes += bytes;
    this.shrink();
  }

  delete(key: string): boolean {
    const found = this.entries.get(key);
    if (found === undefined) return false;
    this.entries.delete(key);
    this.bytes -= found.bytes;
    return true;
  }

  keys(): string[] {
    return [...this.entries.keys()];
  }

  clear(): void {
    this.entries.clear();
    this.bytes = 0;
  }

  private shrink(): void {
    while (this.entries.size > this.maxEntries || this.bytes > this.maxBytes) {
      const oldest = this.entries.keys().next();
      if (oldest.done) return;
      this.delete(oldest.value);
      this.onEvict(oldest.value);
    }
  }
}

// ---------------------------------------------------------------------------
// The cache
// ---------------------------------------------------------------------------

export class CacheManager {
  private readonly kv: KVNamespace;
  private readonly l1: MemoryTier;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly writer: string;
  private readonly edgeSeconds: number;
  private readonly inFlight = new Map<string, Promise<CacheEntry>>();
  private stats: CacheStats = emptyStats();

  constructor(env: Env, options: CacheManagerOptions = {}) {
    this.kv = env.TRADING_RESULTS;
    this.clock = options.clock ?? systemClock;
    this.logger = options.logger ?? new ConsoleLogger();
    this.writer = options.writer ?? "api";
    this.edgeSeconds = options.edgeSeconds ?? DEFAULT_EDGE_SECONDS;
    this.l1 = new MemoryTier(
      options.maxEntries ?? DEFAULT_MAX_ENTRIES,
      options.maxBytes ?? DEFAULT_MAX_BYTES,
      () => {
        this.stats.evictions += 1;
      },
    );
  }

  // -- reading ---------------------------------------------------------------

  /** The value, or null where neither tier has it. */
  async get<T>(kind: CacheKind, name: string): Promise<T | null> {
    const found = await this.find<T>(kind, name);
    return found === null ? null : found.value;
  }

  /** The value with the tier it was found in, or null. */
  async find<T>(kind: CacheKind, name: string): Promise<CacheResult<T> | null> {
    const key = this.keyOf(kind, name);
    const near = this.fromL1<T>(kind, key);
    if (near !== null) return this.result(near, "l1");
    const far = await this.fromL2<T>(kind, key);
    if (far === null) return null;
    this.promote(kind, key, far);
    return this.result(far, "l2");
  }

  /** The value, or an error that names what is missing. */
  async require<T>(kind: CacheKind, name: string): Promise<T> {
    const found = await this.find<T>(kind, name);
    if (found === null) {
      throw new CacheKeyError(this.keyOf(kind, name), "is in neither tier");
    }
    return found.value;
  }

  /** Several values at once: one bulk read for each hundred that L1 lacks. */
  async getMany<T>(kind: CacheKind, names: readonly string[]): Promise<Map<string, T>> {
    const found = new Map<string, T>();
    const missing = new Map<string, string>();
    for (const name of names) {
      const key = this.keyOf(kind, name);
      const near = this.fromL1<T>(kind, key);
      if (near === null) missing.set(key, name);
      else found.set(name, near.value);
    }
    for (const part of chunks([...missing.keys()], MAX_BULK_KEYS)) {
      for (const [key, entry] of await this.bulkFromL2<T>(kind, part)) {
        const name = missing.get(key);
        if (name === undefined) continue;
        this.promote(kind, key, entry);
        found.set(name, entry.value);
      }
    }
    return found;
  }

  /** The value from the cache, or from the loader, which then fills both tiers. */
  async getOrLoad<T>(
    kind: CacheKind,
    name: string,
    loader: Loader<T>,
    background: Background,
  ): Promise<CacheResult<T>> {
    const found = await this.find<T>(kind, name);
    if (found === null) {
      const entry = await this.load(kind, name, loader);
      return this.result(entry, "loader");
    }
    if (this.isDueForRefresh(kind, found)) {
      this.stats.refreshes += 1;
      background(this.load(kind, name, loader).catch((error) => this.refreshFailed(name, error)));
    }
    return found;
  }

  /** Whether either tier has the key. Costs a billed read when L1 lacks it. */
  async has(kind: CacheKind, name: string): Promise<boolean> {
    return (await this.find(kind, name)) !== null;
  }

  /** How old the value is in milliseconds, or null where neither tier has it. */
  async ageOf(kind: CacheKind, name: string): Promise<number | null> {
    return (await this.find(kind, name))?.ageMs ?? null;
  }

  // -- writing ---------------------------------------------------------------

  /** Write-through: a `set` that returned is in both tiers. */
  async set<T>(kind: CacheKind, name: string, value: T): Promise<void> {
    const key = this.keyOf(kind, name);
    const entry = this.entryOf(kind, value);
    await this.toL2(kind, key, entry);
    this.toL1(kind, key, entry);
  }

  /** Several values of one kind; the names of those that KV refused. */
  async setMany<T>(kind: CacheKind, values: ReadonlyMap<string, T>): Promise<string[]> {
    const refused: string[] = [];
    const writes = [...values].map(async ([name, value]) => {
      try {
        await this.set(kind, name, value);
      } catch (error) {
        refused.push(name);
        this.logger.warn("write refused", { name, error: errorMessage(error) });
      }
    });
    await Promise.all(writes);
    return refused;
  }

  /**
   * Stores an entry in KV.
   *
   * The entry carries its own end (`expiresAt`), which the readers check and
   * by which the clean-up finds what it may remove.
   */
  private async toL2(kind: CacheKind, key: string, entry: CacheEntry): Promise<void> {
    const text = JSON.stringify(entry);
    if (byteLength(text) > MAX_VALUE_BYTES) {
      throw new CacheValueError(key, "is larger than KV allows");
    }
    this.stats.writes += 1;
    try {
      await this.kv.put(key, text, { metadata: { expiresAt: entry.expiresAt } });
    } catch (error) {
      this.stats.writeErrors += 1;
      this.logger.error("L2 write failed", { key, error: errorMessage(error) });
      throw error;
    }
  }

  private entryOf<T>(kind: CacheKind, value: T): CacheEntry<T> {
    const now = this.clock.now();
    const settings = KINDS[kind];
    return {
      value,
      storedAt: now,
      expiresAt: now + settings.ttlSeconds * SECOND_MS,
      version: settings.version,
      writer: this.writer,
    };
  }

  // -- removing --------------------------------------------------------------

  /** Removes a value from both tiers of this location; others see it later. */
  async delete(kind: CacheKind, name: string): Promise<void> {
    const key = this.keyOf(kind, name);
    this.l1.delete(key);
    this.stats.deletes += 1;
    await this.kv.delete(key);
  }

  /** Removes several values that the caller names. */
  async deleteMany(kind: CacheKind, names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.delete(kind, name)));
  }

  /** Forgets what this isolate remembers; KV stays as it is. */
  forget(): void {
    this.l1.clear();
    this.logger.info("L1 cleared");
  }

  /** Forgets one kind in this isolate, after its settings have changed. */
  forgetKind(kind: CacheKind): number {
    const prefix = KINDS[kind].prefix;
    const keys = this.l1.keys().filter((key) => key.startsWith(prefix));
    for (const key of keys) this.l1.delete(key);
    return keys.length;
  }

  // -- loading ---------------------------------------------------------------

  /**
   * Loads a value and stores it in both tiers, once per key at a time.
   *
   * Who asks for the same key meanwhile shares the result, or the error.
   */
  private load<T>(kind: CacheKind, name: string, loader: Loader<T>): Promise<CacheEntry<T>> {
    const key = this.keyOf(kind, name);
    const running = this.inFlight.get(key);
    if (running !== undefined) {
      this.stats.sharedLoads += 1;
      return running as Promise<CacheEntry<T>>;
    }
    const started = this.loadAndStore(kind, key, loader).finally(() => this.inFlight.delete(key));
    this.inFlight.set(key, started);
    return started;
  }

  private async loadAndStore<T>(
    kind: CacheKind,
    key: string,
    loader: Loader<T>,
  ): Promise<CacheEntry<T>> {
    this.stats.loads += 1;
    const entry = this.entryOf(kind, await this.loaded(key, loader));
    await this.toL2(kind, key, entry).catch((error) => this.servedWithoutL2(key, error));
    this.toL1(kind, key, entry);
    return entry;
  }

  private async loaded<T>(key: string, loader: Loader<T>): Promise<T> {
    const started = this.clock.now();
    try {
      return await loader();
    } catch (error) {
      this.stats.loadErrors += 1;
      this.logger.error("load failed", { key, error: errorMessage(error) });
      throw error;
    } finally {
      this.logger.debug("loaded", { key, tookMs: this.clock.now() - started });
    }
  }

  /** A value that KV refused is still an answer; the next request loads it again. */
  private servedWithoutL2(key: string, error: unknown): void {
    this.logger.warn("serving a value that L2 refused", { key, error: errorMessage(error) });
  }

  private refreshFailed(name: string, error: unknown): void {
    this.logger.warn("background refresh failed", { name, error: errorMessage(error) });
  }

  /**
   * Whether so much of a value's life is over that a refresh is worth while.
   *
   * A kind with `refreshAfter` of 1 is never refreshed before it ends.
   */
  private isDueForRefresh<T>(kind: CacheKind, found: CacheResult<T>): boolean {
    const settings = KINDS[kind];
    if (settings.refreshAfter >= 1) return false;
    return found.ageMs >= settings.refreshAfter * settings.ttlSeconds * SECOND_MS;
  }

  /** Fills the cache before the market opens. The loader is asked for what is missing only. */
  async warm<T>(
    kind: CacheKind,
    names: readonly string[],
    loader: (name: string) => Promise<T>,
    atOnce = 4,
  ): Promise<WarmReport> {
    const known = await this.getMany<T>(kind, names);
    const missing = names.filter((name) => !known.has(name));
    const report: WarmReport = { known: known.size, loaded: 0, failed: [] };
    for (const group of chunks(missing, atOnce)) {
      const outcomes = await Promise.allSettled(
        group.map((name) => this.load(kind, name, () => loader(name))),
      );
      outcomes.forEach((outcome, index) => {
        if (outcome.status === "fulfilled") report.loaded += 1;
        else report.failed.push(group[index] ?? "");
      });
    }
    this.logger.info("warmed", { kind, known: report.known, loaded: report.loaded });
    return report;
  }

  // -- keys ------------------------------------------------------------------

  /** The key in both tiers: the prefix of the kind and the name. */
  keyOf(kind: CacheKind, name: string): string {
    const key = `${KINDS[kind].prefix}${name}`;
    if (name === "" || name === "." || name === "..") {
      throw new CacheKeyError(key, "has no usable name");
    }
    if (byteLength(key) > MAX_KEY_BYTES) {
      throw new CacheKeyError(key, `is longer than ${MAX_KEY_BYTES} bytes`);
    }
    return key;
  }

  /** The kind and the name of a key, or null for a key of somebody else. */
  parseKey(key: string): { kind: CacheKind; name: string } | null {
    for (const [kind, settings] of Object.entries(KINDS)) {
      if (key.startsWith(settings.prefix)) {
        return { kind: kind as CacheKind, name: key.slice(settings.prefix.length) };
      }
    }
    return null;
  }

  /** The key under which a symbol's sentiment of this hour is kept. */
  sentimentName(symbol: string): string {
    return normaliseSymbol(symbol);
  }

  /** The key of the report of a trading day. */
  reportName(at: number = this.clock.now()): string {
    return tradingDay(at);
  }

  /** The key of the headlines on a symbol, for one language. */
  newsName(symbol: string, language: string): string {
    return `${normaliseSymbol(symbol)}:${language.toLowerCase()}`;
  }

  // -- L1 --------------------------------------------------------------------

  private fromL1<T>(kind: CacheKind, key: string): CacheEntry<T> | null {
    const settings = KINDS[kind];
    if (!settings.inMemory) return null;
    const entry = this.l1.get(key);
    if (entry === undefined) {
      this.stats.l1Misses += 1;
      return null;
    }
    if (entry.version !== settings.version || entry.expiresAt <= this.clock.now()) {
      this.l1.delete(key);
      this.stats.l1Misses += 1;
      return null;
    }
    this.stats.l1Hits += 1;
    return entry as CacheEntry<T>;
  }

  private toL1(kind: CacheKind, key: string, entry: CacheEntry): void {
    if (!KINDS[kind].inMemory) return;
    this.l1.set(key, entry, byteLength(JSON.stringify(entry)));
  }

  /** What L2 has is kept in L1 as well, with the end it already has. */
  private promote(kind: CacheKind, key: string, entry: CacheEntry): void {
    if (!KINDS[kind].inMemory) return;
    this.stats.promotions += 1;
    this.toL1(kind, key, entry);
  }

  private result<T>(entry: CacheEntry<T>, tier: Tier): CacheResult<T> {
    return { value: entry.value, tier, ageMs: Math.max(0, this.clock.now() - entry.storedAt) };
  }

  // -- figures ---------------------------------------------------------------

  /** The counters of this isolate; a copy. */
  statistics(): CacheStats & { l1Entries: number; l1Bytes: number; hitRatio: number } {
    return {
      ...this.stats,
      l1Entries: this.l1.size,
      l1Bytes: this.l1.usedBytes,
      hitRatio: this.hitRatio(),
    };
  }

  /** Share of the look-ups that one of the tiers answered. */
  hitRatio(): number {
    const hits = this.stats.l1Hits + this.stats.l2Hits;
    const all = hits + this.stats.l2Misses;
    return all === 0 ? 0 : hits / all;
  }

  resetStatistics(): void {
    this.stats = emptyStats();
  }

  /** The counters in the text format of Prometheus. */
  metrics(): string {
    const lines: string[] = [];
    for (const [name, value] of Object.entries(this.statistics())) {
      const metric = `cache_${name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}`;
      lines.push(`# TYPE ${metric} gauge`, `${metric} ${value}`);
    }
    return `${lines.join("\n")}\n`;
  }

  /** What both tiers know about a key, for the inspector of the operators. */
  async inspect(kind: CacheKind, name: string): Promise<Inspection> {
    const key = this.keyOf(kind, name);
    const near = this.l1.peek(key);
    const far = await this.rawFromL2(key);
    const entry = near ?? far?.entry ?? null;
    const now = this.clock.now();
    return {
      key,
      inL1: near !== undefined,
      inL2: far !== null,
      ageMs: entry === null ? null : now - entry.storedAt,
      remainingMs: entry === null ? null : entry.expiresAt - now,
      writer: entry === null ? null : entry.writer,
      bytes: far === null ? null : far.bytes,
    };
  }

  /** How many keys each kind has in KV; at most `pages` pages of a thousand are listed. */
  async count(kinds: readonly CacheKind[], pages = 10): Promise<KindCount[]> {
    return Promise.all(kinds.map((kind) => this.countKind(kind, pages)));
  }

  private async countKind(kind: CacheKind, pages: number): Promise<KindCount> {
    let keys = 0;
    let cursor: string | undefined;
    for (let page = 0; page < pages; page += 1) {
      const listed = await this.kv.list({ prefix: KINDS[kind].prefix, limit: LIST_PAGE, cursor });
      keys += listed.keys.length;
      if (listed.list_complete) return { kind, keys, complete: true };
      cursor = listed.cursor;
    }
    return { kind, keys, complete: false };
  }

  /**
   * The names of a kind in KV, page by page, for the export.
   */
  async *names(kind: CacheKind): AsyncGenerator<string> {
    const prefix = KINDS[kind].prefix;
    let cursor: string | undefined;
    for (;;) {
      const listed = await this.kv.list({ prefix, limit: LIST_PAGE, cursor });
      for (const key of listed.keys) yield key.name.slice(prefix.length);
      if (listed.list_complete) return;
      cursor = listed.cursor;
    }
  }

  /** Everything of a kind, as lines of JSON. */
  async exportKind(kind: CacheKind, write: (line: string) => Promise<void>): Promise<number> {
    let exported = 0;
    let group: string[] = [];
    for await (const name of this.names(kind)) {
      group.push(name);
      if (group.length === MAX_BULK_KEYS) {
        exported += await this.exportGroup(kind, group, write);
        group = [];
      }
    }
    return exported + (await this.exportGroup(kind, group, write));
  }

  private async exportGroup(
    kind: CacheKind,
    names: readonly string[],
    write: (line: string) => Promise<void>,
  ): Promise<number> {
    const values = await this.getMany(kind, names);
    for (const [name, value] of values) await write(JSON.stringify({ kind, name, value }));
    return values.size;
  }

  /** How every kind is cached, for the inspector of the operators. */
  describe(): KindDescription[] {
    return ALL_KINDS.map((kind) => {
      const settings = KINDS[kind];
      return {
        kind,
        prefix: settings.prefix,
        life: duration(settings.ttlSeconds),
        tiers: settings.inMemory ? ["l1", "l2"] : ["l2"],
        refreshedAfter:
          settings.refreshAfter < 1 ? duration(settings.ttlSeconds * settings.refreshAfter) : null,
      };
    });
  }

  /** The names of a kind that this isolate remembers, the one used last at the end. */
  remembered(kind: CacheKind): string[] {
    const prefix = KINDS[kind].prefix;
    const keys = this.l1.keys().filter((key) => key.startsWith(prefix));
    return keys.map((key) => key.slice(prefix.length));
  }

  /** How old what L1 holds is: the median, the ninetieth percentile, the oldest. */
  ages(): AgeReport | null {
    const now = this.clock.now();
    const ages: number[] = [];
    for (const key of this.l1.keys()) {
      const entry = this.l1.peek(key);
      if (entry !== undefined) ages.push(now - entry.storedAt);
    }
    if (ages.length === 0) return null;
    ages.sort((a, b) => a - b);
    return {
      entries: ages.length,
      medianMs: quantile(ages, 0.5),
      p90Ms: quantile(ages, 0.9),
      oldestMs: quantile(ages, 1),
    };
  }

  /** One line for the log, after each run of the cron trigger. */
  logStatistics(): void {
    const { l1Hits, l2Hits, l2Misses, loads, writes, deletes } = this.stats;
    this.logger.info("statistics", {
      l1Hits,
      l2Hits,
      l2Misses,
      loads,
      writes,
      deletes,
      hitRatio: Number(this.hitRatio().toFixed(4)),
      l1Entries: this.l1.size,
    });
  }

  // -- health ----------------------------------------------------------------

  /** Whether KV can be written and read from here, and how long both took. */
  async checkHealth(): Promise<HealthReport> {
    const started = this.clock.now();
    const key = this.keyOf("health", "probe");
    try {
      await this.toL2("health", key, this.entryOf("health", { at: started }));
      const back = await this.rawFromL2(key);
      return {
        healthy: back !== null,
        tookMs: this.clock.now() - started,
        message: back === null ? "written, but not yet visible here" : "ok",
      };
    } catch (error) {
      this.logger.error("health check failed", { error: errorMessage(error) });
      return {
        healthy: false,
        tookMs: this.clock.now() - started,
        message: errorMessage(error),
      };
    }
  }

  /**
   * Whether L1 still says what L2 says about the names it remembers.
   *
   * After a write in another location the two differ for a while.
   */
  async differing(kind: CacheKind): Promise<string[]> {
    const names = this.remembered(kind);
    const differing: string[] = [];
    for (const group of chunks(names, MAX_BULK_KEYS)) {
      const keys = group.map((name) => this.keyOf(kind, name));
      const texts = await this.kv.get(keys, this.reading);
      group.forEach((name, index) => {
        const key = keys[index] ?? "";
        const near = this.l1.peek(key);
        const text = texts.get(key);
        if (near !== undefined && text !== JSON.stringify(near)) differing.push(name);
      });
    }
    this.logger.debug("compared", { kind, names: names.length, differing: differing.length });
    return differing;
  }

  // -- invalidation ----------------------------------------------------------

  /**
   * Forgets what depends on a symbol: its sentiment, the mean of its sector and
   * the overview, which all show it.
   */
  async symbolChanged(symbol: string, sector: string): Promise<void> {
    const name = this.sentimentName(symbol);
    await this.delete("sentiment", name);
    await this.delete("sector", sector);
    await this.delete("overview", "all");
    this.logger.info("invalidated", { symbol: name, sector });
  }

  /** Forgets the report of a day, after its accuracy was corrected. */
  async reportChanged(at: number): Promise<void> {
    const day = tradingDay(at);
    await this.deleteMany("report", [day]);
    await this.deleteMany("accuracy", [day]);
    this.logger.info("invalidated", { day });
  }

  // -- clean-up --------------------------------------------------------------

  /** Removes what has ended from KV; the cron trigger calls it every night. */
  async cleanUp(kinds: readonly CacheKind[] = ALL_KINDS): Promise<CleanUpReport> {
    const report: CleanUpReport = { examined: 0, removed: 0, kinds: {} };
    const now = this.clock.now();
    for (const kind of kinds) {
      let examined = 0;
      let removed = 0;
      let cursor: string | undefined;
      for (;;) {
        const page = await this.kv.list<EntryMetadata>({
          prefix: KINDS[kind].prefix,
          limit: LIST_PAGE,
          cursor,
        });
        examined += page.keys.length;
        for (const key of page.keys) {
          const end = key.metadata?.expiresAt ?? 0;
          if (end > now) continue;
          this.l1.delete(key.name);
          await this.kv.delete(key.name);
          removed += 1;
        }
        if (page.list_complete) break;
        cursor = page.cursor;
      }
      this.logger.debug("cleaned up", { kind, examined, removed });
      report.kinds[kind] = removed;
      report.examined += examined;
      report.removed += removed;
    }
    this.stats.deletes += report.removed;
    this.logger.info("clean-up finished", {
      examined: report.examined,
      removed: report.removed,
      tookMs: this.clock.now() - now,
    });
    return report;
  }

  /** What a clean-up would remove, without removing it. */
  async previewCleanUp(kind: CacheKind, pages = 1): Promise<string[]> {
    const now = this.clock.now();
    const ended: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < pages; page += 1) {
      const listed = await this.kv.list<EntryMetadata>({
        prefix: KINDS[kind].prefix,
        limit: LIST_PAGE,
        cursor,
      });
      for (const key of listed.keys) {
        if ((key.metadata?.expiresAt ?? 0) <= now) ended.push(key.name);
      }
      if (listed.list_complete) break;
      cursor = listed.cursor;
    }
    return ended;
  }

  /**
   * The share of a kind's keys that a clean-up would remove.
   *
   * It is taken from the first page of them, no worse a sample than others.
   */
  async endedShare(kind: CacheKind): Promise<number> {
    const prefix = KINDS[kind].prefix;
    const listed = await this.kv.list<EntryMetadata>({ prefix, limit: LIST_PAGE });
    if (listed.keys.length === 0) return 0;
    const now = this.clock.now();
    const ended = listed.keys.filter((key) => (key.metadata?.expiresAt ?? 0) <= now);
    return ended.length / listed.keys.length;
  }

  // -- L2 --------------------------------------------------------------------

  /** The options of every read: a location keeps what it has read for a while. */
  private get reading(): { type: "text"; cacheTtl: number } {
    return { type: "text", cacheTtl: this.edgeSeconds };
  }

  /** An entry as it stands in KV, whatever its age, with its size. */
  private async rawFromL2(key: string): Promise<{ entry: CacheEntry; bytes: number } | null> {
    const text = await this.kv.get(key, this.reading);
    if (text === null) return null;
    const entry = this.decode(key, text);
    return entry === null ? null : { entry, bytes: byteLength(text) };
  }

  /** Up to a hundred entries in one operation. */
  private async bulkFromL2<T>(
    kind: CacheKind,
    keys: string[],
  ): Promise<Map<string, CacheEntry<T>>> {
    const found = new Map<string, CacheEntry<T>>();
    const texts = await this.kv.get(keys, this.reading);
    for (const [key, text] of texts) {
      const entry = await this.current<T>(kind, key, text);
      if (entry !== null) found.set(key, entry);
    }
    return found;
  }

  private decode(key: string, text: string): CacheEntry | null {
    try {
      return JSON.parse(text) as CacheEntry;
    } catch (error) {
      this.stats.undecodable += 1;
      this.logger.warn("entry is not JSON", { key, error: errorMessage(error) });
      return null;
    }
  }

  /** An entry of the present version, or null. */
  private accept<T>(kind: CacheKind, key: string, text: string): CacheEntry<T> | null {
    const entry = this.decode(key, text);
    if (entry === null) return null;
    if (entry.version !== KINDS[kind].version) {
      this.logger.debug("entry of another version", { key, version: entry.version });
      return null;
    }
    return entry as CacheEntry<T>;
  }

  /** What KV has under a key, or null. */
  private async fromL2<T>(kind: CacheKind, key: string): Promise<CacheEntry<T> | null> {
    return this.current<T>(kind, key, await this.readText(key));
  }

  /**
   * The entry in a stored text as long as its life lasts.
   *
   * What has ended is a miss for the caller. It is removed at once, so that the
   * nightly clean-up has less to do.
   */
  private async current<T>(
    kind: CacheKind,
    key: string,
    text: string | null,
  ): Promise<CacheEntry<T> | null> {
    const entry = text === null ? null : this.accept<T>(kind, key, text);
    if (entry === null) {
      this.stats.l2Misses += 1;
      return null;
    }
    if (entry.expiresAt <= this.clock.now()) {
      await this.dropFromL2(key);
      return null;
    }
    this.stats.l2Hits += 1;
    return entry;
  }

  /** The stored text. A read that fails counts as a miss: the loader can still answer. */
  private async readText(key: string): Promise<string | null> {
    try {
      return await this.kv.get(key, this.reading);
    } catch (error) {
      this.stats.readErrors += 1;
      this.logger.error("L2 read failed", { key, error: errorMessage(error) });
      return null;
    }
  }

  private async dropFromL2(key: string): Promise<void> {
    this.stats.l2Misses += 1;
    this.stats.deletes += 1;
    await this.kv.delete(key);
  }
}

// ---------------------------------------------------------------------------
// Reports
// ---------------------------------------------------------------------------

/** What is stored beside an entry, so that a listing tells its end. */
export interface EntryMetadata {
  expiresAt: number;
}

export interface WarmReport {
  known: number;
  loaded: number;
  failed: string[];
}

export interface CleanUpReport {
  examined: number;
  removed: number;
  kinds: Partial<Record<CacheKind, number>>;
}

export interface KindDescription {
  kind: CacheKind;
  prefix: string;
  life: string;
  tiers: ("l1" | "l2")[];
  refreshedAfter: string | null;
}

export interface AgeReport {
  entries: number;
  medianMs: number;
  p90Ms: number;
  oldestMs: number;
}

export interface HealthReport {
  healthy: boolean;
  tookMs: number;
  message: string;
}

/** The value below which a share of the sorted numbers lies. */
function quantile(sorted: readonly number[], share: number): number {
  const place = Math.min(sorted.length - 1, Math.floor(share * sorted.length));
  return sorted[place] ?? 0;
}

/** Seconds in words: `15 min`, `2 h`, `7 d`. */
function duration(seconds: number): string {
  if (seconds >= DAY) return `${seconds / DAY} d`;
  if (seconds >= HOUR) return `${seconds / HOUR} h`;
  return `${seconds / MINUTE} min`;
}

export const ALL_KINDS = Object.keys(KINDS) as CacheKind[];

// ---------------------------------------------------------------------------
// One manager for an isolate
// ---------------------------------------------------------------------------

let shared: CacheManager | undefined;

/** The manager of this isolate, made at its first request. */
export function cacheOf(env: Env): CacheManager {
  shared ??= new CacheManager(env, {
    writer: env.ENVIRONMENT,
    logger: new ConsoleLogger(env.LOG_LEVEL),
  });
  return shared;
}
