import t from 'tap';
import { ProtectionStorageMask } from '../../../codec/masks.ts';
import { GetAttributes } from '../../../src/operations/attributes/get-attributes.ts';
import { ModifyAttribute } from '../../../src/operations/attributes/modify-attribute.ts';
import { Decrypt } from '../../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { MAC } from '../../../src/operations/cryptography/mac.ts';
import { MACVerify } from '../../../src/operations/cryptography/mac-verify.ts';
import { Sign } from '../../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../../src/operations/cryptography/signature-verify.ts';
import { Query } from '../../../src/operations/server/query.ts';
import { Data, hex } from '../keys.ts';
import { ask, outcome, succeed } from '../operations/ask.ts';
import { TestService } from '../service.ts';
import { FakeToken } from './fake-token.ts';
import { aes, createKey, createPair, hmac } from './keys.ts';

const token = new FakeToken();
const service = await TestService.open({ tokenKeys: token.policy });
t.teardown(() => service.close());
t.beforeEach(() => token.calls.splice(0));

t.test('a key in a token encrypts and decrypts there, as a key here would', async (t) => {
  const UniqueIdentifier = await createKey(service);
  const modes = [
    {},
    { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' },
    { BlockCipherMode: 'CTR' },
    { BlockCipherMode: 'ECB', PaddingMethod: 'ANSIX9_23' },
  ];
  for (const CryptographicParameters of modes) {
    const request = { UniqueIdentifier, CryptographicParameters };
    const encrypted = await succeed(service, '2.1', Encrypt, { ...request, Data });
    t.not(hex(encrypted.Data), hex(Data));
    const decrypted = await succeed(service, '2.1', Decrypt, { ...request, ...encrypted });
    t.equal(hex(decrypted.Data), hex(Data), JSON.stringify(CryptographicParameters));
    const wrong = { ...request, ...encrypted, Data: new Uint8Array(33) };
    if (CryptographicParameters.BlockCipherMode !== 'CTR')
      t.equal(await outcome(service, '2.1', Decrypt, wrong), 'CryptographicFailure');
  }
  t.ok(token.calls.includes('decrypt gcm') && token.calls.includes('encrypt ctr'));
});

t.test('parameters that a token has not are refused before it is asked', async (t) => {
  const UniqueIdentifier = await createKey(service);
  token.calls.splice(0);
  for (const BlockCipherMode of ['CCM', 'XTS', 'OFB', 'NISTKeyWrap']) {
    const request = { UniqueIdentifier, CryptographicParameters: { BlockCipherMode }, Data };
    t.match(await outcome(service, '2.1', Encrypt, request), /Cryptographic|Parameters/, BlockCipherMode);
  }
  const part = { UniqueIdentifier, Data, InitIndicator: true };
  t.equal(await outcome(service, '2.1', Encrypt, part), 'BadCryptographicParameters');
  t.strictSame(token.calls, []);
});

t.test('MACs of a key in a token', async (t) => {
  const UniqueIdentifier = await createKey(service, hmac);
  const { MACData } = await succeed(service, '2.1', MAC, { UniqueIdentifier, Data });
  const verify = async (data: Uint8Array) =>
    (await succeed(service, '2.1', MACVerify, { UniqueIdentifier, Data: data, MACData })).ValidityIndicator;
  t.equal(await verify(Data), 'Valid');
  t.equal(await verify(new Uint8Array(3)), 'Invalid');
});

t.test('signatures of a key in a token, of data whole and in parts', async (t) => {
  const { own, open } = await createPair(service, 'RSA', 2_048);
  const { SignatureData } = await succeed(service, '2.1', Sign, { UniqueIdentifier: own, Data });
  const verification = { UniqueIdentifier: open, Data, SignatureData };
  const { ValidityIndicator } = await succeed(service, '2.1', SignatureVerify, verification);
  t.equal(ValidityIndicator, 'Valid');
  const first = await succeed(service, '2.1', Sign, {
    ...{ UniqueIdentifier: own, Data: Data.subarray(0, 5), InitIndicator: true },
  });
  const last = await succeed(service, '2.1', Sign, {
    ...{ UniqueIdentifier: own, Data: Data.subarray(5), FinalIndicator: true },
    CorrelationValue: first.CorrelationValue,
  });
  t.equal(hex(last.SignatureData), hex(SignatureData));
});

t.test('RSA decrypts by OAEP, and not by PKCS #1 v1.5, whose padding a token would tell', async (t) => {
  const { own, open } = await createPair(service, 'RSA', 2_048, ['Decrypt']);
  const { Data: encrypted } = await succeed(service, '2.1', Encrypt, { UniqueIdentifier: open, Data });
  const decrypted = await succeed(service, '2.1', Decrypt, { UniqueIdentifier: own, Data: encrypted });
  t.equal(hex(decrypted.Data), hex(Data));
  const wrong = { UniqueIdentifier: own, Data: new Uint8Array(256).fill(3) };
  t.equal(await outcome(service, '2.1', Decrypt, wrong), 'CryptographicFailure');
  const CryptographicParameters = { PaddingMethod: 'PKCS1V1_5' };
  t.equal(
    await outcome(service, '2.1', Decrypt, { ...wrong, CryptographicParameters }),
    'UnsupportedCryptographicParameters',
  );
});

t.test('an output of another length than it can have reaches no client', async (t) => {
  const own = await createKey(service);
  const mac = await createKey(service, hmac);
  const rsa = await createPair(service, 'RSA', 2_048);
  const sealed = await succeed(service, '2.1', Encrypt, { UniqueIdentifier: own, Data });
  const { use } = token;
  t.teardown(() => Object.assign(token, { use }));
  for (const change of [-1, 1, -1_000]) {
    token.use = async (...parameters) => {
      const answer = await use.apply(token, parameters);
      const output = new Uint8Array(Math.max(0, (answer?.output.length ?? 0) + change));
      return answer && { ...answer, output };
    };
    const reasons = [
      await outcome(service, '2.1', Encrypt, { UniqueIdentifier: own, Data }),
      await outcome(service, '2.1', Decrypt, sealed),
      await outcome(service, '2.1', MAC, { UniqueIdentifier: mac, Data }),
      await outcome(service, '2.1', Sign, { UniqueIdentifier: rsa.own, Data }),
    ];
    t.strictSame(reasons, Array(4).fill('GeneralFailure'), String(change));
    t.equal(service.unexpected.splice(0).length, 4, 'the log has them');
  }
});

t.test('attributes and Query tell where the key is', async (t) => {
  const UniqueIdentifier = await createKey(service);
  const { Attributes } = await succeed(service, '2.1', GetAttributes, { UniqueIdentifier });
  const named = new Map(Attributes.map(({ name, value }) => [name, value]));
  t.equal(named.get('ProtectionStorageMask'), ProtectionStorageMask.bit('Hardware'));
  t.equal(named.get('Sensitive'), true);
  t.equal(named.get('AlwaysSensitive'), true);
  t.equal(named.get('Extractable'), false);
  t.equal(named.get('NeverExtractable'), true);
  t.equal(named.get('KeyFormatType'), 'Raw');
  for (const name of ['Digest', 'KeyValuePresent', 'RandomNumberGenerator'] as const)
    t.notOk(named.has(name), name);
  const query = { QueryFunction: ['QueryStorageProtectionMasks'] };
  const { ProtectionStorageMasks } = await succeed(service, '2.1', Query, query);
  t.strictSame(ProtectionStorageMasks?.ProtectionStorageMask, [1, 2]);
});

t.test('no client makes them say otherwise, whatever the protection', async (t) => {
  const other = new FakeToken();
  const lax = await TestService.open({ tokenKeys: other.policy, protection: 'kmip' });
  t.teardown(() => lax.close());
  const UniqueIdentifier = await createKey(lax);
  for (const [name, value] of [
    ['Sensitive', false],
    ['Extractable', true],
  ] as const) {
    const request = { UniqueIdentifier, NewAttribute: { name, value } };
    t.equal(await outcome(lax, '2.1', ModifyAttribute, request), 'PermissionDenied', name);
  }
});

t.test('uses are those of the mask at birth', async (t) => {
  const UniqueIdentifier = await createKey(service, [aes[0], aes[1], aes[3]] as never);
  const [key] = [...token.keys.values()].slice(-1);
  t.strictSame(key?.uses, { encrypt: true, decrypt: true, sign: false });
  const mac = await ask(service, '2.1', MAC, { UniqueIdentifier, Data });
  t.equal(mac.reason, 'IncompatibleCryptographicUsageMask');
});

t.test('a token that is away costs one clean error, and the key serves once it is back', async (t) => {
  const UniqueIdentifier = await createKey(service);
  token.isAway = true;
  const failed = await ask(service, '2.1', Encrypt, { UniqueIdentifier, Data });
  t.match(failed, { reason: 'GeneralFailure', message: /token .* cannot be used now: try again/ });
  t.equal(service.unexpected.length, 0);
  token.isAway = false;
  t.equal(await outcome(service, '2.1', Encrypt, { UniqueIdentifier, Data }), 'Success');
});
