import { X509Certificate } from 'node:crypto';
import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import { nodeCrypto } from '../../src/crypto/node/node.ts';
import { Create } from '../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { DeriveKey } from '../../src/operations/creation/derive-key.ts';
import { Sign } from '../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../src/operations/cryptography/signature-verify.ts';
import { Ping } from '../../src/operations/server/ping.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { Import } from '../../src/operations/transfer/import.ts';
import type { PostQuantumName } from '../unit/crypto/keys/post-quantum.ts';
import { active, Data, withLimits, withMask } from './keys.ts';
import { aes, having, materialOf, outcome, succeed } from './operations/ask.ts';
import { TestService } from './service.ts';

const service = await TestService.open();
t.teardown(() => service.close());

async function pairOf(algorithm: PostQuantumName, ...attributes: Attribute[]) {
  const made = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having({ name: 'CryptographicAlgorithm', value: algorithm }, active, ...attributes),
  });
  return { id: made.PrivateKeyUniqueIdentifier, publicId: made.PublicKeyUniqueIdentifier };
}

t.test('data in parts is signed and verified', async (t) => {
  const parts = [Data.subarray(0, 5), Data.subarray(5, 6), Data.subarray(6)];
  for (const algorithm of ['ML_DSA_65', 'SLH_DSA_SHAKE_128f'] as const) {
    const { id, publicId } = await pairOf(algorithm);
    const inParts = async (operation: typeof Sign | typeof SignatureVerify, last: object) => {
      let answer: Record<string, unknown> = {};
      for (const [at, part] of parts.entries()) {
        answer = await succeed(service, '2.1', operation as typeof Sign, {
          UniqueIdentifier: operation === Sign ? id : publicId,
          Data: part,
          ...(at === 0 ? { InitIndicator: true } : { CorrelationValue: answer.CorrelationValue }),
          ...(at === 2 ? { FinalIndicator: true, ...last } : {}),
        });
      }
      return answer;
    };
    const { SignatureData } = await inParts(Sign, {});
    const whole = { UniqueIdentifier: publicId, Data, SignatureData };
    t.equal((await succeed(service, '2.1', SignatureVerify, whole)).ValidityIndicator, 'Valid', algorithm);
    t.equal((await inParts(SignatureVerify, { SignatureData })).ValidityIndicator, 'Valid', algorithm);
  }
});

t.test('post-quantum keys are refused for other uses', async (t) => {
  const { id, publicId } = await pairOf('ML_DSA_44');
  const DigestedData = nodeCrypto.digest('SHA_256', Data);
  const sign = (fields: object) => outcome(service, '2.1', Sign, { UniqueIdentifier: id, ...fields });
  t.equal(await sign({ DigestedData }), 'UnsupportedCryptographicParameters', 'digests');
  const rsa = { DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption' };
  t.equal(await sign({ Data, CryptographicParameters: rsa }), 'BadCryptographicParameters');
  const other = { CryptographicAlgorithm: 'ML_DSA_65' };
  t.equal(await sign({ Data, CryptographicParameters: other }), 'BadCryptographicParameters');
  t.equal(await sign({ Data, CryptographicParameters: { CryptographicAlgorithm: 'ML_DSA_44' } }), 'Success');
  const agreeing = [withMask('KeyAgreement')] as const;
  const kem = await pairOf('ML_KEM_512', ...agreeing);
  const agreement = {
    ObjectType: 'SymmetricKey',
    UniqueIdentifier: [kem.id, kem.publicId],
    DerivationMethod: 'AsymmetricKey',
    DerivationParameters: { DerivationData: [] },
    Attributes: having(...aes),
  } as const;
  t.equal(await outcome(service, '2.1', DeriveKey, agreement), 'UnsupportedCryptographicParameters', 'agree');
  const limited = await pairOf('ML_DSA_44', withLimits(20n));
  const within = { UniqueIdentifier: limited.id, Data };
  t.equal(await outcome(service, '2.1', Sign, within), 'Success');
  t.equal(await outcome(service, '2.1', Sign, within), 'PermissionDenied', 'usage limits count');
  t.not(publicId, id);
});

t.test('private keys are exported wrapped and registered again', async (t) => {
  const { UniqueIdentifier: wrapping } = await succeed(service, '2.1', Create, {
    ObjectType: 'SymmetricKey',
    Attributes: having(...aes.slice(0, 2), active, withMask('WrapKey', 'UnwrapKey')),
  });
  const EncryptionKeyInformation = {
    UniqueIdentifier: wrapping,
    CryptographicParameters: { BlockCipherMode: 'AESKeyWrapPadding' },
  } as const;
  for (const algorithm of ['ML_KEM_768', 'ML_DSA_65', 'SLH_DSA_SHA2_128f'] as const) {
    const { id, publicId } = await pairOf(algorithm);
    const { Object: wrapped } = await succeed(service, '2.1', Get, {
      UniqueIdentifier: id,
      KeyWrappingSpecification: {
        WrappingMethod: 'Encrypt',
        EncryptionKeyInformation,
        AttributeName: [],
        EncodingOption: 'NoEncoding',
      },
    });
    const { KeyBlock } = wrapped.value as { KeyBlock: object };
    t.match(KeyBlock, { KeyWrappingData: { WrappingMethod: 'Encrypt' } }, algorithm);
    const imported = await succeed(service, '2.1', Import, {
      UniqueIdentifier: `again-${publicId}`,
      ObjectType: 'PrivateKey',
      KeyWrapType: 'NotWrapped',
      Attributes: [active],
      Object: wrapped,
    });
    const material = async (UniqueIdentifier: string) =>
      materialOf((await succeed(service, '2.1', Get, { UniqueIdentifier, KeyFormatType: 'Raw' })).Object);
    t.same(await material(imported.UniqueIdentifier), await material(id), algorithm);
  }
});

t.test('signatures that take a second do not delay others', async (t) => {
  const { id } = await pairOf('SLH_DSA_SHA2_192s');
  let done = 0;
  const slow = Promise.all(
    [0, 1, 2].map(async () => {
      await succeed(service, '2.1', Sign, { UniqueIdentifier: id, Data });
      done++;
    }),
  );
  let longest = 0;
  let pings = 0;
  while (done === 0) {
    const start = performance.now();
    await succeed(service, '2.1', Ping, {});
    longest = Math.max(longest, performance.now() - start);
    pings++;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.comment(`${pings} answers beside, the slowest after ${Math.round(longest)} ms`);
  t.ok(pings > 5, 'others are answered meanwhile');
  await slow;
});

t.test('certificates are issued for post-quantum keys', async (t) => {
  const { certification, describeCertificate, generateKeyPair } = nodeCrypto;
  const subject = await certification.encodeName({ text: 'CN=x' });
  const issuer = await generateKeyPair({ algorithm: 'ECDSA', curve: 'P_256' });
  for (const [algorithm, type, bits] of [
    ['ML_KEM_768', 'ml-kem-768', 9_472],
    ['ML_DSA_65', 'ml-dsa-65', 15_616],
    ['SLH_DSA_SHA2_128f', 'slh-dsa-sha2-128f', 256],
  ] as const) {
    const { publicKey } = await generateKeyPair({ algorithm });
    const der = await certification.issueCertificate({
      content: { subject, publicKey, alternativeNames: [], extendedKeyUsage: [], authority: false },
      issuer: subject,
      issuerKey: { objectType: 'PrivateKey', KeyFormatType: 'PKCS_8', KeyMaterial: issuer.privateKey },
      serialNumber: new Uint8Array(16),
      notBefore: 1_700_000_000,
      notAfter: 1_800_000_000,
      signature: {},
    });
    t.equal(new X509Certificate(der).publicKey.asymmetricKeyType, type);
    t.match(describeCertificate({ CertificateType: 'X_509', CertificateValue: der }), [
      { name: 'CertificateType' },
      { name: 'CertificateLength' },
    ]);
    const told = describeCertificate({ CertificateType: 'X_509', CertificateValue: der });
    const of = (name: string) => told.find((each) => each.name === name)?.value;
    t.equal(of('CryptographicAlgorithm'), algorithm);
    t.equal(of('CryptographicLength'), bits);
  }
});
