import { constants, createPrivateKey, createPublicKey, publicEncrypt } from 'node:crypto';
import t, { type Test } from 'tap';
import { RequesterGoneError, runFor } from '../../../../src/common/requester.ts';
import {
  CryptographyBusyError,
  InvalidParametersError,
  MissingInputError,
} from '../../../../src/crypto/errors.ts';
import { closeThreads, nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';
import { Threads } from '../../../../src/crypto/threads/threads.ts';

const module = new URL('./threads-fixture.ts', import.meta.url);

/** Starts threads that run the fixture: `echo` resolves with the task as the thread received it. */
function startThreads(t: Test, options: { size?: number; waiting?: number } = {}) {
  const threads = new Threads<{ echo(value: unknown): Promise<unknown[]> }>({
    size: 2,
    waiting: 4,
    module,
    ...options,
  });
  t.teardown(() => threads.close());
  return { threads, echo: (value: unknown) => threads.run('echo', value) };
}

t.test('threads do each job once, in order', async (t) => {
  const { echo } = startThreads(t);
  const answers = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(echo));
  t.same(
    answers,
    ['a', 'b', 'c', 'd', 'e'].map((word) => ['echo', word]),
  );
});

t.test('the caller keeps its bytes', async (t) => {
  const { echo } = startThreads(t);
  const bytes = Uint8Array.of(1, 2, 3);
  const [, received] = (await echo(bytes)) as [string, Uint8Array];
  t.same([...received], [1, 2, 3]);
  t.same([...bytes], [1, 2, 3], 'the thread received a copy');
});

t.test('a job is refused at once when too many wait', async (t) => {
  const { echo } = startThreads(t, { size: 1, waiting: 2 });
  const accepted = [echo('at work'), echo('waits'), echo('waits too')];
  await t.rejects(echo('too much'), CryptographyBusyError);
  t.equal((await Promise.all(accepted)).length, 3);
  t.same(await echo('later'), ['echo', 'later']);
});

t.test('jobs take turns by account, and those of a client that has left never start', async (t) => {
  const { echo } = startThreads(t, { size: 1, waiting: 2 });
  const order: unknown[] = [];
  let isOpen = true;
  const account = (name: string, isWaiting = () => true) => {
    return (word: string) =>
      runFor({ account: name, isWaiting }, () => echo(word)).then(([, answer]) => order.push(answer));
  };
  const [many, leaving, other] = [account('many'), account('leaving', () => isOpen), account('other')];
  const jobs = [many('1'), many('2'), many('3')];
  await t.rejects(many('too much'), CryptographyBusyError);
  const dropped = t.rejects(leaving('left'), RequesterGoneError);
  jobs.push(other('another account'));
  isOpen = false;
  await Promise.all([...jobs, dropped]);
  t.same(order, ['1', 'another account', '2', '3']);
});

t.test('an error of the port keeps its class across threads, any other becomes an Error', async (t) => {
  const { echo } = startThreads(t);
  await t.rejects(echo('fail'), new MissingInputError('as told'));
  await t.rejects(echo('fail'), MissingInputError);
  const error = await echo('fail oddly').catch((error: unknown) => error);
  t.match(error, { message: 'in a thread of the cryptography: as told' });
  t.equal((error as Error).constructor, Error);
});

t.test('a thread that breaks down fails its job only and is replaced', async (t) => {
  const { echo } = startThreads(t, { size: 1 });
  for (const word of ['break', 'leave']) {
    const broken = echo(word);
    const next = echo('next');
    await t.rejects(broken, { message: 'a thread of the cryptography ended' }, word);
    t.same(await next, ['echo', 'next'], word);
  }
});

t.test('closing fails the jobs that are not done, and later jobs start threads again', async (t) => {
  const { threads, echo } = startThreads(t, { size: 1 });
  const jobs = [echo('at work'), echo('waits')];
  const refused = jobs.map((job) => t.rejects(job));
  await threads.close();
  await Promise.all(refused);
  t.same(await echo('again'), ['echo', 'again']);
});

t.test('private operations in threads answer as on the event loop', async (t) => {
  t.teardown(closeThreads);
  const pair = await nodeCrypto.generateKeyPair({ algorithm: 'RSA', bits: 2048 });
  const privateKey: PlainKey = {
    objectType: 'PrivateKey',
    KeyFormatType: 'PKCS_8',
    KeyMaterial: pair.privateKey,
    CryptographicAlgorithm: 'RSA',
  };
  const publicKey: PlainKey = {
    objectType: 'PublicKey',
    KeyFormatType: 'X_509',
    KeyMaterial: pair.publicKey,
    CryptographicAlgorithm: 'RSA',
  };
  const before = Uint8Array.from(pair.privateKey);
  const oaep = { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' } as const;
  const data = Uint8Array.of(1, 2, 3);
  const ciphertext = nodeCrypto.encrypt(publicKey, oaep, { data });
  t.same([...(await nodeCrypto.decrypt(privateKey, oaep, ciphertext))], [...data]);
  t.same(pair.privateKey, before, 'the key is whole');
  const decryptionFailed = { name: 'CryptographyFailedError', message: 'the data cannot be decrypted' };
  await t.rejects(nodeCrypto.decrypt(privateKey, oaep, { data: new Uint8Array(256) }), decryptionFailed);
  await t.rejects(nodeCrypto.decrypt(privateKey, {}, ciphertext), InvalidParametersError);
  const foreign = { message: /^in a thread of the cryptography: TypeError: / };
  await t.rejects(nodeCrypto.decrypt(privateKey, null as never, ciphertext), foreign);
  const digest = nodeCrypto.digest('SHA_256', data);
  const hashed = { HashingAlgorithm: 'SHA_256' } as const;
  const signature = await nodeCrypto.sign(privateKey, hashed, { digest });
  t.ok(await nodeCrypto.verify(publicKey, hashed, { data }, signature));
  const password = new TextEncoder().encode('secret');
  const file = await nodeCrypto.encodePkcs12(privateKey, { certificates: [], password });
  t.same(await nodeCrypto.decodePkcs12(file, password), before);
  await t.rejects(nodeCrypto.decodePkcs12(file, Uint8Array.of(0x61)), decryptionFailed);
});

t.test('the event loop turns while RSA-4096 decrypts and a key pair is generated', async (t) => {
  t.teardown(closeThreads);
  const pair = await nodeCrypto.generateKeyPair({ algorithm: 'RSA', bits: 4096 });
  const der = Buffer.from(pair.privateKey.buffer);
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const data = publicEncrypt({ key, padding, oaepHash: 'sha256' }, new Uint8Array(32));
  const privateKey: PlainKey = {
    objectType: 'PrivateKey',
    KeyFormatType: 'PKCS_8',
    KeyMaterial: pair.privateKey,
    CryptographicAlgorithm: 'RSA',
  };
  const parameters = { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' } as const;
  const decrypt = () => nodeCrypto.decrypt(privateKey, parameters, { data });
  await decrypt();
  let turns = 0;
  let running = true;
  const tick = () => {
    turns += 1;
    if (running) setImmediate(tick);
  };
  setImmediate(tick);
  const jobs = 100;
  await Promise.all([
    ...Array.from({ length: jobs }, decrypt),
    nodeCrypto.generateKeyPair({ algorithm: 'RSA', bits: 4096 }),
  ]);
  running = false;
  // On the event loop each decryption would take at least a turn of its own: no more turns than jobs.
  t.ok(turns > 5 * jobs, `${turns} turns during ${jobs} decryptions`);
});
