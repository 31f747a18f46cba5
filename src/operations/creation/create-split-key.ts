import { type Attribute, attributeKey } from '../../../codec/attribute.ts';
import type { CryptographicAlgorithm, KeyFormatType } from '../../../codec/enums.ts';
import { ObjectType, SplitKeyMethod } from '../../../codec/enums.ts';
import { creationAttributes } from '../../../codec/eras.ts';
import { big, integer, many, maybe, one, since, struct, text, until } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import type { SplitKey } from '../../../codec/structures/managed-objects.ts';
import { ProtectionStorageMasks } from '../../../codec/structures/query.ts';
import { fail } from '../../common/errors.ts';
import type { SecretSharingScheme } from '../../crypto/secret-sharing.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { ShareOrigin, WholeType } from '../../object/share-origin.ts';
import type { Context } from '../context.ts';
import { originOf } from '../key-copies.ts';
import { loadNamedObjects } from '../named-objects.ts';
import {
  algorithmOf,
  applyDefaults,
  createObject,
  type ResolvedAttributes,
  requestedAttributes,
  valueOf,
} from '../new-object.ts';
import { creation, operation } from '../operation.ts';
import { requireStorage } from '../protection-storage.ts';
import { defaultLength } from './defaults.ts';
import { requireDivisible, requireEffort, requirePlainKey, statedPolynomial } from './split-keys.ts';

/** Parts of one request. Each becomes an object, and GF(2^8) has no more nonzero elements. */
const maxParts = 255;

/**
 * Create Split Key (KMIP 2.1 §6.1.10, 1.4 §4.38): divides a stored key, or a new one that is not stored
 * itself, into parts of which a threshold is enough to join the key.
 */
export const CreateSplitKey = operation({
  name: 'CreateSplitKey',
  since: '1.2',
  request: struct({
    ObjectType: one(ObjectType),
    UniqueIdentifier: maybe(identifier),
    SplitKeyParts: one(integer),
    SplitKeyThreshold: one(integer),
    SplitKeyMethod: one(SplitKeyMethod),
    PrimeFieldSize: maybe(big),
    Attributes: creationAttributes('TemplateAttribute', 'Attributes'),
    ProtectionStorageMasks: since('2.0', maybe(ProtectionStorageMasks)),
  }),
  response: struct({ ObjectType: until('1.2', maybe(ObjectType)), UniqueIdentifier: many(text) }),
  target: creation(),
  limitedRight: 'objects',
  async handle(request, context) {
    const { SplitKeyParts: parts, SplitKeyThreshold: threshold, SplitKeyMethod: method } = request;
    requireStorage(request.ProtectionStorageMasks, 'ProtectionStorageUnavailable');
    if (request.ObjectType !== 'SplitKey')
      fail('InvalidObjectType', 'Create Split Key makes Split Keys', 'InvalidField');
    const stated = await requestedAttributes([request.Attributes], context);
    const scheme = {
      method,
      parts,
      threshold,
      polynomial: statedPolynomial(stated),
      prime: request.PrimeFieldSize,
    };
    requireScheme(scheme);
    const { UniqueIdentifier: id } = request;
    // The policy of the group decides the key that is generated; a key that exists is split as it is.
    const resolved = id === undefined ? await applyDefaults('SplitKey', stated, context) : undefined;
    const whole =
      resolved === undefined
        ? await loadWhole(id as string, valueOf(stated, 'KeyFormatType'), context)
        : generateWhole(resolved, context);
    requireEffort(whole.bytes, request.PrimeFieldSize, parts, threshold);
    const { shares, prime } = await context.crypto.splitSecret(whole.bytes, scheme);
    const { length } = whole.bytes;
    whole.bytes.fill(0);
    const attributes = partAttributes(stated, whole);
    const ids: string[] = [];
    for (const [index, share] of shares.entries()) {
      const value: SplitKey = {
        SplitKeyParts: parts,
        KeyPartIdentifier: index + 1,
        SplitKeyThreshold: threshold,
        SplitKeyMethod: method,
        PrimeFieldSize: prime,
        KeyBlock: {
          KeyFormatType: whole.format,
          KeyValue: { KeyMaterial: share, Attributes: [] },
          CryptographicAlgorithm: whole.algorithm,
          CryptographicLength: whole.bits,
        },
      };
      const inputs = whole.object === undefined ? [] : [whole.object];
      const generated = whole.object === undefined;
      const part = { operation: 'CreateSplitKey', type: 'SplitKey', attributes, inputs, generated } as const;
      const specification = { ...part, value: { type: 'SplitKey' as const, value } };
      const object = await createObject(specification, context, resolved?.policy);
      ids.push(object.id);
      const origin = describeShare(
        { ...scheme, prime },
        { ...whole, part: index + 1, bytes: length, made: object },
      );
      object.changeProvenance({ madeWith: ids[0], share: origin });
    }
    return { ObjectType: 'SplitKey' as const, UniqueIdentifier: ids };
  },
});

/**
 * Refuses parameters that no method can use with InvalidField; the crypto provider checks fields and primes.
 */
function requireScheme({ method, parts, threshold, prime }: SecretSharingScheme): void {
  if (typeof method === 'number') fail('InvalidField', `there is no Split Key Method ${method}`);
  if (parts > maxParts) fail('InvalidField', `a key is divided into at most ${maxParts} parts`);
  if (threshold > parts) fail('InvalidField', 'Split Key Threshold is larger than Split Key Parts');
  // With 1, every part would be the key itself under another name.
  if (threshold < 2) fail('InvalidField', 'Split Key Threshold must be 2 at the least');
  if (method === 'XOR' && threshold !== parts)
    fail('InvalidField', 'XOR needs all parts: Split Key Threshold must be Split Key Parts');
  if (prime !== undefined && method !== 'PolynomialSharingPrimeField')
    fail('InvalidField', 'Prime Field Size is for Polynomial Sharing Prime Field');
}

/** The key that is divided. */
interface Whole {
  /** Undefined for a new key. */
  readonly object?: ManagedObject;
  /** A copy of the key's bytes. */
  readonly bytes: Uint8Array;
  /** Key Format Type of the joined bytes. */
  readonly format: KeyFormatType;
  readonly algorithm?: CryptographicAlgorithm | undefined;
  /** Cryptographic Length of the key; joining restores leading zeros by this length. */
  readonly bits: number;
}

function generateWhole({ stated, effective: attributes }: ResolvedAttributes, { crypto }: Context): Whole {
  const format = valueOf(stated, 'KeyFormatType') ?? 'Raw';
  if (format !== 'Raw') failWithoutBytes(format);
  const algorithm = algorithmOf(attributes);
  const bits = valueOf(attributes, 'CryptographicLength') ?? defaultLength(algorithm);
  if (bits === undefined)
    fail('InvalidField', `Cryptographic Length is missing, and ${algorithm} has no default`);
  return { bytes: crypto.generateSymmetric(algorithm, bits), format: 'Raw', algorithm, bits };
}

function failWithoutBytes(format: KeyFormatType): never {
  fail('KeyFormatTypeNotSupported', `the parts of a key are byte strings, which ${format} is not here`);
}

/** Loads the key to divide, in the stated format or in the format of its bytes. */
async function loadWhole(id: string, stated: KeyFormatType | undefined, context: Context): Promise<Whole> {
  const [object] = await loadNamedObjects([id], ['SymmetricKey', 'PrivateKey', 'SecretData'], context);
  requireDivisible(object as ManagedObject, context);
  const key = requirePlainKey(object as ManagedObject);
  const { KeyMaterial: material, CryptographicAlgorithm: algorithm, CryptographicLength } = key;
  const asBytes = object?.type === 'PrivateKey' ? 'PKCS_8' : 'Raw';
  const format = stated ?? (material instanceof Uint8Array ? key.KeyFormatType : asBytes);
  const bytes = context.crypto.convertKey(key, format);
  if (!(bytes instanceof Uint8Array)) failWithoutBytes(format);
  const bits = CryptographicLength ?? bytes.length * 8;
  return { object: object as ManagedObject, bytes, format, algorithm, bits };
}

/** What is sealed with a part beside its share. `bytes`: length of the key; `made`: the part. */
function describeShare(
  scheme: SecretSharingScheme,
  whole: Omit<Whole, 'bytes'> & {
    readonly part: number;
    readonly bytes: number;
    readonly made: ManagedObject;
  },
): ShareOrigin {
  const { object, format, algorithm, bits, bytes, part, made } = whole;
  const { method, parts, threshold, polynomial, prime } = scheme;
  return {
    source: object && originOf(object),
    type: (object?.type ?? 'SymmetricKey') as WholeType,
    method,
    parts,
    threshold,
    part,
    polynomial,
    prime: prime?.toHex(),
    format,
    algorithm,
    bits,
    bytes,
    mask: made.attributes.get('CryptographicUsageMask') ?? 0,
  };
}

/** Attributes of a part: those of the key override those of the request (KMIP 1.4 §4.38). */
function partAttributes(stated: readonly Attribute[], { object, algorithm, bits }: Whole): Attribute[] {
  if (object === undefined) return [...stated];
  const own: Attribute[] = [{ name: 'CryptographicLength', value: bits }];
  const mask = object.attributes.get('CryptographicUsageMask');
  if (algorithm !== undefined) own.push({ name: 'CryptographicAlgorithm', value: algorithm });
  if (mask !== undefined) own.push({ name: 'CryptographicUsageMask', value: mask });
  const ownKeys = own.map(attributeKey);
  const rest = stated.filter((attribute) => !ownKeys.includes(attributeKey(attribute)));
  return [...rest, ...own];
}
