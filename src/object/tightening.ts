import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { fail } from '../common/errors.ts';
import type { Protection } from '../common/protection.ts';
import { combineParameters } from '../crypto/parameter-binding.ts';
import type { ManagedObject } from './managed-object.ts';
import { isInToken } from './token-keys.ts';
import { contains, isSameValue, valueKey } from './values.ts';

/**
 * Runs a client's change of attributes. Under `strict` protection a client may tighten Sensitive and
 * Extractable and never loosens them, by whatever operation. The Cryptographic Parameters, which bind the
 * uses of a key, become narrower only, and stay as they are from activation on. A key in a token stays
 * Sensitive and not Extractable in any case, because it is. `now` in POSIX seconds.
 * @throws {KmipError} PermissionDenied when the change has done otherwise; the caller drops the object then
 */
export function withoutLoosening<T>(
  object: ManagedObject,
  { protection, now }: { readonly protection: Protection; readonly now: number },
  change: () => T,
): T {
  const { attributes } = object;
  const wasSensitive = attributes.get('Sensitive') === true;
  const wasLocked = attributes.get('Extractable') === false;
  const isBound = object.state(now) !== 'PreActive';
  const parameters = attributes.values('CryptographicParameters');
  const result = change();
  if (protection === 'kmip' && !isInToken(object)) return result;
  if (wasSensitive && attributes.get('Sensitive') !== true)
    refuse('Sensitive cannot become false again', reasonOf(object));
  if (wasLocked && attributes.get('Extractable') !== false)
    refuse('Extractable cannot become true again', reasonOf(object));
  if (protection === 'kmip') return result;
  const changed = attributes.values('CryptographicParameters');
  if (isSameValue({ value: parameters }, { value: changed })) return result;
  if (isBound) refuse('Cryptographic Parameters cannot change after activation');
  if (!isNarrower(changed, parameters)) refuse('Cryptographic Parameters can only become narrower');
  return result;
}

/** Comparisons of sets that are not equal: each takes microseconds, and a key has up to a thousand sets. */
const maxComparisons = 10_000;

/**
 * Whether sets of Cryptographic Parameters permit no use that the `previous` ones do not: each repeats a
 * previous set and only states more. Sets without a field, of an older kmipd, bind nothing. More sets than
 * can be compared do not.
 */
export function isNarrower(
  sets: readonly CryptographicParameters[],
  previous: readonly CryptographicParameters[],
): boolean {
  const binding = previous.filter((set) => Object.values(set).some((field) => field !== undefined));
  if (binding.length === 0) return true;
  const known = new Set(binding.map(valueKey));
  const others = sets.filter((set) => !known.has(valueKey(set)));
  if (others.length * binding.length > maxComparisons) return false;
  const repeats = (set: CryptographicParameters, own: CryptographicParameters) =>
    // A further field may change what the others mean: PSS beside a name of PKCS #1 v1.5.
    contains(set, own) && combineParameters([own], set) !== undefined;
  return sets.length > 0 && others.every((set) => binding.some((own) => repeats(set, own)));
}

function reasonOf(object: ManagedObject): string | undefined {
  return isInToken(object) ? 'the key is in a token and never leaves it' : undefined;
}

function refuse(what: string, why = 'crypto.protection of the server is "strict"'): never {
  fail('PermissionDenied', `${what}: ${why}`);
}
