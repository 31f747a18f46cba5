import { powerModulo, toBigInt } from '../asn1/big-integers.ts';
import { InvalidKeyMaterialError } from '../errors.ts';
import type { DhDomain } from './key-components.ts';
import { isProbablyPrime } from './primes.ts';

/* Keys of DSA and Diffie-Hellman that come in (SP 800-56A Rev. 3 §5.6.2.3.1, SP 800-89 §5.3.1). */

/** A key in a group modulo a prime: its public number `y` or its private number `x`. */
interface ModularKey extends DhDomain {
  readonly y?: Uint8Array;
  readonly x?: Uint8Array;
}

/** Bounds powers, whose time grows with the prime's square and the subgroup: 4,096 bits each. */
const maxWork = 512 ** 3;

/**
 * Checks a key and its group: 1 < g, y < p − 1; where the subgroup is known, that g and y belong to it and x
 * is below its order. Computes with BigInt, up to 0.3 s: for threads.
 * @throws {InvalidKeyMaterialError} with the reason
 */
export function checkModularKey({ p, g, q, x, y }: ModularKey): void {
  const prime = toBigInt(p);
  if ((prime & 1n) === 0n || prime < 7n) refuse('P is not an odd prime');
  const order = q && toBigInt(q);
  if (order !== undefined && ((order & 1n) === 0n || order >= prime || (prime - 1n) % order !== 0n))
    refuse('Q is not the order of a subgroup: it does not divide P - 1');
  const elements = [
    { name: 'G', value: toBigInt(g) },
    ...(y === undefined ? [] : [{ name: 'Y', value: toBigInt(y) }]),
  ];
  for (const { name, value } of elements)
    if (value <= 1n || value >= prime - 1n) refuse(`${name} is not between 1 and P - 1`);
  if (x !== undefined && toBigInt(x) >= (order ?? prime - 1n))
    refuse('X is not below the order of the group');
  if (!isProbablyPrime(p)) refuse('P is composite');
  if (q === undefined || order === undefined) return;
  if (p.length ** 2 * q.length > maxWork) refuse('so long a group cannot be checked');
  if (!isProbablyPrime(q)) refuse('Q is composite');
  for (const { name, value } of elements)
    if (powerModulo(value, order, prime) !== 1n) refuse(`${name} is not in the subgroup of order Q`);
}

function refuse(reason: string): never {
  throw new InvalidKeyMaterialError(reason);
}
