import { type FirstKeys, firstKeys } from './closure-keys.ts';
import type { FoundLeak } from './closure-search.ts';

const [all, closed, derived, seed, data] = firstKeys as [
  FirstKeys,
  FirstKeys,
  FirstKeys,
  FirstKeys,
  FirstKeys,
];

/** A leak as text: the secret, how it is known, and the steps before. */
export const describeLeak = ({ secret, how, path }: FoundLeak) =>
  [`${secret}: ${how}`, ...(path.length > 0 ? [`after ${path.join(', ')}`] : [])].join(' ');

/**
 * Attacks that `kmip` protection allows: name, first keys, the changes to try, their number, and the leak.
 * They show that steps and closure find what there is to find.
 */
export const attacks: readonly (readonly [string, FirstKeys, RegExp, number, RegExp])[] = [
  ['wrap, then Decrypt', data, /^$/, 0, /^A: Decrypt\(B, NIST, Get\(A by B, NIST\)\)$/],
  ['wrap by GCM, Encrypt by CTR', data, /^$/, 0, /^A: Encrypt\(B, CTR, Get\(A by B, GCM\)\)$/],
  ['the key stream of CTR', data, /^$/, 0, /^A: key stream of Encrypt\(B, CTR, .*\) \+ Get\(A by B, CTR\)$/],
  ['wrap by CBC, Decrypt by ECB', data, /^$/, 0, /^A: Decrypt\(B, ECB, Get\(A by B, CBC\)\) \+ the block/],
  ['wrap under a known key', closed, /^$/, 0, /^A: RFC 3394 of Get\(A by C, NIST\) by C$/],
  [
    'two wrapping keys',
    closed,
    /^$/,
    0,
    /^A: GCM of Get\(A by B, GCM\) by RFC 3394 of Get\(B by C, NIST\) by C$/,
  ],
  [
    'wrap under a registered key',
    data,
    /^register a known key/,
    1,
    /^A: GCM of Get\(A by o3, GCM\) by constant after/,
  ],
  [
    'unwrap for other uses, then Decrypt',
    closed,
    /^unwrap Get\(B by C, NIST\) by C as same for all$/,
    1,
    /^A: Decrypt\(o3, NIST, Get\(A by B, NIST\)\) after unwrap/,
  ],
  ['Sensitive false, then Get', derived, /^Sensitive false of A/, 1, /^A: get\(A\) after/],
  [
    'unwrap as not Sensitive, then Get',
    all,
    /^unwrap Get\(A by C, NIST\) by C as same for all open$/,
    1,
    /^A: get\(o3\) after/,
  ],
  ['divide by XOR', closed, /^split A by XOR/, 1, /^A: XOR of .*o3.* and .*o4.* after/],
  ['divide over GF(2^8)', closed, /^split A by .*GF2_8/, 1, /^A: polynomial of .*o3.* and .*o4.* after/],
  ['divide over GF(2^16)', closed, /^split A by .*GF2_16/, 1, /^A: polynomial of .*o3.* and .*o4.* after/],
  [
    'divide over a prime field',
    closed,
    /^split A by .*Prime/,
    1,
    /^A: prime field of .*o3.* and .*o4.* after/,
  ],
  [
    'divide, join for other uses, then Decrypt',
    data,
    /^split C by XOR|^join o3 and o4 for all/,
    2,
    /^A: Decrypt\(o5, NIST, Get\(A by C, NIST\)\) after split.*, join/,
  ],
  [
    'derive, wrap under a known key',
    seed,
    /^derive HMAC of A/,
    1,
    /^HMAC\(A\): GCM of Get\(o3 by C, GCM\) by C after/,
  ],
  [
    'register a wrapped key, have it wrapped under a known key',
    all,
    /^register Get\(A by B, NIST\)/,
    1,
    /^A: RFC 3394 of Get\(o3 not wrapped by C, NIST\) by C after/,
  ],
];
