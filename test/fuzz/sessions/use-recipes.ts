import { chooseId, chooseObject, type Draw, type Material, type Recipe } from './draw.ts';
import { cipherParameters, wrapParameters } from './values.ts';

/** Requests that use keys and fetch objects. */

const ivs = (draw: Draw, { ciphertexts }: Material): Uint8Array | undefined => {
  const earlier = draw.of(ciphertexts)?.iv;
  return draw.of([
    undefined,
    earlier,
    new Uint8Array(12),
    new Uint8Array(16),
    earlier && counterBlock(earlier),
    new Uint8Array(4),
  ]);
};

/** The first counter block of GCM under this IV (SP 800-38D §7.1). */
function counterBlock(iv: Uint8Array): Uint8Array | undefined {
  return iv.length === 12 ? Uint8Array.from([...iv, 0, 0, 0, 2]) : undefined;
}

const encrypt: Recipe = (draw, material) => {
  const id = chooseId(draw, material, { types: ['SymmetricKey', 'PublicKey'], use: 'Encrypt' });
  const data = draw.of([
    new Uint8Array(16),
    draw.of(material.ciphertexts)?.data,
    new Uint8Array(40),
  ] as const);
  return (
    id && {
      operation: 'Encrypt',
      request: {
        ...id,
        CryptographicParameters: draw.of(cipherParameters),
        Data: data ?? new Uint8Array(32),
        IVCounterNonce: ivs(draw, material),
        ...(draw.once(8) ? { InitIndicator: true } : {}),
      },
    }
  );
};

/** Decrypts what the server has encrypted or wrapped, under its own key or another. */
const decrypt: Recipe = (draw, material) => {
  const given = draw.of(material.ciphertexts);
  const chosen = chooseId(draw, material, { types: ['SymmetricKey', 'PrivateKey'], use: 'Decrypt' });
  if (chosen === undefined) return undefined;
  const isOwn = given !== undefined && !draw.once(2);
  const isAppended = given?.wrapping !== undefined && draw.once(2);
  const data = given?.data ?? new Uint8Array(32);
  return {
    operation: 'Decrypt',
    request: {
      ...(isOwn ? { UniqueIdentifier: given.key } : chosen),
      CryptographicParameters: draw.of(cipherParameters),
      Data: isAppended ? data.subarray(0, -16) : data,
      IVCounterNonce: draw.once(4) ? ivs(draw, material) : given?.iv,
      AuthenticatedEncryptionTag: isAppended ? data.subarray(-16) : given?.tag,
      ...(draw.once(4) ? { InitIndicator: true } : {}),
    },
  };
};

/** The next or last part of data in parts. */
const nextPart: Recipe = (draw, material) => {
  const stream = draw.of(material.streams);
  return (
    stream && {
      operation: stream.operation,
      request: {
        UniqueIdentifier: stream.id,
        CorrelationValue: stream.value,
        Data: new Uint8Array(draw.of([32, 16, 5] as const)),
        ...(draw.once(2) ? { FinalIndicator: true } : {}),
      },
    }
  );
};

const mac: Recipe = (draw, material) => {
  const id = chooseId(draw, material, { types: ['SymmetricKey'], use: 'MACGenerate' });
  const CryptographicParameters = draw.of([
    { CryptographicAlgorithm: 'HMAC_SHA256' },
    undefined,
    { HashingAlgorithm: 'SHA_256' },
    { CryptographicAlgorithm: 'HMAC_SHA512' },
  ] as const);
  return id && { operation: 'MAC', request: { ...id, CryptographicParameters, Data: new Uint8Array(16) } };
};

const sign: Recipe = (draw, material) => {
  const id = chooseId(draw, material, { types: ['PrivateKey'], use: 'Sign' });
  const CryptographicParameters = draw.of([
    { HashingAlgorithm: 'SHA_256' },
    { HashingAlgorithm: 'SHA_512' },
    undefined,
  ] as const);
  return id && { operation: 'Sign', request: { ...id, CryptographicParameters, Data: new Uint8Array(16) } };
};

/** How a value is asked for: in the clear, unwrapped, or wrapped under a key. */
function fetchForm(draw: Draw, material: Material): Readonly<Record<string, unknown>> {
  if (!draw.once(2)) return draw.once(6) ? { KeyWrapType: 'NotWrapped' } : {};
  const key = chooseObject(draw, material, { types: ['SymmetricKey', 'PublicKey'], use: 'WrapKey' });
  if (key === undefined) return {};
  const information = { UniqueIdentifier: key.id, CryptographicParameters: draw.of(wrapParameters) };
  const EncodingOption = draw.of(['NoEncoding', 'TTLVEncoding'] as const);
  const isMac = draw.once(12);
  return {
    KeyWrappingSpecification: {
      WrappingMethod: isMac ? 'MACSign' : 'Encrypt',
      ...(isMac
        ? {
            MACSignatureKeyInformation: {
              UniqueIdentifier: key.id,
              CryptographicParameters: { CryptographicAlgorithm: 'HMAC_SHA256' },
            },
          }
        : { EncryptionKeyInformation: information }),
      AttributeName: [],
      EncodingOption,
    },
  };
}

const fetching =
  (operation: 'Get' | 'Export'): Recipe =>
  (draw, material) => {
    const id = chooseId(draw, material);
    return id && { operation, request: { ...id, ...fetchForm(draw, material) } };
  };

const describing =
  (operation: 'GetAttributes' | 'Check' | 'ObtainLease'): Recipe =>
  (draw, material) => {
    const id = chooseId(draw, material);
    return id && { operation, request: { ...id, AttributeReference: [] } };
  };

const getUsageAllocation: Recipe = (draw, material) => {
  const id = chooseId(draw, material);
  return id && { operation: 'GetUsageAllocation', request: { ...id, UsageLimitsCount: 1n } };
};

/** An item that always fails, so that the batch option decides about the others. */
const failing: Recipe = () => ({ operation: 'Get', request: { UniqueIdentifier: 'none' } });

/** The recipes with how often each is chosen. */
export const useRecipes: Readonly<Record<string, readonly [weight: number, Recipe]>> = {
  get: [10, fetching('Get')],
  export: [3, fetching('Export')],
  encrypt: [10, encrypt],
  decrypt: [6, decrypt],
  nextPart: [2, nextPart],
  mac: [3, mac],
  sign: [1, sign],
  getAttributes: [1, describing('GetAttributes')],
  check: [1, describing('Check')],
  getUsageAllocation: [1, getUsageAllocation],
  failing: [6, failing],
};
