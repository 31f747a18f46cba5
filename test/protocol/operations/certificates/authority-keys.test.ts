import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import type { CryptographicUsageMask } from '../../../../codec/masks.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { Create } from '../../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { CreateSplitKey } from '../../../../src/operations/creation/create-split-key.ts';
import { DeriveKey } from '../../../../src/operations/creation/derive-key.ts';
import { Decrypt } from '../../../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../../../src/operations/cryptography/encrypt.ts';
import { Sign } from '../../../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../../../src/operations/cryptography/signature-verify.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { poll, submit, waitForJobs } from '../../jobs.ts';
import { TestService } from '../../service.ts';
import { aes, having, outcome, payloadOf, succeed } from '../ask.ts';
import { attribute, mask, name, opened, type Pair, p256 } from './authority.ts';

/** A private key that serves as authority's key is put on no data of a client. */

type Bit = (typeof CryptographicUsageMask)['members'][number];

const rsa: readonly Attribute[] = [
  attribute('CryptographicAlgorithm', 'RSA'),
  attribute('CryptographicLength', 2048),
];
const kem: readonly Attribute[] = [attribute('CryptographicAlgorithm', 'ML_KEM_768')];

async function activePair(service: TestService, key: readonly Attribute[], bits: readonly Bit[]) {
  const made = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(...key, attribute('ActivationDate', service.now / 1000)),
    PrivateKeyAttributes: having(mask(...bits)),
    PublicKeyAttributes: having(mask('Verify', 'Encrypt', 'WrapKey', 'KeyAgreement', 'DeriveKey')),
  });
  return { privateKey: made.PrivateKeyUniqueIdentifier, publicKey: made.PublicKeyUniqueIdentifier };
}

const data = Uint8Array.of(1, 2, 3);
const oaep = { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' } as const;

async function encrypted(
  service: TestService,
  { publicKey }: Pair,
  parameters?: object,
): Promise<Uint8Array> {
  const { Data } = await succeed(service, '2.1', Encrypt, {
    UniqueIdentifier: publicKey,
    ...(parameters === undefined ? {} : { CryptographicParameters: parameters, Data: data }),
  });
  return Data as Uint8Array;
}

/** Every use that puts a private key on what a client states: the bit of the use, and its outcome. */
const uses: Readonly<
  Record<
    string,
    readonly [key: readonly Attribute[], bit: Bit, use: (service: TestService, pair: Pair) => Promise<string>]
  >
> = {
  'Sign of data': [
    p256,
    'Sign',
    (service, { privateKey }) => outcome(service, '2.1', Sign, { UniqueIdentifier: privateKey, Data: data }),
  ],
  'Sign of a digest': [
    p256,
    'Sign',
    (service, { privateKey }) =>
      outcome(service, '2.1', Sign, {
        UniqueIdentifier: privateKey,
        DigestedData: new Uint8Array(32),
        CryptographicParameters: { DigitalSignatureAlgorithm: 'ECDSAWithSHA256' },
      }),
  ],
  'Sign of parts': [
    p256,
    'Sign',
    (service, { privateKey }) =>
      outcome(service, '2.1', Sign, { UniqueIdentifier: privateKey, Data: data, InitIndicator: true }),
  ],
  Decrypt: [
    rsa,
    'Decrypt',
    async (service, pair) =>
      outcome(service, '2.1', Decrypt, {
        UniqueIdentifier: pair.privateKey,
        CryptographicParameters: oaep,
        Data: await encrypted(service, pair, oaep),
      }),
  ],
  'Decrypt as decapsulation': [
    kem,
    'Decrypt',
    async (service, pair) =>
      outcome(service, '2.1', Decrypt, {
        UniqueIdentifier: pair.privateKey,
        Data: await encrypted(service, pair),
      }),
  ],
  'Derive Key': [
    [
      attribute('CryptographicAlgorithm', 'ECDH'),
      attribute('CryptographicDomainParameters', { RecommendedCurve: 'P_256' }),
    ],
    'DeriveKey',
    async (service, { privateKey, publicKey }) =>
      outcome(service, '2.1', DeriveKey, {
        ObjectType: 'SecretData',
        UniqueIdentifier: [privateKey, publicKey],
        DerivationMethod: 'AsymmetricKey',
        DerivationParameters: { DerivationData: [] },
        Attributes: having(attribute('CryptographicLength', 256)),
      }),
  ],
  'signing a wrapped key': [
    rsa,
    'Sign',
    async (service, { privateKey }) =>
      outcome(service, '2.1', Get, {
        UniqueIdentifier: (
          await succeed(service, '2.1', Create, { ObjectType: 'SymmetricKey', Attributes: having(...aes) })
        ).UniqueIdentifier,
        KeyWrappingSpecification: {
          WrappingMethod: 'MACSign',
          MACSignatureKeyInformation: {
            UniqueIdentifier: privateKey,
            CryptographicParameters: { DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption' },
          },
          AttributeName: [],
        },
      }),
  ],
  unwrapping: [
    rsa,
    'UnwrapKey',
    async (service, { publicKey }) => {
      const made = await succeed(service, '2.1', Create, {
        ObjectType: 'SymmetricKey',
        Attributes: having(...aes),
      });
      const { Object: wrapped } = await succeed(service, '2.1', Get, {
        UniqueIdentifier: made.UniqueIdentifier,
        KeyWrappingSpecification: {
          WrappingMethod: 'Encrypt',
          EncryptionKeyInformation: { UniqueIdentifier: publicKey },
          AttributeName: [],
        },
      });
      const { UniqueIdentifier } = await succeed(service, '2.1', Register, {
        ObjectType: 'SymmetricKey',
        Attributes: having(...aes),
        Object: wrapped,
      });
      return outcome(service, '2.1', Get, { UniqueIdentifier, KeyWrapType: 'NotWrapped' });
    },
  ],
};

for (const [what, [key, bit, use]] of Object.entries(uses))
  t.test(`${what} takes no private key of an authority`, async (t) => {
    const service = await opened(t);
    const plain = await activePair(service, key, [bit]);
    t.equal(await use(service, plain), 'Success', 'the key of no authority');
    for (const authorityBit of ['CertificateSign', 'CRLSign'] as const) {
      const pair = await activePair(service, key, [bit, authorityBit]);
      t.equal(await use(service, pair), 'IncompatibleCryptographicUsageMask', authorityBit);
    }
    const permitted = await TestService.open({ certification: { authorityKeysForData: true } });
    t.teardown(() => permitted.close());
    const pair = await activePair(permitted, key, [bit, 'CertificateSign', 'CRLSign']);
    t.equal(await use(permitted, pair), 'Success', 'the operator permits it');
  });

t.test('an asynchronous Sign takes no private key of an authority', async (t) => {
  const service = await opened(t);
  const outcomes = await Promise.all(
    [[], ['CertificateSign'] as const].map(async (more) => {
      const { privateKey } = await activePair(service, p256, ['Sign', ...more]);
      const payload = payloadOf('2.1', Sign, { UniqueIdentifier: privateKey, Data: data });
      const { values } = await submit(service, '2.1', [{ operation: 'Sign', payload }]);
      await waitForJobs(service);
      const { reason, status } = await poll(service, '2.1', values[0]);
      return reason ?? status;
    }),
  );
  t.same(outcomes, ['Success', 'IncompatibleCryptographicUsageMask']);
});

t.test('the key of an authority still makes certificates, parts and verifications', async (t) => {
  const service = await opened(t);
  const pair = await activePair(service, p256, ['Sign', 'CertificateSign']);
  t.equal(
    await outcome(service, '2.1', Certify, {
      UniqueIdentifier: pair.publicKey,
      Attributes: having(
        ...name('Subject', { CN: 'Root' }),
        ...name('Issuer', { CN: 'Root' }),
        mask('CertificateSign'),
      ),
    }),
    'Success',
  );
  const parts = { SplitKeyParts: 2, SplitKeyThreshold: 2, SplitKeyMethod: 'XOR' };
  t.equal(
    await outcome(service, '2.1', CreateSplitKey, {
      ObjectType: 'SplitKey',
      UniqueIdentifier: pair.privateKey,
      ...parts,
    }),
    'Success',
  );
  const verification = { UniqueIdentifier: pair.publicKey, Data: data, SignatureData: new Uint8Array(70) };
  t.equal(await outcome(service, '2.1', SignatureVerify, verification), 'Success');
});
