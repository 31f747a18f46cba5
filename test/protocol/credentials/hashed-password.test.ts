import t from 'tap';
import type { Credential } from '../../../codec/structures/credentials.ts';
import { encode, enumerated, integer, type RequestItem } from '../../client.ts';
import { TestService } from '../service.ts';
import {
  authenticationHeader,
  hashedPassword,
  password,
  sendAs,
  setCredentials,
  user,
} from './credential-headers.ts';

const locate: RequestItem = { operation: 'Locate' };
const refused = 'AuthenticationNotSuccessful';

async function open(): Promise<TestService> {
  const service = await TestService.open();
  t.teardown(() => service.close());
  return service;
}

/** Microseconds of the service's clock, and some more. */
const time = (service: TestService, more = 0) => BigInt(service.now) * 1000n + BigInt(more);

t.test(
  "a Hashed Password is answered with the server's proof, and each Timestamp is valid once",
  async (t) => {
    const service = await open();
    await setCredentials(service, {
      users: [await user('alice', 'right'), await user('bob', 'right')],
      devices: [],
    });
    for (const [at, version] of (['2.0', '2.1'] as const).entries()) {
      for (const [number, hash] of ([undefined, 'SHA_256', 'SHA_384', 'SHA_512'] as const).entries()) {
        const now = time(service, at * 10 + number);
        const { credential, answer } = hashedPassword('alice', 'right', now, hash);
        const first = await sendAs(service, version, [locate], credential);
        t.equal(first.reasons, 'Success', `${version} ${hash}`);
        t.equal(first.proof, answer, `${version} ${hash}: Server Hashed Password`);
        const again = await sendAs(service, version, [locate], credential);
        t.equal(again.reasons, refused, 'the same again');
        t.equal(again.proof, undefined);
      }
    }
    const other = hashedPassword('bob', 'right', time(service)).credential;
    t.equal(
      (await sendAs(service, '2.1', [locate], other)).reasons,
      'Success',
      'another user has times of its own',
    );
    t.equal(
      (await sendAs(service, '2.1', [locate], password('alice', 'right'))).proof,
      undefined,
      'nobody asked',
    );
  },
);

t.test('a Hashed Password is refused when a part of it is wrong', async (t) => {
  const service = await open();
  const { hashed: _, ...plain } = await user('plain', 'right');
  await setCredentials(service, { users: [await user('alice', 'right'), plain], devices: [] });
  const made = (word: string, name = 'alice', more = 0) =>
    hashedPassword(name, word, time(service, more)).credential;
  const changed = (change: object) => {
    const { CredentialValue: value } = made('right') as { CredentialValue: object };
    return { CredentialType: 'HashedPassword', CredentialValue: { ...value, ...change } } as Credential;
  };
  const whole = (made('right') as { CredentialValue: { HashedPassword: Uint8Array } }).CredentialValue
    .HashedPassword;
  const shown: [string, Credential][] = [
    ['wrong password', made('wrong')],
    ['unknown user', made('right', 'carol')],
    ['a user whose password may not be hashed', made('right', 'plain')],
    ['another time', changed({ TimeStamp: time(service, 1) })],
    ['another hash', changed({ HashingAlgorithm: 'SHA_512' })],
    ['a hash that is not offered', changed({ HashingAlgorithm: 'MD5' })],
    ['cut', changed({ HashedPassword: whole.subarray(0, 63) })],
    ['longer', changed({ HashedPassword: Uint8Array.from([...whole, 0]) })],
    ['empty', changed({ HashedPassword: new Uint8Array() })],
    ['far ahead of the clock', made('right', 'alice', 86_400_000_001)],
  ];
  for (const [what, credential] of shown) {
    service.now += 3_600_001;
    if (what === 'far ahead of the clock')
      t.equal(
        (await sendAs(service, '2.1', [locate], made('right', 'alice', 86_400_000_001))).reasons,
        refused,
        what,
      );
    else t.equal((await sendAs(service, '2.1', [locate], credential)).reasons, refused, what);
  }
  t.equal((await sendAs(service, '2.1', [locate], made('right'))).reasons, 'Success', 'nothing was used up');
});

t.test('a Timestamp of a Hashed Password is valid once on many connections', async (t) => {
  const service = await open();
  await setCredentials(service, { users: [await user('alice', 'right')], devices: [] });
  const { credential } = hashedPassword('alice', 'right', time(service));
  const all = await Promise.all(
    Array.from({ length: 16 }, () => sendAs(service, '2.1', [locate], credential)),
  );
  t.equal(all.filter(({ reasons }) => reasons === 'Success').length, 1);
});

t.test('the Server Hashed Password counts for the Maximum Response Size', async (t) => {
  const service = await open();
  await setCredentials(service, { users: [await user('alice', 'right')], devices: [] });
  const query: RequestItem = { operation: 'Query', payload: [enumerated('QueryFunction', 1)] };
  const sizeOf = async (maxBytes: number, at: number) => {
    const { credential } = hashedPassword('alice', 'right', time(service, at));
    const header = [integer('MaximumResponseSize', maxBytes), authenticationHeader(credential)];
    const answer = encode(await service.exchange('2.1', [query], header));
    return answer.length;
  };
  const whole = await sizeOf(100_000, 1);
  t.equal(await sizeOf(whole, 2), whole);
  t.ok((await sizeOf(whole - 1, 3)) < 300, 'too large by one byte');
});

t.test('a client is not throttled when its messages overtake each other', async (t) => {
  const service = await open();
  await setCredentials(service, { users: [await user('alice', 'right')], devices: [] });
  const at = (more: number) => hashedPassword('alice', 'right', time(service, more)).credential;
  t.equal((await sendAs(service, '2.1', [locate], at(100))).reasons, 'Success');
  for (let more = 0; more < 10; more++)
    t.equal((await sendAs(service, '2.1', [locate], at(more))).reasons, refused, 'overtaken');
  t.equal((await sendAs(service, '2.1', [locate], at(101))).reasons, 'Success');
});

t.test('what was used up stays so when its credential is removed and given again', async (t) => {
  const service = await open();
  const [alice, bob] = [await user('alice', 'right', ['one', 'two']), await user('bob', 'right')];
  const { credential } = hashedPassword('alice', 'right', time(service));
  const code: Credential = {
    CredentialType: 'OneTimePassword',
    CredentialValue: { Username: 'alice', OneTimePassword: 'one' },
  };
  const next = (name: string, more: number) => hashedPassword(name, 'right', time(service, more)).credential;
  await setCredentials(service, { users: [alice, bob], devices: [] });
  for (const shown of [credential, code])
    t.equal((await sendAs(service, '2.1', [locate], shown)).reasons, 'Success');
  await setCredentials(service, { users: [bob], devices: [] });
  t.equal((await sendAs(service, '2.1', [locate], next('bob', 1))).reasons, 'Success', 'writes the use');
  await setCredentials(service, { users: [alice, bob], devices: [] });
  for (const shown of [credential, code])
    t.equal((await sendAs(service, '2.1', [locate], shown)).reasons, refused);
  t.equal((await sendAs(service, '2.1', [locate], next('alice', 1))).reasons, 'Success');
});
