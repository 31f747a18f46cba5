import { createPrivateKey, hash, type KeyObject } from 'node:crypto';

/**
 * RSA private keys as OpenSSL holds them, kept from one use to the next: the first operation of a fresh one
 * costs as much again as all it does later (measured for 2,048 bits: 590 µs and 260 µs), because blinding and
 * reduction are prepared for each key.
 *
 * Found by the digest of their DER, which comes from the store at every request: a key that was destroyed,
 * replaced or taken away is never found again. It leaves memory within three quarters of a minute after its
 * last use.
 */
const lifetimeMilliseconds = 30_000;
const maxCachedKeys = 32;

interface CachedKey {
  readonly key: KeyObject;
  expires: number;
}

/** The one that was used longest ago first. */
const cache = new Map<string, CachedKey>();
let isDeletionScheduled = false;

/** As `createPrivateKey` makes it of PKCS#8. The caller wipes `der`. */
export function openPrivateKey(der: Buffer): KeyObject {
  const digest = hash('sha256', der);
  const found = cache.get(digest);
  const key = found?.key ?? createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  cache.delete(digest);
  const [oldest] = cache.keys();
  if (oldest !== undefined && cache.size >= maxCachedKeys) cache.delete(oldest);
  cache.set(digest, { key, expires: Date.now() + lifetimeMilliseconds });
  scheduleDeletion();
  return key;
}

function scheduleDeletion(): void {
  if (isDeletionScheduled) return;
  isDeletionScheduled = true;
  setTimeout(deleteExpired, lifetimeMilliseconds / 2).unref();
}

function deleteExpired(): void {
  const now = Date.now();
  for (const [digest, { expires }] of cache) {
    if (expires > now) break;
    cache.delete(digest);
  }
  isDeletionScheduled = false;
  if (cache.size > 0) scheduleDeletion();
}
