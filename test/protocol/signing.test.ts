import t from 'tap';
import { nodeCrypto } from '../../src/crypto/node/node.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { MAC } from '../../src/operations/cryptography/mac.ts';
import { MACVerify } from '../../src/operations/cryptography/mac-verify.ts';
import { Sign } from '../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../src/operations/cryptography/signature-verify.ts';
import {
  active,
  createPair,
  createPairWith,
  Data,
  encryptVersions,
  registerKey,
  withMask,
  withParameters,
} from './keys.ts';
import { ask, outcome, refuses, succeed } from './operations/ask.ts';
import { TestService } from './service.ts';

const service = await TestService.open();
t.teardown(() => service.close());

t.test('data and digests are signed and verified', async (t) => {
  const cases = [
    { algorithm: 'RSA', parameters: { PaddingMethod: 'PSS', HashingAlgorithm: 'SHA_256' } },
    { algorithm: 'RSA', parameters: { DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption' } },
    { algorithm: 'EC', parameters: { CryptographicAlgorithm: 'ECDSA', HashingAlgorithm: 'SHA_256' } },
  ] as const;
  const DigestedData = nodeCrypto.digest('SHA_256', Data);
  for (const { algorithm, parameters } of cases) {
    const { id, publicId } = await createPair(service, algorithm, withParameters(parameters));
    for (const version of encryptVersions) {
      const request = { UniqueIdentifier: id, Data };
      const { payload, fields } = await ask(service, version, Sign, request);
      t.equal(fields, 'UniqueIdentifier SignatureData', version);
      const signed = { UniqueIdentifier: publicId, SignatureData: payload.SignatureData };
      const verify = async (message: object) =>
        (await succeed(service, version, SignatureVerify, { ...signed, ...message })).ValidityIndicator;
      t.equal(await verify({ Data }), 'Valid', `${algorithm} ${version}`);
      t.equal(await verify({ Data: Data.subarray(1) }), 'Invalid', `${algorithm} ${version}`);
      if (version === '1.2' || version === '1.3') continue;
      t.equal(await verify({ DigestedData }), 'Valid', `${algorithm} ${version}: as a digest`);
    }
    await refuses(t, service, Sign, [
      ['neither data nor digest', { UniqueIdentifier: id }, 'InvalidMessage'],
      ['a public key', { UniqueIdentifier: publicId, Data }, 'IllegalOperation', 'InvalidObjectType'],
    ]);
    await refuses(t, service, SignatureVerify, [
      ['no signature', { UniqueIdentifier: publicId, Data }, 'InvalidMessage'],
    ]);
    const twice = { UniqueIdentifier: id, Data, DigestedData };
    t.equal(await outcome(service, '2.1', Sign, twice), 'InvalidMessage', 'both data and digest');
  }
});

t.test('MAC computes what MAC Verify accepts', async (t) => {
  const UniqueIdentifier = await registerKey(service, active, withMask('MACGenerate', 'MACVerify'));
  const CryptographicParameters = { CryptographicAlgorithm: 'HMAC_SHA256' } as const;
  const request = { UniqueIdentifier, CryptographicParameters, Data };
  for (const version of encryptVersions) {
    const { payload, fields } = await ask(service, version, MAC, request);
    t.equal(fields, 'UniqueIdentifier MACData', version);
    const verify = async (MACData: Uint8Array | undefined) =>
      (await succeed(service, version, MACVerify, { ...request, MACData })).ValidityIndicator;
    t.equal(await verify(payload.MACData), 'Valid', version);
    t.equal(await verify(payload.MACData?.subarray(0, 16)), 'Invalid', `${version}: cut`);
    t.equal(await verify(new Uint8Array(32)), 'Invalid', version);
  }
  await refuses(t, service, MACVerify, [['no MAC', request, 'InvalidMessage']]);
});

t.test('each operation needs its own bit of the mask only', async (t) => {
  const symmetric = [
    [Encrypt, 'Encrypt'],
    [Decrypt, 'Decrypt'],
    [MAC, 'MACGenerate'],
    [MACVerify, 'MACVerify'],
  ] as const;
  const bits = symmetric.map(([, bit]) => bit);
  const fields = { Data: new Uint8Array(16), MACData: new Uint8Array(16) };
  for (const [operation, bit] of symmetric) {
    const CryptographicParameters = bit.startsWith('MAC') ? {} : ({ BlockCipherMode: 'ECB' } as const);
    const attempt = async (...mask: (typeof bits)[number][]) => {
      const UniqueIdentifier = await registerKey(service, active, withMask(...mask));
      return outcome(service, '2.1', operation, { UniqueIdentifier, CryptographicParameters, ...fields });
    };
    t.equal(await attempt(bit), 'Success', bit);
    t.equal(await attempt(...bits.filter((each) => each !== bit)), 'IncompatibleCryptographicUsageMask', bit);
  }
  const parameters = withParameters({ HashingAlgorithm: 'SHA_256' });
  const good = await createPair(service, 'EC', parameters);
  const bad = await createPairWith(
    service,
    'EC',
    withMask('Verify', 'Decrypt'),
    withMask('Sign', 'Encrypt'),
    parameters,
  );
  for (const [pair, expected] of [
    [good, 'Success'],
    [bad, 'IncompatibleCryptographicUsageMask'],
  ] as const) {
    const signing = { UniqueIdentifier: pair.id, Data };
    const verifying = { UniqueIdentifier: pair.publicId, Data, SignatureData: new Uint8Array(8) };
    t.equal(await outcome(service, '2.1', Sign, signing), expected);
    t.equal(await outcome(service, '2.1', SignatureVerify, verifying), expected);
  }
});
