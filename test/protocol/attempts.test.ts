import t from 'tap';
import { maxEntriesPerClient } from '../../src/common/client-tables.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import { CryptographyFailedError } from '../../src/crypto/errors.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { MAC } from '../../src/operations/cryptography/mac.ts';
import { MACVerify } from '../../src/operations/cryptography/mac-verify.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { FailedAttempts } from '../../src/protocol/batch/attempts.ts';
import { active, Data, registerKey, withMask } from './keys.ts';
import { ask, outcome, storedKey, succeed } from './operations/ask.ts';
import { counted, register, symmetric, wrappedAs, wrappingKey } from './operations/transfer/wrapping-keys.ts';
import { TestService } from './service.ts';

const maxFailures = 3;
const version = '2.1';
async function served(t: { teardown(end: () => Promise<void>): void }): Promise<TestService> {
  const service = await TestService.open({ limits: { failedDecryptions: maxFailures } });
  t.teardown(() => service.close());
  return service;
}

const cbc = { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' } as const;
const iv = new Uint8Array(16);

/** A stored key, what decrypts with it, and what does not. */
async function sealed(service: TestService) {
  const UniqueIdentifier = await storedKey(service, active);
  const request = { UniqueIdentifier, CryptographicParameters: cbc, IVCounterNonce: iv };
  const { Data: good } = await succeed(service, version, Encrypt, { ...request, Data });
  return { id: UniqueIdentifier, good: { ...request, Data: good }, bad: { ...request, Data: counted(8) } };
}

t.test(
  'a client with too many failures with a key gets the answer of a failure whatever it sends',
  async (t) => {
    const service = await served(t);
    const one = await sealed(service);
    const other = await sealed(service);
    const answers = [];
    for (let n = 0; n < maxFailures; n += 1) {
      t.equal(
        await outcome(service, version, Decrypt, one.good),
        'Success',
        'those that succeed do not count',
      );
      answers.push(await ask(service, version, Decrypt, one.bad));
    }
    for (const request of [one.good, one.bad]) answers.push(await ask(service, version, Decrypt, request));
    t.same(
      new Set(answers.map(({ reason, message }) => `${reason}: ${message}`)),
      new Set(['CryptographicFailure: the data cannot be decrypted']),
      'the answer is the same',
    );
    t.same(service.exhausted, [{ client: 'tester', object: one.id }], 'told once');
    t.equal(await outcome(service, version, Decrypt, other.good), 'Success', 'another key');
    t.equal(await outcome(service, version, Encrypt, { ...one.good, Data }), 'Success', 'another use');
    service.sender = { client: 'colleague' };
    t.equal(await outcome(service, version, Decrypt, one.good), 'Success', 'another client of the group');
    service.sender = {};

    service.now += 59_999;
    t.equal(await outcome(service, version, Decrypt, one.good), 'CryptographicFailure', 'within the minute');
    service.now += 1;
    t.equal(await outcome(service, version, Decrypt, one.good), 'Success', 'after it');
  },
);

t.test('a failure of multi-part data counts as well', async (t) => {
  const service = await served(t);
  const { good, bad } = await sealed(service);
  const begin = () => succeed(service, version, Decrypt, { ...good, Data: iv, InitIndicator: true });
  for (let n = 0; n < maxFailures; n += 1) {
    const { CorrelationValue } = await begin();
    const { UniqueIdentifier } = good;
    const last = { UniqueIdentifier, Data: bad.Data, CorrelationValue, FinalIndicator: true };
    t.equal(await outcome(service, version, Decrypt, last), 'CryptographicFailure');
  }
  t.equal(await outcome(service, version, Decrypt, good), 'CryptographicFailure');
});

t.test('a client with too many wrong MACs gets the answer of a failure', async (t) => {
  for (const parts of [false, true]) {
    const service = await served(t);
    const UniqueIdentifier = await registerKey(service, active, withMask('MACGenerate', 'MACVerify'));
    const request = {
      UniqueIdentifier,
      CryptographicParameters: { CryptographicAlgorithm: 'HMAC_SHA256' },
      Data,
    };
    const { MACData } = await succeed(service, version, MAC, request);
    const verify = async (given: unknown) => {
      if (!parts) return ask(service, version, MACVerify, { ...request, MACData: given });
      const first = await ask(service, version, MACVerify, { ...request, InitIndicator: true });
      if (first.status !== 'Success') return first;
      const { CorrelationValue } = first.payload;
      const last = { UniqueIdentifier, CorrelationValue, FinalIndicator: true, MACData: given };
      return ask(service, version, MACVerify, last);
    };
    for (let n = 0; n < maxFailures; n += 1)
      t.equal((await verify(counted(32))).payload.ValidityIndicator, 'Invalid', `parts: ${parts}`);
    t.match(await verify(MACData), {
      reason: 'CryptographicFailure',
      message: 'the MAC cannot be verified now',
    });
    service.now += 60_000;
    t.equal(await outcome(service, version, MACVerify, { ...request, MACData }), 'Success');
  }
});

t.test('a client with too many keys that do not unwrap gets the answer of a failure', async (t) => {
  const service = await served(t);
  const kek = await wrappingKey(service);
  const wrapped = (bytes: Uint8Array) =>
    register(
      service,
      wrappedAs(symmetric(counted(16)), bytes, {
        WrappingMethod: 'Encrypt',
        EncryptionKeyInformation: {
          UniqueIdentifier: kek,
          CryptographicParameters: { BlockCipherMode: 'NISTKeyWrap' },
        },
        EncodingOption: 'NoEncoding',
      }),
    );
  const key = await register(service, symmetric(counted(16)));
  const specification = {
    WrappingMethod: 'Encrypt',
    EncryptionKeyInformation: { UniqueIdentifier: kek },
    EncodingOption: 'NoEncoding',
    AttributeName: [],
  };
  const left = await succeed(service, version, Get, {
    UniqueIdentifier: key,
    KeyWrappingSpecification: specification,
  });
  const block = (left as { Object: { value: { KeyBlock: { KeyValue: Uint8Array } } } }).Object.value.KeyBlock;
  const good = await wrapped(block.KeyValue);
  const bad = await wrapped(counted(24));
  const get = (id: string) => ask(service, version, Get, { UniqueIdentifier: id, KeyWrapType: 'NotWrapped' });
  t.equal((await get(good)).status, 'Success');
  const answers = [];
  for (let n = 0; n < maxFailures; n += 1) answers.push(await get(bad));
  answers.push(await get(good));
  t.same(
    new Set(answers.map(({ reason, message }) => `${reason}: ${message}`)),
    new Set(['CryptographicFailure: the key cannot be unwrapped']),
  );
});

function attempts(failedDecryptions: number) {
  const told: unknown[] = [];
  const time = { now: 0 };
  const limits = { ...defaultLimits, failedDecryptions };
  const observer = { attemptsExhausted: (event: unknown) => told.push(event) };
  const all = new FailedAttempts({ limits, clock: () => time.now, observer });
  const as = (client: string, item: object = {}, bearer?: string) =>
    all.forItem(item, { client, group: 'g', may: () => true, ...(bearer !== undefined && { bearer }) });
  const wrong = (client: string, key: string, item?: object, bearer?: string) =>
    as(client, item, bearer)
      .decrypting(key, () => {
        throw new CryptographyFailedError('wrong');
      })
      .catch(({ message }: Error) => message);
  return { told, time, as, wrong };
}

t.test('a message that is executed again does not count its failure twice', async (t) => {
  const { as, wrong } = attempts(2);
  const item = {};
  for (let play = 0; play < 5; play += 1) t.equal(await wrong('c', 'key', item), 'wrong');
  t.equal(await as('c').decrypting('key', () => 'open'), 'open');
  t.equal(await wrong('c', 'key'), 'wrong');
  await t.rejects(
    as('c').decrypting('key', () => 'open'),
    { message: 'the data cannot be decrypted' },
  );
});

t.test('errors other than failed decryption do not count', async (t) => {
  const { as } = attempts(1);
  const bug = () => {
    throw new TypeError('a bug');
  };
  for (let n = 0; n < 3; n += 1) await t.rejects(as('c').decrypting('key', bug), TypeError);
  t.equal(await as('c').decrypting('key', () => 'open'), 'open');
});

t.test('a client that fails with many keys keeps its exhausted counts, and is refused alone', async (t) => {
  const { told, time, as, wrong } = attempts(2);
  const open = (client: string, key: string) => as(client).decrypting(key, () => 'open');
  for (let n = 0; n < 2; n += 1) await wrong('c', 'exhausted');
  t.equal(await wrong('other', 'key'), 'wrong');
  for (let n = 0; n < 10_000; n += 1) await wrong('c', `key ${n}`);
  await t.rejects(open('c', 'exhausted'), { message: 'the data cannot be decrypted' });
  t.equal(await open('c', 'key 0'), 'open', 'a key that is counted, with a failure left');
  await t.rejects(open('c', `key ${maxEntriesPerClient}`), 'a key that is not counted any more');
  await t.rejects(
    as('c').verifying('another', () => true, Boolean),
    /cannot be verified now/,
  );
  t.same(told, [
    { client: 'c', object: 'exhausted' },
    { client: 'c', object: `key ${maxEntriesPerClient - 2}` },
  ]);
  t.equal(await open('other', 'key'), 'open');
  t.equal(await wrong('other', 'key'), 'wrong');
  await t.rejects(open('other', 'key'), 'the count of another client went on');
  time.now += 60_000;
  t.equal(await open('c', 'exhausted'), 'open');
  t.equal(await open('c', 'key 9999'), 'open');
});

t.test('the holder of a ticket that fails with many keys is refused alone', async (t) => {
  const { as, wrong } = attempts(2);
  const open = (bearer?: string) => as('c', {}, bearer).decrypting('another', () => 'open');
  for (let n = 0; n < maxEntriesPerClient; n += 1) await wrong('c', `key ${n}`, {}, 'holder');
  await t.rejects(open('holder'), { message: 'the data cannot be decrypted' });
  t.equal(await open('other'), 'open', 'another holder');
  t.equal(await open(), 'open', 'the client that issued the ticket');
});

t.test('failures of unwrapping count for every key that is used, and for no other', async (t) => {
  const service = await served(t);
  const hmac = { CryptographicAlgorithm: 'HMAC_SHA256' } as const;
  const macKey = await registerKey(service, active, withMask('MACGenerate', 'MACVerify'));
  const kek = await wrappingKey(service);
  const other = await wrappingKey(service);
  const macOf = async (bytes: Uint8Array) => {
    const request = { UniqueIdentifier: macKey, CryptographicParameters: hmac, Data: bytes };
    return (await succeed(service, version, MAC, request)).MACData as Uint8Array;
  };
  const information = (id: string, CryptographicParameters: object = {}) => ({
    UniqueIdentifier: id,
    CryptographicParameters,
  });
  const wrapped = (bytes: Uint8Array, data: object) =>
    register(
      service,
      wrappedAs(symmetric(counted(16)), bytes, {
        MACSignatureKeyInformation: information(macKey, hmac),
        EncodingOption: 'NoEncoding',
        ...data,
      } as never),
    );
  const get = (id: string) =>
    outcome(service, version, Get, { UniqueIdentifier: id, KeyWrapType: 'NotWrapped' });
  const signed = { WrappingMethod: 'MACSign', MACSignature: await macOf(counted(16)) };
  const good = await wrapped(counted(16), signed);
  t.equal(await get(good), 'Success');
  // The encryption key information means nothing to MAC/Sign, so that a client may name anything there.
  const decoys = ['a made-up one', 'a second', kek];
  for (const decoy of decoys) {
    const guess = {
      ...signed,
      MACSignature: new Uint8Array(32),
      EncryptionKeyInformation: information(decoy),
    };
    t.equal(await get(await wrapped(counted(16), guess)), 'CryptographicFailure', decoy);
  }
  t.equal(await get(good), 'CryptographicFailure', 'the key of the MAC is refused now');
  t.same(service.exhausted, [{ client: 'tester', object: macKey }], 'and no other');

  service.now += 60_000;
  const parameters = { BlockCipherMode: 'NISTKeyWrap' };
  for (const each of [kek, other, kek]) {
    const encrypted = {
      WrappingMethod: 'EncryptThenMACSign',
      MACSignature: new Uint8Array(32),
      EncryptionKeyInformation: information(each, parameters),
    };
    t.equal(await get(await wrapped(counted(24), encrypted)), 'CryptographicFailure');
  }
  t.equal(await get(good), 'CryptographicFailure', 'whichever key was named beside it');
});
