import t from 'tap';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { eraOf, type Version } from '../../codec/version.ts';
import { AddAttribute } from '../../src/operations/attributes/add-attribute.ts';
import { DeriveKey } from '../../src/operations/creation/derive-key.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { MAC } from '../../src/operations/cryptography/mac.ts';
import { MACVerify } from '../../src/operations/cryptography/mac-verify.ts';
import { Sign } from '../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../src/operations/cryptography/signature-verify.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { active, createPair, Data, hex, registerKey, withMask } from './keys.ts';
import { ask, having, length, materialOf, succeed, versionsOf } from './operations/ask.ts';
import { TestService } from './service.ts';

const service = await TestService.open();
t.teardown(() => service.close());

/** A use of a key under parameters that are given, or are not. */
interface Row {
  readonly operation: AnyOperation;
  /** A new key; calls for the same row use the same material. */
  readonly key: () => Promise<string>;
  readonly request: (id: string, given: { CryptographicParameters?: CryptographicParameters }) => object;
  /** What the answer says, so that answers under different parameters differ. */
  readonly gave: (payload: never) => unknown;
  readonly one: CryptographicParameters;
  readonly other: CryptographicParameters;
  /**
   * What it comes to without any parameters: a reason in 1.x and one in 2.x, or a result that the key
   * decides.
   */
  readonly without: readonly [classic: string, modern: string] | 'result';
}

const aes = (...bits: Parameters<typeof withMask>) => registerKey(service, active, withMask(...bits));
const missing = ['InvalidField', 'BadCryptographicParameters'] as const;
const ecb = { BlockCipherMode: 'ECB', PaddingMethod: 'PKCS5' } as const;
const ctr = { BlockCipherMode: 'CTR' } as const;
const sha256 = { HashingAlgorithm: 'SHA_256' } as const;
const sha512 = { HashingAlgorithm: 'SHA_512' } as const;
const hmac256 = { CryptographicAlgorithm: 'HMAC_SHA256' } as const;
const hmac512 = { CryptographicAlgorithm: 'HMAC_SHA512' } as const;
const twoBlocks = new Uint8Array(32);
const IVCounterNonce = new Uint8Array(16);
const unpadded = { BlockCipherMode: 'ECB' } as const;

const signer = await createPair(service, 'RSA');
const { MACData } = await succeed(service, '2.1', MAC, {
  UniqueIdentifier: await aes('MACGenerate'),
  CryptographicParameters: hmac256,
  Data,
});
const { SignatureData } = await succeed(service, '2.1', Sign, {
  UniqueIdentifier: signer.id,
  CryptographicParameters: sha256,
  Data,
});

const bytesIn = (payload: { Data?: Uint8Array }) => hex(payload.Data);
const verdict = (payload: { ValidityIndicator?: string }) => payload.ValidityIndicator;
const simple = (id: string, given: object) => ({ UniqueIdentifier: id, Data, ...given });

const rows: readonly Row[] = [
  {
    operation: Encrypt,
    key: () => aes('Encrypt'),
    // ECB has no vector: only CTR is given one.
    request: (id, given) => ({
      ...simple(id, given),
      ...(given.CryptographicParameters?.BlockCipherMode === 'CTR' ? { IVCounterNonce } : {}),
    }),
    gave: bytesIn,
    one: ecb,
    other: ctr,
    without: missing,
  },
  {
    operation: Decrypt,
    key: () => aes('Decrypt'),
    request: (id, given) => ({
      ...simple(id, given),
      Data: twoBlocks,
      ...(given.CryptographicParameters?.BlockCipherMode === 'CTR' ? { IVCounterNonce } : {}),
    }),
    gave: bytesIn,
    one: unpadded,
    other: ctr,
    without: missing,
  },
  {
    operation: MAC,
    key: () => aes('MACGenerate'),
    request: simple,
    gave: (payload: { MACData: Uint8Array }) => hex(payload.MACData),
    one: hmac256,
    other: hmac512,
    // CMAC: the algorithm of the key says enough.
    without: 'result',
  },
  {
    operation: MACVerify,
    key: () => aes('MACVerify'),
    request: (id, given) => ({ ...simple(id, given), MACData }),
    gave: verdict,
    one: hmac256,
    other: hmac512,
    without: 'result',
  },
  {
    operation: Sign,
    key: async () => signer.id,
    request: simple,
    gave: (payload: { SignatureData: Uint8Array }) => hex(payload.SignatureData),
    one: sha256,
    other: sha512,
    without: missing,
  },
  {
    operation: SignatureVerify,
    key: async () => signer.publicId,
    request: (id, given) => ({ ...simple(id, given), SignatureData }),
    gave: verdict,
    one: sha256,
    other: sha512,
    without: missing,
  },
  {
    operation: DeriveKey,
    key: () => aes('DeriveKey'),
    request: (id, given) => ({
      ObjectType: 'SecretData',
      UniqueIdentifier: [id],
      DerivationMethod: 'HMAC',
      DerivationParameters: { DerivationData: [Data], ...given },
      Attributes: having(length(128), withMask('DeriveKey')),
    }),
    gave: (payload: { UniqueIdentifier: string }) => payload.UniqueIdentifier,
    one: sha256,
    other: sha512,
    without: missing,
  },
];

/** What a use comes to: its result, or the reason why there is none. */
async function use(
  { operation, request, gave }: Row,
  version: Version,
  id: string,
  given: { CryptographicParameters?: CryptographicParameters },
): Promise<unknown> {
  const { reason, payload } = await ask(service, version, operation, request(id, given));
  if (reason !== undefined) return reason;
  const result = gave(payload as never);
  if (operation !== DeriveKey) return result;
  const { Object: derived } = await succeed(service, '2.1', Get, { UniqueIdentifier: result });
  return hex(materialOf(derived));
}

t.test('parameters come from the request, else the first of the key, else from the key alone', async (t) => {
  for (const row of rows) {
    const { operation, one, other, without } = row;
    const id = await row.key();
    const results = new Map<Version, readonly unknown[]>();
    for (const version of versionsOf(operation)) {
      const under = (...[given]: CryptographicParameters[]) =>
        use(row, version, id, given === undefined ? {} : { CryptographicParameters: given });
      const [asOne, asOther, none] = [await under(one), await under(other), await under()];
      t.not(asOne, asOther, `${operation.name} ${version}: they make a difference`);
      if (without !== 'result')
        t.equal(none, without[eraOf(version) === '1.x' ? 0 : 1], `${operation.name} ${version}: none at all`);
      results.set(version, [asOne, asOther]);
    }
    for (const value of [one, other]) {
      const NewAttribute = { name: 'CryptographicParameters', value };
      await succeed(service, '2.1', AddAttribute, { UniqueIdentifier: id, NewAttribute });
    }
    for (const [version, [asOne, asOther]] of results) {
      const what = `${operation.name} ${version}`;
      t.equal(await use(row, version, id, {}), asOne, `${what}: the first of the key`);
      const empty = { CryptographicParameters: {} };
      t.equal(await use(row, version, id, empty), asOne, `${what}: a structure that says nothing`);
      const given = { CryptographicParameters: other };
      t.equal(await use(row, version, id, given), asOther, `${what}: those of the request first`);
    }
  }
});
