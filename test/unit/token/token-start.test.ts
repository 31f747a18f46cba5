import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { LoginJournal } from '../../../src/token/login-journal.ts';
import { TokenFailure } from '../../../src/token/messages.ts';
import { ProcessEndedError, type TokenProcess } from '../../../src/token/token-process.ts';
import { logIn, type TokenSettings } from '../../../src/token/token-start.ts';
import { parseTokenUri } from '../../../src/token/token-uri.ts';

const directory = mkdtempSync(join(tmpdir(), 'kmipd-token-start-'));
t.teardown(() => rmSync(directory, { recursive: true }));
const pinFile = join(directory, 'pin');
const note = join(directory, 'note');
writeFileSync(pinFile, '1234\n', { mode: 0o600 });
t.beforeEach(() => rmSync(note, { force: true }));

/** Returns settings with a journal of their own, as another process of the home has. */
function makeSettings(): TokenSettings {
  const uri = parseTokenUri('pkcs11:token=a?module-path=/v.so&pin-source=file:pin', directory);
  return {
    ...{ uri, environment: {}, pinFile, journal: new LoginJournal(note, uri, pinFile) },
    ...{ mode: 'find', startMilliseconds: 60_000, showsLibraryOutput: false },
  };
}

/** A process of a token whose answers the test gives. */
class FakeProcess {
  readonly logins: PromiseWithResolvers<Uint8Array>[] = [];
  hasEnded = false;
  ended: Promise<string> = Promise.resolve('it was killed');

  request(): Promise<Uint8Array> {
    const login = Promise.withResolvers<Uint8Array>();
    this.logins.push(login);
    return login.promise;
  }

  get process(): TokenProcess {
    return this as unknown as TokenProcess;
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test('a login waits for that of another process, and goes by its refusal', async (t) => {
  const [first, second] = [new FakeProcess(), new FakeProcess()];
  const one = logIn(first.process, makeSettings(), false);
  const two = logIn(second.process, makeSettings(), false);
  await turn();
  t.equal(first.logins.length, 1);
  t.equal(second.logins.length, 0);
  first.logins[0]?.reject(new TokenFailure('refused', 'wrong'));
  await t.rejects(one, { kind: 'refused', message: 'wrong' });
  await t.rejects(two, { kind: 'refused', message: /^wrong \(/ });
  t.equal(second.logins.length, 0);
});

t.test('a login waits for that of another process, and is tried after its success', async (t) => {
  const [first, second] = [new FakeProcess(), new FakeProcess()];
  const one = logIn(first.process, makeSettings(), false);
  const two = logIn(second.process, makeSettings(), false);
  await turn();
  first.logins[0]?.resolve(new Uint8Array());
  await one;
  while (second.logins.length === 0) await turn();
  second.logins[0]?.resolve(new Uint8Array());
  await two;
  t.notOk(existsSync(note));
});

t.test('a login that was not counted is tried again, and leaves no note', async (t) => {
  const { process, logins } = new FakeProcess();
  const failing = logIn(process, makeSettings(), false);
  await turn();
  t.ok(existsSync(note), 'it was noted before');
  logins[0]?.reject(new TokenFailure('token', 'removed'));
  await t.rejects(failing, { message: 'removed' });
  t.notOk(existsSync(note));
});

t.test('a login at a process that is dead is not noted', async (t) => {
  const dead = new FakeProcess();
  dead.hasEnded = true;
  await t.rejects(logIn(dead.process, makeSettings(), false), ProcessEndedError);
  t.notOk(existsSync(note));
  t.equal(dead.logins.length, 0);
});

t.test('a login whose process dies while it waits for another one is not noted', async (t) => {
  const [first, second] = [new FakeProcess(), new FakeProcess()];
  const one = logIn(first.process, makeSettings(), false);
  const two = logIn(second.process, makeSettings(), false);
  await turn();
  second.hasEnded = true;
  await t.rejects(two, { name: 'ProcessEndedError', message: 'it was killed' });
  first.logins[0]?.resolve(new Uint8Array());
  await one;
  t.notOk(existsSync(note));
  t.equal(second.logins.length, 0);
});

t.test('a login that ends without an answer leaves its note', async (t) => {
  const { process, logins } = new FakeProcess();
  const ending = logIn(process, makeSettings(), false);
  await turn();
  logins[0]?.reject(new ProcessEndedError('it crashed'));
  await t.rejects(ending, { message: 'it crashed' });
  t.same(makeSettings().journal.read(), { state: 'unknown' });
});
