import { createPrivateKey, hash, type KeyObject } from 'node:crypto';

/*
 * A cache of RSA private keys in OpenSSL's form: the first operation with a new one takes twice the time of a
 * later one (590 µs and 260 µs for 2,048 bits), because OpenSSL prepares blinding and reduction for each key.
 *
 * A key is found by the digest of its DER, which comes from the store at every request: a key that was
 * destroyed, replaced or withdrawn is never found again. It leaves memory within 45 seconds after its last
 * use.
 */

const lifetimeMilliseconds = 30_000;
const maxCachedKeys = 32;

interface CachedKey {
  readonly key: KeyObject;
  expires: number;
}

/** Least recently used first. */
const cache = new Map<string, CachedKey>();
let isDeletionScheduled = false;

/**
 * Opens a PKCS#8 private key in DER, from the cache when it was used lately. The caller wipes `der`. Throws
 * the errors of `createPrivateKey`.
 */
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
