import { constants, createPrivateKey, createPublicKey, publicEncrypt } from 'node:crypto';
import t from 'tap';
import { CryptographyBusyError } from '../../../../src/crypto/errors.ts';
import { closeThreads, nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';
import { Threads } from '../../../../src/crypto/threads/threads.ts';

const module = new URL('./threads-fixture.ts', import.meta.url);
const pool = (options: { size?: number; waiting?: number } = {}) => {
  const threads = new Threads({ size: 2, waiting: 4, module, ...options });
  // The fixture answers with what it was told, whatever the work is called.
  return {
    threads,
    say: (word: unknown) => threads.run('decodePkcs12', word as never, word as never) as never,
  };
};

t.test('jobs are done, each by one thread, in their order', async (t) => {
  const { threads, say } = pool();
  t.teardown(() => threads.close());
  const answers = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(say));
  t.same(
    answers,
    ['a', 'b', 'c', 'd', 'e'].map((word) => ['decodePkcs12', word, word]),
  );
});

t.test('the caller keeps its bytes', async (t) => {
  const { threads, say } = pool();
  t.teardown(() => threads.close());
  const bytes = Uint8Array.of(1, 2, 3);
  const [, there] = (await say(bytes)) as [string, Uint8Array];
  t.same([...there], [1, 2, 3]);
  t.same([...bytes], [1, 2, 3], 'a copy was handed over');
});

t.test('too much work is refused at once', async (t) => {
  const { threads, say } = pool({ size: 1, waiting: 2 });
  t.teardown(() => threads.close());
  const accepted = [say('at work'), say('waits'), say('waits too')];
  await t.rejects(say('too much') as Promise<unknown>, CryptographyBusyError);
  t.equal((await Promise.all(accepted)).length, 3);
  t.same(await say('later'), ['decodePkcs12', 'later', 'later']);
});

t.test('a thread that breaks down fails its job only and is replaced', async (t) => {
  const { threads, say } = pool({ size: 1 });
  t.teardown(() => threads.close());
  for (const word of ['break', 'leave']) {
    const broken = say(word) as Promise<unknown>;
    const next = say('next');
    await t.rejects(broken, { message: 'a thread of the cryptography ended' }, word);
    t.same(await next, ['decodePkcs12', 'next', 'next'], word);
  }
});

t.test('closing fails what is not done; later work starts again', async (t) => {
  const { threads, say } = pool({ size: 1 });
  const jobs = [say('at work'), say('waits')] as Promise<unknown>[];
  const refused = jobs.map((job) => t.rejects(job));
  await threads.close();
  await Promise.all(refused);
  t.same(await say('again'), ['decodePkcs12', 'again', 'again']);
  await threads.close();
});

t.test('private operations answer as they do on the event loop', async (t) => {
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
  const sealed = nodeCrypto.encrypt(publicKey, oaep, { data });
  t.same([...(await nodeCrypto.decrypt(privateKey, oaep, sealed))], [...data]);
  t.same(pair.privateKey, before, 'the key is whole');
  const undecipherable = { name: 'CryptographyFailedError', message: 'the data cannot be decrypted' };
  await t.rejects(nodeCrypto.decrypt(privateKey, oaep, { data: new Uint8Array(256) }), undecipherable);
  await t.rejects(nodeCrypto.decrypt(privateKey, {}, sealed), { name: 'InvalidParametersError' });
  const digest = nodeCrypto.digest('SHA_256', data);
  const hashed = { HashingAlgorithm: 'SHA_256' } as const;
  const signature = await nodeCrypto.sign(privateKey, hashed, { digest });
  t.ok(await nodeCrypto.verify(publicKey, hashed, { data }, signature));
  const password = new TextEncoder().encode('secret');
  const file = await nodeCrypto.encodePkcs12(privateKey, { certificates: [], password });
  t.same(await nodeCrypto.decodePkcs12(file, password), before);
  await t.rejects(nodeCrypto.decodePkcs12(file, Uint8Array.of(0x61)), undecipherable);
});

t.test('the event loop turns while RSA-4096 decrypts and keys are made', async (t) => {
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
  const open = () => nodeCrypto.decrypt(privateKey, parameters, { data });
  await open();
  let turns = 0;
  let going = true;
  const tick = () => {
    turns += 1;
    if (going) setImmediate(tick);
  };
  setImmediate(tick);
  const jobs = 100;
  await Promise.all([
    ...Array.from({ length: jobs }, open),
    nodeCrypto.generateKeyPair({ algorithm: 'RSA', bits: 4096 }),
  ]);
  going = false;
  // On the event loop each would take a turn of its own at the best: there would be no more turns than jobs.
  t.ok(turns > 5 * jobs, `${turns} turns during ${jobs} decryptions`);
});
