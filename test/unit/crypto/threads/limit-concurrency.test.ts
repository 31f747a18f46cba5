import { generatePrimeSync } from 'node:crypto';
import t from 'tap';
import { type Requester, RequesterGoneError, runFor } from '../../../../src/common/requester.ts';
import { requireSafeGroup } from '../../../../src/crypto/derivation/dh-groups.ts';
import { CryptographyBusyError } from '../../../../src/crypto/errors.ts';
import { closeThreads, nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';
import type { SecretSharingScheme } from '../../../../src/crypto/secret-sharing.ts';
import { limitConcurrency, maxWaitingTasks } from '../../../../src/crypto/threads/limit-concurrency.ts';

const client = (account: string, state: Partial<Requester> = {}): Requester => ({
  account,
  isWaiting: () => true,
  ...state,
});

/** Occupies every place of the queue until `release` is called. */
function occupy() {
  const held = Promise.withResolvers<void>();
  const tasks = [0, 1].map((at) =>
    runFor(client(`holder ${at}`), () => limitConcurrency(() => held.promise)),
  );
  return { release: () => held.resolve(), released: Promise.all(tasks) };
}

t.teardown(closeThreads);

const password = new TextEncoder().encode('secret');
const salt = new Uint8Array(16);
const secret: PlainKey = { objectType: 'SecretData', KeyFormatType: 'Raw', KeyMaterial: password };
const privateKey = async (algorithm: 'Ed25519' | 'SLH_DSA_SHA2_128f'): Promise<PlainKey> => ({
  objectType: 'PrivateKey',
  KeyFormatType: 'PKCS_8',
  KeyMaterial: (await nodeCrypto.generateKeyPair({ algorithm })).privateKey,
  CryptographicAlgorithm: algorithm,
});
const [ed25519, slh] = [await privateKey('Ed25519'), await privateKey('SLH_DSA_SHA2_128f')];
const file = await nodeCrypto.encodePkcs12(ed25519, { certificates: [], password });
const sharing: SecretSharingScheme = {
  method: 'PolynomialSharingPrimeField',
  ...{ parts: 3, threshold: 2, polynomial: 283 },
};
const safePrime = new Uint8Array(generatePrimeSync(256, { safe: true }));
/** 2^127 - 1. */
const fieldPrime = Uint8Array.from([0x7f, ...Array.from({ length: 15 }, () => 0xff)]);

/** Everything that takes a thread for long. */
const slowUses: Readonly<Record<string, () => Promise<unknown>>> = {
  'RSA keys': () => nodeCrypto.generateKeyPair({ algorithm: 'RSA', bits: 2048 }),
  'DSA keys': () => nodeCrypto.generateKeyPair({ algorithm: 'DSA', bits: 2048 }),
  'post-quantum keys': () => nodeCrypto.generateKeyPair({ algorithm: 'SLH_DSA_SHA2_128f' }),
  'signatures of SLH-DSA': () => nodeCrypto.sign(slh, {}, { data: password }),
  'PKCS#12 files that are written': () => nodeCrypto.encodePkcs12(ed25519, { certificates: [], password }),
  'PKCS#12 files that are read': () => nodeCrypto.decodePkcs12(file, password),
  'PBKDF2 with many iterations': () =>
    nodeCrypto.deriveKey({
      ...{ method: 'PBKDF2', key: secret, parameters: { HashingAlgorithm: 'SHA_256' }, data: [] },
      ...{ salt, iterations: 100_001, length: 16 },
    }),
  'checks of DH groups': () => requireSafeGroup({ p: safePrime } as never),
  'primes for shares': () => nodeCrypto.splitSecret(password, sharing),
  'checks of primes for shares': () => nodeCrypto.splitSecret(password, { ...sharing, prime: fieldPrime }),
};

t.test('slow cryptography that waits is dropped when its client has left or closed its side', async (t) => {
  const holder = occupy();
  let hasLeft = false;
  const closed = client('closed', { hasEnded: () => hasLeft });
  const gone = client('gone', { isWaiting: () => !hasLeft });
  const refused = Object.entries(slowUses).flatMap(([name, use]) =>
    [closed, gone].map((each) =>
      t.rejects(runFor(each, use), RequesterGoneError, `${name}, ${each.account}`),
    ),
  );
  hasLeft = true;
  holder.release();
  await Promise.all([holder.released, ...refused]);
});

t.test('slow cryptography is done for a client that stays', async (t) => {
  for (const [name, use] of Object.entries(slowUses)) await t.resolves(runFor(client('stays'), use), name);
});

t.test('a client with too many slow tasks is refused, another one is not and is next', async (t) => {
  const holder = occupy();
  const order: string[] = [];
  const add = (account: string) =>
    runFor(client(account), () => limitConcurrency(async () => order.push(account)));
  const tasks = Array.from({ length: maxWaitingTasks }, () => add('many'));
  await t.rejects(add('many'), CryptographyBusyError);
  tasks.push(add('other'));
  holder.release();
  await Promise.all([holder.released, ...tasks]);
  t.ok(order.indexOf('other') <= 2, `the other one was number ${order.indexOf('other') + 1}`);
});
