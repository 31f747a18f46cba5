import type { Attribute } from '../../../codec/attribute.ts';
import { type CryptographicAlgorithm, DerivationMethod, ObjectType } from '../../../codec/enums.ts';
import { creationAttributes } from '../../../codec/eras.ts';
import { many, one, struct, text } from '../../../codec/schema.ts';
import { DerivationParameters } from '../../../codec/structures/derivation-parameters.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import type { KeyedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import { keyBits, keyBytes } from '../../crypto/algorithms.ts';
import { hashOfDerivation } from '../../crypto/derivation-hash.ts';
import type { PlainKey } from '../../crypto/plain-key.ts';
import { linkDerivation } from '../../object/links.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { countUse } from '../../object/usage.ts';
import type { Context } from '../context.ts';
import { loadNamedObjects } from '../named-objects.ts';
import { algorithmOf, applyDefaults, createObject, requestedAttributes, valueOf } from '../new-object.ts';
import { creation, operation } from '../operation.ts';
import { keyForUse, parametersToEncrypt } from '../usable-key.ts';
import { type DerivationMethodName, requireHiddenInputs } from './derivation-protection.ts';
import { convertToStated, statedFormats } from './stated-formats.ts';

type Input = Exclude<keyof DerivationParameters, 'CryptographicParameters'>;

/**
 * Inputs that a method requires, and those it accepts. Others are refused, because the key would silently
 * ignore them.
 */
interface Inputs {
  readonly required: readonly Input[];
  readonly optional?: readonly Input[];
}
const data = { required: ['DerivationData'] } as const;
const inputsOf: Readonly<Record<DerivationMethodName, Inputs>> = {
  PBKDF2: { required: ['Salt', 'IterationCount'] },
  HASH: { required: [] },
  HMAC: data,
  ENCRYPT: { ...data, optional: ['InitializationVector'] },
  NIST800_108_C: data,
  NIST800_108_F: { ...data, optional: ['InitializationVector'] },
  NIST800_108_DPI: data,
  AsymmetricKey: { required: [] },
  AWSSignatureVersion4: data,
  HKDF: { required: [], optional: ['DerivationData', 'Salt'] },
};

/** Bits of a derived object, the limit of Create for Secret Data. */
const maxBits = 65_536;

/**
 * Derive Key (KMIP 2.1 §6.1.14, 1.4 §4.6): a symmetric key or secret data from a key and public data, or from
 * a private and a public key. The first object named is the key; a Secret Data object named second is the
 * derivation data.
 */
export const DeriveKey = operation({
  name: 'DeriveKey',
  since: '1.0',
  request: struct({
    ObjectType: one(ObjectType),
    UniqueIdentifier: many(identifier),
    DerivationMethod: one(DerivationMethod),
    DerivationParameters: one(DerivationParameters),
    Attributes: creationAttributes('TemplateAttribute', 'Attributes'),
  }),
  response: struct({ UniqueIdentifier: one(text) }),
  target: creation(),
  limitedRight: 'objects',
  async handle(request, context) {
    const { ObjectType: type, DerivationMethod: method, DerivationParameters: given } = request;
    if (type !== 'SymmetricKey' && type !== 'SecretData')
      fail('InvalidObjectType', 'only Symmetric Keys and Secret Data can be derived', 'InvalidField');
    if (typeof method === 'number' || !DerivationMethod.isKnownIn(method, context.version))
      fail('InvalidField', `KMIP ${context.version} has no Derivation Method ${method}`);
    const sources = await loadSources(request.UniqueIdentifier, method, given, context);
    const inputs = { ...given, DerivationData: sources.data };
    requireInputs(method, inputs);
    const stated = await requestedAttributes([request.Attributes], context);
    const { effective, policy } = await applyDefaults(type, stated, context);
    const form = determineForm(type, effective);
    const objects = sources.all.map(({ object }) => object);
    const parameters = parametersToEncrypt(sources.first, {
      use: method,
      requested: given.CryptographicParameters,
      iv: given.InitializationVector,
      also: objects.filter((object) => object !== sources.first),
    });
    const data = method === 'AsymmetricKey' ? undefined : objects[1];
    requireHiddenInputs({
      method,
      key: sources.first,
      data,
      parameters,
      hash: hashOfDerivation({ method, key: sources.key, parameters }),
      keyBytes: bytesOf(sources.key),
      bits: form.bits,
    });
    for (const object of objects) countUse(object, form.bytes, context);
    const material = await context.crypto.deriveKey({
      method,
      key: sources.key,
      peer: sources.peer,
      parameters,
      data: inputs.DerivationData,
      iv: given.InitializationVector,
      salt: given.Salt,
      iterations: given.IterationCount,
      length: form.bytes,
      result: form.result,
    });
    const value = convertToStated(form.value(material), statedFormats(stated, effective), context.crypto);
    const derived = await createObject(
      { operation: 'DeriveKey', type, attributes: stated, value, inputs: objects },
      context,
      policy,
    );
    for (const object of objects) linkDerivation(object, derived, context.now);
    return { UniqueIdentifier: derived.id };
  },
});

interface Source {
  readonly object: ManagedObject;
  readonly key: PlainKey;
}
interface Sources {
  readonly all: readonly Source[];
  /** The object whose Cryptographic Parameters are used when the request states none. */
  readonly first: ManagedObject;
  readonly key: PlainKey;
  readonly peer?: PlainKey | undefined;
  readonly data: readonly Uint8Array[];
}

/**
 * Loads the objects to derive from, checks their use, and takes the data from one of them or from the
 * request.
 */
async function loadSources(
  ids: readonly string[],
  method: DerivationMethodName,
  { DerivationData }: DerivationParameters,
  context: Context,
): Promise<Sources> {
  const agreement = method === 'AsymmetricKey';
  const objects = await loadNamedObjects(
    ids,
    agreement ? ['PrivateKey', 'PublicKey'] : ['SymmetricKey', 'SecretData'],
    context,
  );
  const all = objects.map((object) => ({
    object,
    key: keyForUse(object, agreement ? 'AgreeKey' : 'DeriveKey', context, 'InvalidField'),
  }));
  const first = all[0] as Source;
  if (agreement) {
    const own = all.find(({ object }) => object.type === 'PrivateKey');
    const peer = all.find(({ object }) => object.type === 'PublicKey');
    if (own === undefined || peer === undefined || all.length !== 2)
      fail('InvalidField', 'one private key and one public key must be named');
    return { all, first: own.object, key: own.key, peer: peer.key, data: DerivationData };
  }
  const [, second, third] = all;
  if (second === undefined) return { all, first: first.object, key: first.key, data: DerivationData };
  if (third !== undefined || second.object.type !== 'SecretData')
    fail('InvalidField', 'beside the key, only Secret Data can be named: the derivation data');
  if (DerivationData.length > 0)
    fail('InvalidMessage', 'there is Derivation Data in the request and in Secret Data');
  const { KeyMaterial } = second.key;
  if (!(KeyMaterial instanceof Uint8Array)) fail('InvalidField', 'the Secret Data are not bytes');
  return { all, first: first.object, key: first.key, data: [KeyMaterial] };
}

/** Bytes of a symmetric key or of Secret Data; 0 for other keys. */
function bytesOf({ KeyMaterial: material }: PlainKey): number {
  return (material instanceof Uint8Array ? material : material.Key)?.length ?? 0;
}

function requireInputs(
  method: DerivationMethodName,
  inputs: Readonly<Partial<Record<Input, unknown>>>,
): void {
  const { required, optional = [] } = inputsOf[method];
  const names = ['DerivationData', 'InitializationVector', 'Salt', 'IterationCount'] as const;
  for (const name of names) {
    const value = inputs[name];
    const present = Array.isArray(value) ? value.length > 0 : value !== undefined;
    if (!present && required.includes(name)) fail('InvalidField', `${method} needs ${name}`);
    if (present && !isEmpty(value) && !required.includes(name) && !optional.includes(name))
      fail('InvalidField', `${method} takes no ${name}`);
  }
}

/** Clients send empty bytes for what they leave out. */
function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.every(isEmpty) : value instanceof Uint8Array && value.length === 0;
}

/** The object to be derived. */
interface DerivedForm {
  /** Length of the material in bytes. */
  readonly bytes: number;
  /** Bits that count, without parity. */
  readonly bits: number;
  /** Algorithm and Cryptographic Length of a derived key. */
  readonly result?: { readonly algorithm: CryptographicAlgorithm; readonly bits: number };
  /** Builds the object's value from the derived material. */
  value(material: Uint8Array): KeyedObjectValue;
}

function determineForm(type: 'SymmetricKey' | 'SecretData', attributes: readonly Attribute[]): DerivedForm {
  const bits = valueOf(attributes, 'CryptographicLength');
  if (bits === undefined) fail('InvalidField', 'Cryptographic Length is missing');
  if (bits <= 0 || bits > maxBits) fail('InvalidField', `Cryptographic Length must be 1 to ${maxBits}`);
  if (bits % 8 !== 0) fail('InvalidField', 'Cryptographic Length must be whole bytes');
  const key = (material: Uint8Array) => ({
    KeyFormatType: 'Raw' as const,
    KeyValue: { KeyMaterial: material, Attributes: [] },
  });
  if (type === 'SecretData') {
    const value = (material: Uint8Array): KeyedObjectValue => ({
      type,
      value: { SecretDataType: 'Seed', KeyBlock: key(material) },
    });
    return { bytes: bits / 8, bits, value };
  }
  const algorithm = algorithmOf(attributes);
  const value = (material: Uint8Array): KeyedObjectValue => ({
    type,
    value: {
      KeyBlock: { ...key(material), CryptographicAlgorithm: algorithm, CryptographicLength: bits },
    },
  });
  const bytes = keyBytes(algorithm, bits);
  return { bytes, bits: keyBits(algorithm, bytes), result: { algorithm, bits }, value };
}
