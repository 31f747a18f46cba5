import t from 'tap';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import type { Version } from '../../codec/version.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import { nodeCrypto } from '../../src/crypto/node/node.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { Hash } from '../../src/operations/cryptography/hash.ts';
import { MAC } from '../../src/operations/cryptography/mac.ts';
import { MACVerify } from '../../src/operations/cryptography/mac-verify.ts';
import { Sign } from '../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../src/operations/cryptography/signature-verify.ts';
import { Revoke } from '../../src/operations/lifecycle/revoke.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { MultiPartOperations } from '../../src/protocol/batch/multi-part.ts';
import {
  active,
  createPair,
  encryptVersions,
  registerKey,
  withLimits,
  withMask,
  withParameters,
} from './keys.ts';
import { ask, attributeOf, outcome, storedKey, succeed } from './operations/ask.ts';
import { TestService } from './service.ts';

/** Tests of data that comes in several messages (from KMIP 1.3 on). */

const service = await TestService.open({ limits: { partsPerClient: 3 } });
t.teardown(() => service.close());

const streaming = encryptVersions.filter((version) => version !== '1.2');
const data = Uint8Array.from({ length: 50 }, (_, at) => at);
const thirds = [data.subarray(0, 20), data.subarray(20, 21), data.subarray(21)];
const IVCounterNonce = new Uint8Array(12).fill(5);
const gcm: CryptographicParameters = { BlockCipherMode: 'GCM' };
const cbc: CryptographicParameters = { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' };

interface Played {
  readonly payloads: readonly Record<string, unknown>[];
  readonly output: Uint8Array;
  readonly last: Record<string, unknown>;
}

/** Sends the parts one after the other; `first` and `last` are additional fields of those messages. */
async function inParts(
  version: Version,
  operation: AnyOperation,
  parts: readonly Uint8Array[],
  common: object,
  { first = {}, last = {} }: { first?: object; last?: object } = {},
): Promise<Played> {
  const payloads: Record<string, unknown>[] = [];
  let value: unknown;
  for (const [at, part] of parts.entries()) {
    const isLast = at === parts.length - 1;
    const payload = (await succeed(service, version, operation, {
      ...common,
      Data: part,
      ...(at === 0 ? { InitIndicator: true, ...first } : { CorrelationValue: value }),
      ...(isLast ? { FinalIndicator: true, ...last } : {}),
    })) as Record<string, unknown>;
    t.equal(payload.CorrelationValue === undefined, isLast, 'all but the last carry the value');
    value ??= payload.CorrelationValue;
    if (!isLast) t.same(payload.CorrelationValue, value, 'and it stays the same');
    payloads.push(payload);
  }
  const output = Uint8Array.from(payloads.flatMap(({ Data }) => [...((Data as Uint8Array) ?? [])]));
  return { payloads, output, last: payloads.at(-1) as Record<string, unknown> };
}

t.test('encryption and decryption in parts give the same result as in one piece', async (t) => {
  const UniqueIdentifier = await storedKey(service, active);
  for (const version of streaming) {
    for (const [CryptographicParameters, iv] of [
      [gcm, IVCounterNonce],
      [cbc, new Uint8Array(16)],
    ] as const) {
      const common = { UniqueIdentifier };
      const first = { CryptographicParameters, IVCounterNonce: iv };
      const { payload: whole } = await ask(service, version, Encrypt, { ...common, ...first, Data: data });
      const sealed = await inParts(version, Encrypt, thirds, common, { first });
      t.same(sealed.output, whole.Data, `${version} ${CryptographicParameters.BlockCipherMode}`);
      const { AuthenticatedEncryptionTag } = whole;
      t.same(sealed.last.AuthenticatedEncryptionTag, AuthenticatedEncryptionTag);
      const bytes = whole.Data as Uint8Array;
      const cut = [bytes.subarray(0, 30), bytes.subarray(30)];
      for (const place of ['first', 'last'] as const) {
        const tag = AuthenticatedEncryptionTag === undefined ? {} : { AuthenticatedEncryptionTag };
        const beside = place === 'first' ? { first: { ...first, ...tag } } : { first, last: tag };
        const opened = await inParts(version, Decrypt, cut, common, beside);
        t.same(opened.output, data, `${version}: the tag with the ${place} part`);
      }
    }
  }
});

t.test('the first answer contains the initialization vector when the server makes it', async (t) => {
  const UniqueIdentifier = await storedKey(service, active, withParameters(gcm));
  const { payloads } = await inParts('2.1', Encrypt, thirds, { UniqueIdentifier });
  t.same(
    payloads.map((payload) => (payload.IVCounterNonce as Uint8Array | undefined)?.length),
    [12, undefined, undefined],
  );
});

t.test('MAC, signature and hash in parts give the same result as in one piece', async (t) => {
  const mac = await registerKey(service, active, withMask('MACGenerate', 'MACVerify'));
  const { id, publicId } = await createPair(service, 'EC', withParameters({ HashingAlgorithm: 'SHA_256' }));
  const hmac = { CryptographicParameters: { CryptographicAlgorithm: 'HMAC_SHA256' } };
  const sha = { CryptographicParameters: { HashingAlgorithm: 'SHA_256' } };
  for (const version of streaming) {
    const common = { UniqueIdentifier: mac };
    const { MACData } = (await inParts(version, MAC, thirds, common, { first: hmac })).last;
    t.same(MACData, (await succeed(service, version, MAC, { ...common, ...hmac, Data: data })).MACData);
    const signed = (await inParts(version, Sign, thirds, { UniqueIdentifier: id })).last;
    const hashed = (await inParts(version, Hash, thirds, sha)).last;
    t.same(hashed.Data, nodeCrypto.digest('SHA_256', data));
    for (const place of ['first', 'last']) {
      for (const [wrong, expected] of [
        [false, 'Valid'],
        [true, 'Invalid'],
      ] as const) {
        const given = wrong ? [...thirds, data] : thirds;
        const of = (fields: object) => ({
          first: place === 'first' ? { ...hmac, ...fields } : hmac,
          last: place === 'last' ? fields : {},
        });
        const macs = await inParts(version, MACVerify, given, common, of({ MACData }));
        t.equal(macs.last.ValidityIndicator, expected, `${version}: MAC with the ${place} part`);
        const { SignatureData } = signed;
        const beside = place === 'first' ? { first: { SignatureData } } : { last: { SignatureData } };
        const signature = await inParts(
          version,
          SignatureVerify,
          given,
          { UniqueIdentifier: publicId },
          beside,
        );
        t.equal(signature.last.ValidityIndicator, expected, `${version}: signature with the ${place} part`);
      }
    }
  }
});

t.test('requests with parts are refused when their fields contradict each other', async (t) => {
  const UniqueIdentifier = await storedKey(service, active, withParameters(cbc));
  const other = await storedKey(service, active, withParameters(cbc));
  const begin = async () =>
    (await succeed(service, '2.1', Encrypt, { UniqueIdentifier, InitIndicator: true })).CorrelationValue;
  const CorrelationValue = await begin();
  const rows = [
    [
      'a value nobody was given',
      { UniqueIdentifier, CorrelationValue: Uint8Array.of(1) },
      'ItemNotFound',
      'InvalidCorrelationValue',
    ],
    ['another key', { UniqueIdentifier: other, CorrelationValue }, 'ItemNotFound', 'InvalidCorrelationValue'],
    [
      'a first part with a value',
      { UniqueIdentifier, CorrelationValue, InitIndicator: true },
      'InvalidField',
    ],
    ['a last part without one', { UniqueIdentifier, FinalIndicator: true }, 'InvalidField'],
    [
      'CCM',
      { UniqueIdentifier, InitIndicator: true, CryptographicParameters: { BlockCipherMode: 'CCM' } },
      'InvalidField',
      'BadCryptographicParameters',
    ],
  ] as const;
  for (const version of streaming) {
    for (const [when, request, classic, modern = classic] of rows) {
      const expected = version < '2.0' ? classic : modern;
      t.equal(await outcome(service, version, Encrypt, request), expected, `${version}: ${when}`);
    }
  }
  t.equal(
    await outcome(service, '2.1', Decrypt, { UniqueIdentifier, CorrelationValue }),
    'InvalidCorrelationValue',
    'another operation',
  );
  const foreign = await ask(
    service,
    '2.1',
    Hash,
    { CorrelationValue, CryptographicParameters: { HashingAlgorithm: 'SHA_1' } },
    'other',
  );
  t.equal(foreign.reason, 'InvalidCorrelationValue', 'another group');
  const late = { UniqueIdentifier, CorrelationValue, AuthenticatedEncryptionAdditionalData: data };
  t.equal(
    await outcome(service, '2.1', Encrypt, late),
    'InvalidField',
    'additional data after the first part',
  );
  t.equal(
    await outcome(service, '2.1', Encrypt, { UniqueIdentifier, CorrelationValue, FinalIndicator: true }),
    'Success',
    'none of these ended it',
  );
  t.equal(
    await outcome(service, '2.1', Encrypt, { UniqueIdentifier, CorrelationValue }),
    'InvalidCorrelationValue',
    'the last part did',
  );

  const rsa = await createPair(
    service,
    'RSA',
    withParameters({ PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' }),
  );
  t.equal(
    await outcome(service, '2.1', Encrypt, { UniqueIdentifier: rsa.publicId, InitIndicator: true }),
    'BadCryptographicParameters',
  );
  const digest = { UniqueIdentifier: rsa.id, InitIndicator: true, DigestedData: data };
  t.equal(await outcome(service, '2.1', Sign, digest), 'InvalidField', 'a digest in parts');
});

t.test('multi-part work ends when the key may no longer be used or no part comes in time', async (t) => {
  const UniqueIdentifier = await storedKey(service, active, withParameters(cbc));
  const begin = async () =>
    (await succeed(service, '2.1', Encrypt, { UniqueIdentifier, InitIndicator: true })).CorrelationValue;
  const CorrelationValue = await begin();
  service.now += defaultLimits.partsMilliseconds - 1;
  t.equal(await outcome(service, '2.1', Encrypt, { UniqueIdentifier, CorrelationValue }), 'Success');
  service.now += defaultLimits.partsMilliseconds;
  t.equal(
    await outcome(service, '2.1', Encrypt, { UniqueIdentifier, CorrelationValue }),
    'InvalidCorrelationValue',
  );
  const next = await begin();
  await succeed(service, '2.1', Revoke, {
    UniqueIdentifier,
    RevocationReason: { RevocationReasonCode: 'Unspecified' },
  });
  t.equal(
    await outcome(service, '2.1', Encrypt, { UniqueIdentifier, CorrelationValue: next }),
    'WrongKeyLifecycleState',
  );
});

t.test('every part counts against the Usage Limits, and the number of streams is limited', async (t) => {
  const limited = await storedKey(service, active, withParameters(cbc), withLimits(60n));
  await inParts('2.1', Encrypt, thirds, { UniqueIdentifier: limited });
  t.match(await attributeOf(service, limited, 'UsageLimits'), { UsageLimitsCount: 10n });
  t.equal(
    await outcome(service, '2.1', Encrypt, {
      UniqueIdentifier: limited,
      Data: thirds[0],
      InitIndicator: true,
    }),
    'PermissionDenied',
  );
  service.now += defaultLimits.partsMilliseconds;
  const UniqueIdentifier = await storedKey(service, active, withParameters(cbc));
  const outcomes: string[] = [];
  for (let n = 0; n < 4; n += 1)
    outcomes.push(await outcome(service, '2.1', Encrypt, { UniqueIdentifier, InitIndicator: true }));
  t.same(outcomes, ['Success', 'Success', 'Success', 'ServerLimitExceeded']);
});

t.test(
  'a stream reuses the value of a finished one, and concurrent streams have different values',
  async (t) => {
    const sha = { CryptographicParameters: { HashingAlgorithm: 'SHA_256' } };
    const begin = async () =>
      (await succeed(service, '2.1', Hash, { ...sha, InitIndicator: true })).CorrelationValue as Uint8Array;
    const end = (CorrelationValue: Uint8Array) =>
      succeed(service, '2.1', Hash, { ...sha, CorrelationValue, FinalIndicator: true });
    service.now += defaultLimits.partsMilliseconds;
    const [first, second] = [await begin(), await begin()];
    t.notSame(first, second);
    await end(first);
    t.same(await begin(), first);
    const other = await ask(service, '2.1', Hash, { ...sha, InitIndicator: true }, 'other');
    t.notSame(other.payload.CorrelationValue, first, 'another group gets values of its own');
    await end(first);
    await end(second);
  },
);

t.test('a message that is executed again adds its data once', async (t) => {
  const parts = new MultiPartOperations({ limits: defaultLimits, random: nodeCrypto.random, clock: () => 0 });
  const yes = async () => true;
  const access = { isInForce: yes, isEnrolled: yes, async eraseAnswersWith() {}, async require() {} };
  const principal = { client: 'c', group: 'g', may: () => true };
  const start = () => nodeCrypto.startDigest('SHA_256');
  const play = (item: object, request: object) =>
    parts
      .forItem({ item, message: item, principal, access, afterCommit: (effect) => effect() })
      .take({ operation: 'Hash', request, start }, (stream, last) => {
        stream.update(data);
        return last ? { Data: stream.final() } : {};
      });
  const [first, second] = [{}, {}];
  const { CorrelationValue } = await play(first, { InitIndicator: true });
  t.same((await play(first, { InitIndicator: true })).CorrelationValue, CorrelationValue);
  const last = { CorrelationValue, FinalIndicator: true };
  const expected = nodeCrypto.digest('SHA_256', Uint8Array.from([...data, ...data]));
  t.same((await play(second, last)) as object, { Data: expected });
  t.same((await play(second, last)) as object, { Data: expected });
  await t.rejects(play({}, last), { message: 'nothing waits for a part with this Correlation Value' });
});
