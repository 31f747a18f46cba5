import { generateKeyPairSync, webcrypto } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Pkcs10CertificateRequestGenerator } from '../../../../certs/x509.ts';
import type { RecommendedCurve } from '../../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import { type Requester, RequesterGoneError, runFor } from '../../../../src/common/requester.ts';
import { CryptographyBusyError } from '../../../../src/crypto/errors.ts';
import { closeThreads, nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';
import type { KeyPairRequest } from '../../../../src/crypto/provider.ts';
import {
  limitConcurrency,
  maxWaitingPoolTasks,
  runBriefly,
  runOnPool,
} from '../../../../src/crypto/threads/limit-concurrency.ts';

t.teardown(closeThreads);

const client = (account: string, isWaiting = () => true): Requester => ({ account, isWaiting });
const data = new TextEncoder().encode('text');

/** Occupies every place of the pool, and has more tasks waiting, until `release` is called. */
function occupy() {
  const held = Promise.withResolvers<void>();
  const tasks = Array.from({ length: 32 }, (_, at) =>
    runFor(client('holder'), () => (at < 16 ? runOnPool : runBriefly)(() => held.promise)),
  );
  return { release: () => held.resolve(), released: Promise.all(tasks) };
}

async function makePair(request: KeyPairRequest) {
  const { privateKey, publicKey } = await nodeCrypto.generateKeyPair(request);
  const CryptographicAlgorithm = request.algorithm;
  return {
    privateKey: {
      ...{ objectType: 'PrivateKey', KeyFormatType: 'PKCS_8', KeyMaterial: privateKey },
      CryptographicAlgorithm,
    } satisfies PlainKey,
    publicKey: {
      ...{ objectType: 'PublicKey', KeyFormatType: 'X_509', KeyMaterial: publicKey },
      CryptographicAlgorithm,
    } satisfies PlainKey,
  };
}

/** Every short use of libuv's pool, by its name. */
const uses: Record<string, () => Promise<unknown>> = {};

const pairs: Record<string, KeyPairRequest> = {
  'P-256': { algorithm: 'EC', curve: 'P_256' },
  'P-521': { algorithm: 'ECDH', curve: 'P_521' },
  X25519: { algorithm: 'ECDH', curve: 'CURVE25519' as RecommendedCurve },
  X448: { algorithm: 'ECDH', curve: 'CURVE448' as RecommendedCurve },
  Ed25519: { algorithm: 'Ed25519' },
  Ed448: { algorithm: 'Ed448' },
  'DH-2048': { algorithm: 'DH', bits: 2048 },
};
for (const [name, request] of Object.entries(pairs))
  uses[`a key pair of ${name}`] = () => nodeCrypto.generateKeyPair(request);

for (const name of ['P-256', 'X25519', 'X448', 'DH-2048']) {
  const request = pairs[name] as KeyPairRequest;
  const [own, peer] = [await makePair(request), await makePair(request)];
  uses[`an agreement by ${name}`] = () =>
    nodeCrypto.deriveKey({
      ...{ method: 'AsymmetricKey', key: own.privateKey, peer: peer.publicKey },
      ...{ parameters: {}, data: [], length: 16 },
    });
}

const secret: PlainKey = { objectType: 'SecretData', KeyFormatType: 'Raw', KeyMaterial: data };
for (const iterations of [1, 100_000]) {
  uses[`PBKDF2 with ${iterations} iterations`] = () =>
    nodeCrypto.deriveKey({
      ...{ method: 'PBKDF2', key: secret, parameters: { HashingAlgorithm: 'SHA_256' }, data: [] },
      ...{ salt: data, iterations, length: 16 },
    });
}

const sha256 = { HashingAlgorithm: 'SHA_256' } as const;
const signatures: readonly (readonly [string, KeyPairRequest, CryptographicParameters])[] = [
  ['RSA (PKCS #1 v1.5)', { algorithm: 'RSA', bits: 2048 }, { ...sha256, PaddingMethod: 'PKCS1V1_5' }],
  ['RSA (PSS)', { algorithm: 'RSA', bits: 2048 }, { ...sha256, PaddingMethod: 'PSS' }],
  ['DSA', { algorithm: 'DSA', bits: 2048 }, sha256],
  ['ECDSA', { algorithm: 'ECDSA', curve: 'P_256' }, sha256],
  ['Ed25519', { algorithm: 'Ed25519' }, {}],
  ['Ed448', { algorithm: 'Ed448' }, {}],
  ['ML-DSA-65', { algorithm: 'ML_DSA_65' }, {}],
];
for (const [name, request, parameters] of signatures) {
  const { privateKey, publicKey } = await makePair(request);
  const signature = await nodeCrypto.sign(privateKey, parameters, { data });
  uses[`a signature by ${name}`] = () => nodeCrypto.sign(privateKey, parameters, { data });
  uses[`a verification by ${name}`] = async () => {
    const valid = await nodeCrypto.verify(publicKey, parameters, { data }, signature);
    if (!valid) throw new Error('not valid');
  };
}

const { certification } = nodeCrypto;
const pssKeys = await webcrypto.subtle.generateKey(
  {
    ...{ name: 'RSA-PSS', hash: 'SHA-256' },
    ...{ modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
  },
  true,
  ['sign', 'verify'],
);
const ecKeys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
  'sign',
  'verify',
]);
const requests = [
  ['ECDSA', ecKeys, { name: 'ECDSA', hash: 'SHA-256' }],
  ['RSA (PSS)', pssKeys, { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 }],
] as const;
for (const [name, keys, signingAlgorithm] of requests) {
  const { rawData } = await Pkcs10CertificateRequestGenerator.create(
    { name: 'CN=Test', keys, signingAlgorithm },
    webcrypto as Crypto,
  );
  uses[`a certificate request signed by ${name}`] = () =>
    certification.readCertificateRequest('PKCS_10', new Uint8Array(rawData));
}

const issuer = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
});
const issuerKey: PlainKey = {
  ...{ objectType: 'PrivateKey', KeyFormatType: 'PKCS_8', KeyMaterial: new Uint8Array(issuer.privateKey) },
  CryptographicAlgorithm: 'ECDSA',
};
const subject = await certification.encodeName({ text: 'CN=Test' });
const publicKey = new Uint8Array(issuer.publicKey);
const issueCertificate = () =>
  certification.issueCertificate({
    content: { subject, publicKey, alternativeNames: [], extendedKeyUsage: [], authority: true },
    ...{ issuer: subject, issuerKey, serialNumber: new Uint8Array(16).fill(1), signature: {} },
    ...{ notBefore: 1_700_000_000, notAfter: 1_800_000_000 },
  });
const issuerCertificate = await issueCertificate();
uses['a certificate'] = issueCertificate;
uses['a revocation list'] = () =>
  certification.issueRevocationList({
    ...{ issuerCertificate, issuerKey, entries: [], signature: {}, number: 1 },
    ...{ thisUpdate: 1_700_000_000, nextUpdate: 1_700_000_001 },
  });

t.test(
  'short cryptography on the pool waits for its turn, and is dropped when its client leaves',
  async (t) => {
    const holder = occupy();
    let isOpen = true;
    const leaving = client('leaving', () => isOpen);
    const refused = Object.entries(uses).map(([name, use]) =>
      t.rejects(runFor(leaving, use), RequesterGoneError, name),
    );
    // A certificate request is read before its signature is verified.
    await new Promise(setImmediate);
    isOpen = false;
    holder.release();
    await Promise.all([holder.released, ...refused]);
  },
);

t.test('short cryptography is done for a client that stays', async (t) => {
  for (const [name, use] of Object.entries(uses)) await t.resolves(runFor(client('stays'), use), name);
});

t.test('a client with too many short tasks is refused, another one is not and is next', async (t) => {
  for (const run of [runOnPool, runBriefly]) {
    const holder = occupy();
    const order: string[] = [];
    const add = (account: string) => runFor(client(account), () => run(async () => order.push(account)));
    const tasks = Array.from({ length: maxWaitingPoolTasks }, () => add('many'));
    await t.rejects(add('many'), CryptographyBusyError);
    tasks.push(add('other'));
    holder.release();
    await Promise.all([holder.released, ...tasks]);
    t.ok(order.indexOf('other') <= 3, `the other one was number ${order.indexOf('other') + 1}`);
  }
});

t.test('long tasks leave a place for short ones, and one account has one long task at most', async (t) => {
  const held = Promise.withResolvers<void>();
  const started: string[] = [];
  const addLong = (account: string) =>
    runFor(client(account), () =>
      limitConcurrency(() => {
        started.push(account);
        return held.promise;
      }),
    );
  const tasks = ['many', 'many', 'other', 'third'].map(addLong);
  t.same(started, ['many', 'other']);
  await runFor(client('many'), () => runOnPool(async () => started.push('short')));
  t.same(started, ['many', 'other', 'short'], 'while both long tasks run');
  held.resolve();
  await Promise.all(tasks);
  t.equal(started.length, 5);
});

/** Files that call those of the functions that have a synchronous form too only in that form. */
const synchronous = ['keys/key-check.ts', 'keys/x-wing.ts', 'signatures/digest-signatures.ts'];

t.test('every file with a function of node:crypto that uses the pool takes part in the turns', async (t) => {
  const root = join(import.meta.dirname, '../../../../src/crypto');
  const onPool =
    /import \{[^}]*\b(generateKeyPair|generateKey|generatePrime|checkPrime|pbkdf2|scrypt|argon2|hkdf|sign|verify|diffieHellman|webcrypto|subtle)\b[^}]*\} from 'node:crypto'/;
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  const users = files.filter((path) => onPool.test(readFileSync(join(root, path), 'utf8')));
  t.ok(users.length >= 10, users.join(', '));
  for (const path of users.filter((each) => !synchronous.includes(each)))
    t.match(readFileSync(join(root, path), 'utf8'), 'threads/limit-concurrency.ts', path);
});
