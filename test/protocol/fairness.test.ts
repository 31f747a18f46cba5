import t from 'tap';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { active, Data, withMask, withParameters } from './keys.ts';
import { algorithm, having, length, succeed } from './operations/ask.ts';
import { TestService, uid } from './service.ts';

const service = await TestService.open();
t.teardown(() => service.close());

t.test('a long batch lets other connections be served in between', async (t) => {
  for (let n = 0; n < 50; n++) await service.key();
  let turns = 0;
  let done = false;
  const tick = () => {
    turns++;
    if (!done) setImmediate(tick);
  };
  setImmediate(tick);
  const started = performance.now();
  const answers = await service.batch(
    '1.4',
    Array.from({ length: 1_000 }, () => ({ operation: 'Locate' })),
  );
  done = true;
  const milliseconds = performance.now() - started;
  t.equal(answers.length, 1_000);
  // Reading SQLite takes no turn of the event loop by itself, so without a pause there would be none.
  t.ok(turns >= milliseconds / 200, `${turns} turns in ${milliseconds.toFixed(0)} ms`);
});

t.test('other requests are answered while RSA-4096 decrypts and keys are generated', async (t) => {
  const pair = {
    CommonAttributes: having(
      algorithm('RSA'),
      length(4096),
      active,
      withParameters({ PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' }),
    ),
    PrivateKeyAttributes: having(withMask('Decrypt')),
    PublicKeyAttributes: having(withMask('Encrypt')),
  };
  const made = await succeed(service, '2.1', CreateKeyPair, pair);
  const encrypt = { UniqueIdentifier: made.PublicKeyUniqueIdentifier, Data };
  const { Data: sealed } = await succeed(service, '2.1', Encrypt, encrypt);
  const decrypt = { UniqueIdentifier: made.PrivateKeyUniqueIdentifier, Data: sealed };
  const key = await service.key();
  const heavy = 60;
  let left = heavy;
  const work = Array.from({ length: heavy }, async () => {
    await succeed(service, '2.1', Decrypt, decrypt);
    left -= 1;
  });
  const another = succeed(service, '2.1', CreateKeyPair, pair);
  let answered = 0;
  while (left > 0) {
    const { status } = await service.call('1.4', 'Get', [uid(key)]);
    if (status === 'Success') answered += 1;
  }
  await Promise.all([...work, another]);
  // On the event loop the first Get would wait for them all.
  t.ok(answered > heavy, `${answered} Gets during ${heavy} decryptions`);
});
