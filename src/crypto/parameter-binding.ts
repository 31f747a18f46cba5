import type { CryptographicAlgorithm } from '../../codec/enums.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { hashOfHmac, ivBytesOf, schemeOfName, tagBytesOf } from './parameter-names.ts';

/*
 * The Cryptographic Parameters of a key bind those of a request: a field that the key states must be the
 * same, in any spelling (docs/decisions/28-key-parameters.md).
 */

/** Fields as they are compared: lengths in bytes, names resolved into the fields that they stand for. */
type Meaning = Readonly<Record<string, unknown>>;

/**
 * Combines the parameters of a request with those of the key: every field that one set of the key states, and
 * of the others those of the request. Of several sets that fit, the one that repeats most of the request
 * counts, then the one that adds least, then the first. A request that states no field takes the first set.
 * @param own the sets of the key; none of them binds nothing
 * @param requested the parameters of the request
 * @param ivBytes length of the Initialization Vector in the request
 * @returns the combination; undefined when the request differs from every set
 */
export function combineParameters(
  own: readonly CryptographicParameters[],
  requested: CryptographicParameters,
  ivBytes?: number,
): CryptographicParameters | undefined {
  // Objects of kmipd before empty sets were refused may have some: they loosen no other set.
  const binding = own.map(statedFields).filter((set) => Object.keys(set).length > 0);
  if (binding.length === 0) return requested;
  const asked = statedFields(requested);
  const wanted = meaningOf(asked);
  const sets = binding.filter((set) => fits(set, wanted, ivBytes));
  const [first] = sets;
  if (first === undefined) return undefined;
  if (Object.keys(asked).length === 0) return withLengths(first, ivBytes);
  const repeated = (set: CryptographicParameters) =>
    Object.keys(meaningOf(set)).filter((field) => wanted[field] !== undefined).length;
  const added = (set: CryptographicParameters) => Object.keys(set).length;
  const best = sets.reduce((chosen, set) => {
    const difference = repeated(set) - repeated(chosen) || added(chosen) - added(set);
    return difference > 0 ? set : chosen;
  });
  return withLengths(merge(best, asked), ivBytes);
}

/** Fields with a value: a structure of none says nothing. */
function statedFields(parameters: CryptographicParameters): CryptographicParameters {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}

function merge(own: CryptographicParameters, asked: CryptographicParameters): CryptographicParameters {
  const merged = { ...asked, ...own };
  if (
    own.DigitalSignatureAlgorithm === undefined ||
    merged.DigitalSignatureAlgorithm === asked.DigitalSignatureAlgorithm
  )
    return merged;
  // The name of the key replaces that of the request, and with it what only the latter states.
  const { hash, padding } = schemeOfName(asked.DigitalSignatureAlgorithm) ?? {};
  return {
    ...merged,
    ...(merged.HashingAlgorithm === undefined && hash !== undefined && { HashingAlgorithm: hash }),
    ...(merged.PaddingMethod === undefined && padding !== undefined && { PaddingMethod: padding }),
  };
}

/**
 * States IV Length as the specification counts it, so that no other reading is possible behind this check.
 */
function withLengths(
  parameters: CryptographicParameters,
  ivBytes: number | undefined,
): CryptographicParameters {
  const { IVLength } = parameters;
  if (IVLength === undefined || ivBytes !== undefined) return parameters;
  return { ...parameters, IVLength: ivBytesOf(IVLength) * 8 };
}

function fits(own: CryptographicParameters, wanted: Meaning, ivBytes: number | undefined): boolean {
  if (ivBytes !== undefined && own.IVLength !== undefined && ivBytesOf(own.IVLength) !== ivBytes)
    return false;
  // On a key, `SHA-n with RSA Encryption` without a padding is PKCS #1 v1.5: a signature by PSS leaves it.
  const isPkcs1 =
    schemeOfName(own.DigitalSignatureAlgorithm)?.kind === 'rsa' && own.PaddingMethod === undefined;
  const bound: Meaning = { ...(isPkcs1 && { signaturePadding: 'PKCS1V1_5' }), ...meaningOf(own) };
  return Object.entries(bound).every(
    ([field, value]) => wanted[field] === undefined || isSame(field, value, wanted[field]),
  );
}

function meaningOf(parameters: CryptographicParameters): Meaning {
  const { DigitalSignatureAlgorithm: name, IVLength, TagLength, ...others } = parameters;
  const scheme = schemeOfName(name);
  const { PaddingMethod: padding } = others;
  const isSignaturePadding = padding === 'PSS' || padding === 'PKCS1V1_5';
  const meaning = {
    ...others,
    HashingAlgorithm: others.HashingAlgorithm ?? scheme?.hash ?? hashOfHmac(others.CryptographicAlgorithm),
    signature: scheme?.kind ?? name,
    signaturePadding: isSignaturePadding ? padding : scheme?.padding,
    ivBytes: IVLength === undefined ? undefined : ivBytesOf(IVLength),
    tagBytes: TagLength === undefined ? undefined : tagBytesOf(TagLength),
  };
  return Object.fromEntries(Object.entries(meaning).filter(([, value]) => value !== undefined));
}

/** EC is the common name of the algorithms on curves. */
const onCurves: readonly unknown[] = ['ECDSA', 'ECDH', 'ECMQV'] satisfies CryptographicAlgorithm[];

function isSame(field: string, a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array)
    return a.length === b.length && a.every((byte, at) => byte === b[at]);
  if (field === 'CryptographicAlgorithm' && (a === 'EC' || b === 'EC'))
    return a === b || onCurves.includes(a === 'EC' ? b : a);
  return a === b;
}
