import t from 'tap';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { DeriveKey } from '../../src/operations/creation/derive-key.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { MAC } from '../../src/operations/cryptography/mac.ts';
import { MACVerify } from '../../src/operations/cryptography/mac-verify.ts';
import { Sign } from '../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../src/operations/cryptography/signature-verify.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { active, createPair, Data, hex, registerKey, withMask, withParameters } from './keys.ts';
import { ask, having, length, materialOf, succeed } from './operations/ask.ts';
import { encryptWith, register, secret, wrappedAs } from './operations/transfer/wrapping-keys.ts';
import { TestService } from './service.ts';

/** Tests that the Cryptographic Parameters of a key bind those of a request (decision 28). */

// No stream of this test ends.
const service = await TestService.open({ limits: { partsPerClient: 4_096 } });
t.teardown(() => service.close());

type Field = keyof CryptographicParameters;
type Values = readonly [one: CryptographicParameters, other: CryptographicParameters];

/** Every field of Cryptographic Parameters with two values. */
const everyField: Readonly<Record<Field, Values>> = {
  BlockCipherMode: [{ BlockCipherMode: 'GCM' }, { BlockCipherMode: 'CTR' }],
  PaddingMethod: [{ PaddingMethod: 'None' }, { PaddingMethod: 'PKCS5' }],
  HashingAlgorithm: [{ HashingAlgorithm: 'SHA_256' }, { HashingAlgorithm: 'SHA_512' }],
  KeyRoleType: [{ KeyRoleType: 'BDK' }, { KeyRoleType: 'CVK' }],
  DigitalSignatureAlgorithm: [
    { DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption' },
    { DigitalSignatureAlgorithm: 'SHA_512WithRSAEncryption' },
  ],
  CryptographicAlgorithm: [{ CryptographicAlgorithm: 'AES' }, { CryptographicAlgorithm: 'ARIA' }],
  RandomIV: [{ RandomIV: true }, { RandomIV: false }],
  IVLength: [{ IVLength: 96 }, { IVLength: 128 }],
  TagLength: [{ TagLength: 16 }, { TagLength: 12 }],
  FixedFieldLength: [{ FixedFieldLength: 32 }, { FixedFieldLength: 64 }],
  InvocationFieldLength: [{ InvocationFieldLength: 32 }, { InvocationFieldLength: 64 }],
  CounterLength: [{ CounterLength: 32 }, { CounterLength: 16 }],
  InitialCounterValue: [{ InitialCounterValue: 1 }, { InitialCounterValue: 2 }],
  SaltLength: [{ SaltLength: 20 }, { SaltLength: 32 }],
  MaskGenerator: [{ MaskGenerator: 'MGF1' }, { MaskGenerator: 0x80000001 }],
  MaskGeneratorHashingAlgorithm: [
    { MaskGeneratorHashingAlgorithm: 'SHA_256' },
    { MaskGeneratorHashingAlgorithm: 'SHA_512' },
  ],
  PSource: [{ PSource: Uint8Array.of(1) }, { PSource: Uint8Array.of(2) }],
  TrailerField: [{ TrailerField: 1 }, { TrailerField: 2 }],
};

/** A use of a key under parameters that the key or the request states. */
interface Row {
  readonly name: string;
  /** Returns a new key with the same material each time, with these parameters. */
  readonly key: (...parameters: CryptographicParameters[]) => Promise<string>;
  /** Returns the result of the use, or the reason why there is none. */
  readonly use: (id: string, requested?: CryptographicParameters) => Promise<string>;
  /** Values that make sense for the use, instead of those above. */
  readonly fields?: Partial<Record<Field, Values>>;
  /** The answer to a request that leaves the parameters of the key. */
  readonly refusal?: string;
}

async function answer(
  operation: AnyOperation,
  request: object,
  result: (payload: never) => unknown,
): Promise<string> {
  const { reason, payload } = await ask(service, '2.1', operation, request);
  return reason ?? String(await result(payload as never));
}

const stated = (requested: CryptographicParameters | undefined) =>
  requested === undefined ? {} : { CryptographicParameters: requested };
const aes =
  (...bits: Parameters<typeof withMask>) =>
  (...parameters: CryptographicParameters[]) =>
    registerKey(service, active, withMask(...bits), ...parameters.map(withParameters));
const IVCounterNonce = new Uint8Array(12).fill(3);
const wideIv = new Uint8Array(16).fill(3);
const ivFor = (requested?: CryptographicParameters) =>
  requested?.BlockCipherMode === 'CTR' || requested?.IVLength === 128 ? wideIv : IVCounterNonce;

const hmacs: Values = [{ CryptographicAlgorithm: 'HMAC_SHA256' }, { CryptographicAlgorithm: 'HMAC_SHA512' }];
const cmac: Values = [{ BlockCipherMode: 'CMAC' }, { BlockCipherMode: 'CBC' }];
const paddings: Values = [{ PaddingMethod: 'PKCS1V1_5' }, { PaddingMethod: 'PSS' }];
const rsaAlgorithms: Values = [{ CryptographicAlgorithm: 'RSA' }, { CryptographicAlgorithm: 'EC' }];
const wrapModes: Values = [{ BlockCipherMode: 'NISTKeyWrap' }, { BlockCipherMode: 'AESKeyWrapPadding' }];

const pair = await createPair(service, 'RSA');
const { Object: privateKey } = await succeed(service, '2.1', Get, { UniqueIdentifier: pair.id });
const { Object: publicKey } = await succeed(service, '2.1', Get, { UniqueIdentifier: pair.publicId });
const { MACData } = await succeed(service, '2.1', MAC, {
  UniqueIdentifier: await aes('MACGenerate')(),
  Data,
});
const { SignatureData } = await succeed(service, '2.1', Sign, { UniqueIdentifier: pair.id, Data });
const half =
  (object: typeof privateKey, mask: 'Sign' | 'Verify') =>
  (...parameters: CryptographicParameters[]) =>
    register(service, object, active, withMask(mask), ...parameters.map(withParameters));
const target = await register(service, secret(new Uint8Array(16).fill(7)));

const simple =
  (operation: AnyOperation, result: (payload: never) => unknown, more: object = {}) =>
  (id: string, requested?: CryptographicParameters) =>
    answer(operation, { UniqueIdentifier: id, Data, ...more, ...stated(requested) }, result);
const verdict = (payload: { ValidityIndicator?: string }) => payload.ValidityIndicator;
const inOnePart = { InitIndicator: true };

const rows: readonly Row[] = [
  {
    name: 'Encrypt',
    key: aes('Encrypt'),
    use: (id, requested) =>
      simple(Encrypt, (made: { Data: Uint8Array }) => hex(made.Data), {
        IVCounterNonce: ivFor(requested),
      })(id, requested),
  },
  {
    name: 'Encrypt in parts',
    key: aes('Encrypt'),
    use: (id, requested) =>
      simple(Encrypt, (made: { Data: Uint8Array }) => hex(made.Data), {
        ...inOnePart,
        IVCounterNonce: ivFor(requested),
      })(id, requested),
  },
  {
    name: 'Decrypt',
    key: aes('Decrypt'),
    use: (id, requested) =>
      simple(Decrypt, (made: { Data: Uint8Array }) => hex(made.Data), {
        IVCounterNonce: ivFor(requested),
        AuthenticatedEncryptionTag: new Uint8Array(16),
      })(id, requested),
  },
  {
    name: 'Decrypt in parts',
    key: aes('Decrypt'),
    use: (id, requested) =>
      simple(Decrypt, () => 'begun', { ...inOnePart, IVCounterNonce: ivFor(requested) })(id, requested),
  },
  {
    name: 'Sign',
    key: half(privateKey, 'Sign'),
    use: simple(Sign, (made: { SignatureData: Uint8Array }) => made.SignatureData.length),
    fields: { PaddingMethod: paddings, CryptographicAlgorithm: rsaAlgorithms },
  },
  {
    name: 'Sign in parts',
    key: half(privateKey, 'Sign'),
    use: simple(Sign, () => 'begun', inOnePart),
    fields: { PaddingMethod: paddings, CryptographicAlgorithm: rsaAlgorithms },
  },
  {
    name: 'Signature Verify',
    key: half(publicKey, 'Verify'),
    use: simple(SignatureVerify, verdict, { SignatureData }),
    fields: { PaddingMethod: paddings, CryptographicAlgorithm: rsaAlgorithms },
    refusal: 'Invalid',
  },
  {
    name: 'MAC',
    key: aes('MACGenerate'),
    use: simple(MAC, (made: { MACData: Uint8Array }) => hex(made.MACData)),
    fields: { BlockCipherMode: cmac, CryptographicAlgorithm: hmacs },
  },
  {
    name: 'MAC in parts',
    key: aes('MACGenerate'),
    use: simple(MAC, () => 'begun', inOnePart),
    fields: { BlockCipherMode: cmac, CryptographicAlgorithm: hmacs },
  },
  {
    name: 'MAC Verify',
    key: aes('MACVerify'),
    use: simple(MACVerify, verdict, { MACData }),
    fields: { BlockCipherMode: cmac, CryptographicAlgorithm: hmacs },
    refusal: 'Invalid',
  },
  {
    name: 'Derive Key',
    key: aes('DeriveKey'),
    use: (id, requested) =>
      answer(
        DeriveKey,
        {
          ObjectType: 'SecretData',
          UniqueIdentifier: [id],
          DerivationMethod: 'NIST800_108_C',
          DerivationParameters: { DerivationData: [Data], ...stated(requested) },
          Attributes: having(length(128), withMask('DeriveKey')),
        },
        async ({ UniqueIdentifier }: { UniqueIdentifier: string }) =>
          hex(materialOf((await succeed(service, '2.1', Get, { UniqueIdentifier })).Object)),
      ),
    fields: { BlockCipherMode: cmac, CryptographicAlgorithm: hmacs },
  },
  {
    name: 'wrap',
    key: aes('WrapKey'),
    use: (id, requested) =>
      answer(
        Get,
        { UniqueIdentifier: target, ...encryptWith(id, {}, requested) },
        (made: { Object: object }) =>
          hex((made.Object as { value: { KeyBlock: { KeyValue: Uint8Array } } }).value.KeyBlock.KeyValue),
      ),
    fields: { BlockCipherMode: wrapModes },
  },
  {
    name: 'unwrap',
    key: aes('UnwrapKey'),
    use: async (id, requested) => {
      const wrapped = new Uint8Array(24);
      const information = { UniqueIdentifier: id, ...stated(requested) };
      const data = { WrappingMethod: 'Encrypt', EncryptionKeyInformation: information } as const;
      const again = await register(service, wrappedAs(secret(new Uint8Array(16)), wrapped, data));
      return answer(Get, { UniqueIdentifier: again, KeyWrapType: 'NotWrapped' }, () => 'unwrapped');
    },
    fields: { BlockCipherMode: wrapModes },
  },
];

t.test('each field that a key states binds, and a field that it omits does not', async (t) => {
  for (const { name, key, use, fields, refusal = 'BadCryptographicParameters' } of rows) {
    const free = await key();
    for (const [field, values] of Object.entries({ ...everyField, ...fields })) {
      const [one, other] = values;
      const bound = await key(one);
      const expected = await use(free, one);
      t.equal(await use(bound, one), expected, `${name}, ${field}: stated by both`);
      t.equal(await use(bound), expected, `${name}, ${field}: stated by the key`);
      t.equal(await use(bound, {}), expected, `${name}, ${field}: a structure that states nothing`);
      t.equal(await use(bound, other), refusal, `${name}, ${field}: the request differs`);
      const beside = field === 'KeyRoleType' ? { SaltLength: 20 } : { KeyRoleType: 'BDK' as const };
      const unrelated = await key(beside);
      t.equal(await use(unrelated, other), await use(free, other), `${name}, ${field}: omitted by the key`);
      const either = await key(one, other);
      t.equal(await use(either, one), expected, `${name}, ${field}: the first of two sets`);
      t.equal(await use(either, other), await use(free, other), `${name}, ${field}: the second of two sets`);
    }
  }
});
