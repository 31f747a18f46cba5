import type { Attribute } from '../../../codec/attribute.ts';
import { object, template } from '../values.ts';
import { chooseId, chooseObject, type Draw, type Material, type Recipe } from './draw.ts';
import {
  attribute,
  claims,
  commonAttributes,
  groupName,
  keyParameters,
  pairAttributes,
  registeredAttributes,
  registeredValue,
  symmetricAttributes,
  usageLimits,
} from './values.ts';

/** Requests that make objects, change them and end them. */

/** Makes a key in the server. */
const create: Recipe = (draw, material) => ({
  operation: 'Create',
  request: { ObjectType: 'SymmetricKey', Attributes: template(...symmetricAttributes(draw, material)) },
});

const createKeyPair: Recipe = (draw, material) => ({
  operation: 'CreateKeyPair',
  request: pairAttributes(draw, material),
});

const register: Recipe = (draw, material) => {
  const value = registeredValue(draw, material);
  return {
    operation: 'Register',
    request: {
      ObjectType: value.type,
      Attributes: template(...registeredAttributes(draw, material, value.type)),
      Object: value,
    },
  };
};

const sha256 = { CryptographicParameters: { HashingAlgorithm: 'SHA_256' } } as const;
const derivations = [
  ['HASH', sha256],
  ['HMAC', { ...sha256, data: true }],
  ['ENCRYPT', { CryptographicParameters: { BlockCipherMode: 'ECB' }, data: true }],
  ['NIST800_108_C', { ...sha256, data: true }],
  ['HKDF', { ...sha256, Salt: new Uint8Array(8) }],
  ['PBKDF2', { ...sha256, Salt: new Uint8Array(8), IterationCount: 1000 }],
] as const;

/** Derives from one key and data of the request, or from one key and Secret Data. */
const deriveKey: Recipe = (draw, material) => {
  const first = chooseObject(draw, material, { types: ['SymmetricKey', 'SecretData'], use: 'DeriveKey' });
  if (first === undefined) return undefined;
  const [method, { data: takesData, ...parameters }] = draw.of(derivations) as readonly [
    string,
    { readonly data?: boolean },
  ];
  const second = draw.once(3)
    ? chooseObject(draw, material, { types: ['SecretData'], use: 'DeriveKey' })
    : undefined;
  const bits = draw.of([256, 128, 8, 16, 64] as const);
  const isSecret = bits < 128 || draw.once(3);
  return {
    operation: 'DeriveKey',
    request: {
      ObjectType: isSecret ? 'SecretData' : 'SymmetricKey',
      UniqueIdentifier: second === undefined ? [first.id] : [first.id, second.id],
      DerivationMethod: method,
      DerivationParameters: {
        DerivationData: takesData === true && second === undefined ? [new Uint8Array(32)] : [],
        ...parameters,
      },
      Attributes: template(
        attribute('CryptographicLength', bits),
        ...(isSecret ? [] : [attribute('CryptographicAlgorithm', 'AES')]),
        attribute('CryptographicUsageMask', draw.of([0x3fc, 0x200] as const)),
        ...claims(draw),
        ...commonAttributes(draw, material),
      ),
    },
  };
};

const createSplitKey: Recipe = (draw, material) => {
  const whole = chooseObject(draw, material, { types: ['SymmetricKey', 'SecretData', 'PrivateKey'] });
  return {
    operation: 'CreateSplitKey',
    request: {
      ObjectType: 'SplitKey',
      UniqueIdentifier: whole?.id,
      SplitKeyParts: 2,
      SplitKeyThreshold: 2,
      SplitKeyMethod: draw.of(['XOR', 'PolynomialSharingGF2_8'] as const),
      Attributes: template(
        ...(whole === undefined ? symmetricAttributes(draw, material) : [...claims(draw)]),
      ),
    },
  };
};

/** Joins two parts that follow each other in the store. */
const joinSplitKey: Recipe = (draw, { objects }) => {
  const parts = objects.filter(({ type }) => type === 'SplitKey');
  const at = draw.number() % Math.max(1, parts.length - 1);
  const [one, other] = parts.slice(at, at + 2);
  if (one === undefined || other === undefined) return undefined;
  const ObjectType = draw.of(['SymmetricKey', 'SecretData'] as const);
  return {
    operation: 'JoinSplitKey',
    request: {
      ObjectType,
      UniqueIdentifier: [other.id, one.id],
      SecretDataType: ObjectType === 'SecretData' ? 'Seed' : undefined,
      Attributes: template(...claims(draw)),
    },
  };
};

const reKey: Recipe = (draw, material) => {
  const id = chooseId(draw, material, { types: ['SymmetricKey'] });
  return id && { operation: 'ReKey', request: { ...id, Attributes: template(...claims(draw)) } };
};

const reKeyKeyPair: Recipe = (draw, material) => {
  const key = chooseObject(draw, material, { types: ['PrivateKey'] });
  return (
    key && {
      operation: 'ReKeyKeyPair',
      request: {
        PrivateKeyUniqueIdentifier: key.id,
        CommonAttributes: template(),
        PrivateKeyAttributes: template(...claims(draw)),
        PublicKeyAttributes: template(),
      },
    }
  );
};

/** Claims about the past of an imported object. */
function history(draw: Draw): Attribute[] {
  const never = [attribute('AlwaysSensitive', true), attribute('NeverExtractable', true)];
  return [...draw.of([[], never, [attribute('State', 'Active')]] as const)];
}

/** Imports a key in the clear: under a new identifier, or in the place of an object. */
const importPlain: Recipe = (draw, material) => {
  const existing = draw.once(2) ? chooseObject(draw, material) : undefined;
  const value = registeredValue(draw, material, existing?.type);
  return {
    operation: 'Import',
    request: {
      UniqueIdentifier: existing?.id ?? `imported ${Buffer.from(material.unique(6)).toString('hex')}`,
      ObjectType: value.type,
      ReplaceExisting: existing !== undefined,
      Attributes: [...registeredAttributes(draw, material, value.type), ...history(draw)],
      Object: value,
    },
  };
};

/** Imports a key that the server has given out wrapped, and has it unwrapped. */
const importWrapped: Recipe = (draw, material) => {
  const wrapped = draw.of(material.ciphertexts.filter(({ wrapping }) => wrapping !== undefined));
  if (wrapped?.wrapping === undefined) return undefined;
  const isSecret = wrapped.type === 'SecretData' || draw.once(4);
  const KeyBlock = {
    KeyFormatType: 'Raw',
    KeyValue: wrapped.data,
    ...(isSecret ? {} : { CryptographicAlgorithm: 'AES', CryptographicLength: 256 }),
    KeyWrappingData: wrapped.wrapping,
  };
  const value = isSecret
    ? object('SecretData', { SecretDataType: 'Seed', KeyBlock })
    : object('SymmetricKey', { KeyBlock });
  return {
    operation: 'Import',
    request: {
      UniqueIdentifier: `unwrapped ${Buffer.from(material.unique(6)).toString('hex')}`,
      ObjectType: value.type,
      KeyWrapType: draw.once(4) ? 'AsRegistered' : 'NotWrapped',
      Attributes: [attribute('CryptographicUsageMask', 0x3fc), ...claims(draw), ...history(draw)],
      Object: value,
    },
  };
};

/** An attribute with a value that a client may try to give it. */
function changedAttribute(draw: Draw, { now }: Material): Attribute {
  return draw.of([
    () => attribute('Sensitive', false),
    () => attribute('Extractable', true),
    () => attribute('Sensitive', true),
    () => attribute('Extractable', false),
    () => attribute('UsageLimits', usageLimits(draw)),
    () => attribute('CryptographicParameters', draw.of(keyParameters) ?? {}),
    () => attribute('ObjectGroup', groupName(draw)),
    () => attribute('ActivationDate', now),
    () => attribute('CryptographicUsageMask', 0x3fc),
    () => attribute('AlwaysSensitive', true),
    () => attribute('State', 'Active'),
  ])();
}

const changing =
  (operation: 'SetAttribute' | 'AddAttribute' | 'ModifyAttribute'): Recipe =>
  (draw, material) => {
    const id = chooseId(draw, material);
    return id && { operation, request: { ...id, NewAttribute: changedAttribute(draw, material) } };
  };

const deleteAttribute: Recipe = (draw, material) => {
  const id = chooseId(draw, material);
  const name = draw.of([
    'UsageLimits',
    'CryptographicParameters',
    'Sensitive',
    'ObjectGroup',
    'Link',
  ] as const);
  return id && { operation: 'DeleteAttribute', request: { ...id, AttributeReference: { name } } };
};

const adjustAttribute: Recipe = (draw, material) => {
  const id = chooseId(draw, material);
  const name = draw.of(['Sensitive', 'Extractable', 'CryptographicUsageMask'] as const);
  return (
    id && {
      operation: 'AdjustAttribute',
      request: { ...id, AttributeReference: { name }, AdjustmentType: 'Negate' },
    }
  );
};

const named =
  (operation: string): Recipe =>
  (draw, material) => {
    const id = chooseId(draw, material);
    return id && { operation, request: id };
  };

const revoke: Recipe = (draw, material) => {
  const id = chooseId(draw, material);
  const RevocationReasonCode = draw.of(['KeyCompromise', 'Superseded'] as const);
  return (
    id && {
      operation: 'Revoke',
      request: {
        ...id,
        RevocationReason: { RevocationReasonCode },
        CompromiseOccurrenceDate: RevocationReasonCode === 'KeyCompromise' ? material.now - 60 : undefined,
      },
    }
  );
};

/** A self-signed certificate, or one of a key with a certificate. */
const certify: Recipe = (draw, material) => {
  const key = chooseObject(draw, material, { types: ['PublicKey'] });
  return (
    key && {
      operation: 'Certify',
      request: {
        UniqueIdentifier: key.id,
        Attributes: template(attribute('CertificateSubjectCN', draw.of(['issuer', 'subject'] as const))),
      },
    }
  );
};

/** The recipes with how often each is chosen. */
export const creationRecipes: Readonly<Record<string, readonly [weight: number, Recipe]>> = {
  create: [6, create],
  createKeyPair: [1, createKeyPair],
  register: [3, register],
  createSplitKey: [1, createSplitKey],
};

export const objectRecipes: Readonly<Record<string, readonly [weight: number, Recipe]>> = {
  ...creationRecipes,
  deriveKey: [5, deriveKey],
  joinSplitKey: [1, joinSplitKey],
  reKey: [1, reKey],
  reKeyKeyPair: [1, reKeyKeyPair],
  importPlain: [3, importPlain],
  importWrapped: [2, importWrapped],
  setAttribute: [4, changing('SetAttribute')],
  addAttribute: [1, changing('AddAttribute')],
  modifyAttribute: [2, changing('ModifyAttribute')],
  deleteAttribute: [1, deleteAttribute],
  adjustAttribute: [1, adjustAttribute],
  activate: [3, named('Activate')],
  revoke: [2, revoke],
  destroy: [1, named('Destroy')],
  archive: [1, named('Archive')],
  recover: [1, named('Recover')],
  certify: [1, certify],
};
