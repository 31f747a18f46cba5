import { readdirSync } from 'node:fs';
import t from 'tap';
import { stateDirectoryAt } from '../../../src/cli/state-directory/state-directory.ts';
import { TokenRoots } from '../../../src/cli/state-directory/token-roots.ts';
import { missing, pin, SoftToken } from './soft-token.ts';

/** Several roots of a home in one token, whose logins all count there. */

t.test('roots in one token', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  Object.assign(process.env, token.environment);
  for (const name of ['one', 'two']) {
    const client = token.client(t, {}, token.uri(`;object=${name}`));
    await client.open();
    await client.close();
  }
  const open = () => {
    const roots = new TokenRoots(stateDirectoryAt(token.directory));
    t.teardown(() => roots.close());
    const sources = ['one', 'two'].map((name) => roots.open(token.uriText(`;object=${name}`)));
    return { roots, sources };
  };
  const listNotes = () => readdirSync(token.directory).filter((name) => /^token-login-[0-9a-f]+$/.test(name));
  const before = token.logins.length;
  const loginsSince = () => token.logins.slice(before);

  await t.test('cost one attempt of a wrong PIN, and one more when an operator asks', async (t) => {
    token.writePin('13572468');
    const { roots, sources } = open();
    const results = await Promise.allSettled(sources.map((source) => source.open(new Uint8Array())));
    for (const result of results)
      t.match(result, { status: 'rejected', reason: { message: /CKR_PIN_INCORRECT/ } });
    t.same(loginsSince(), ['0xa0']);
    await t.rejects(roots.logIn(), { message: /CKR_PIN_INCORRECT/ });
    t.same(loginsSince(), ['0xa0', '0xa0']);
    t.equal(listNotes().length, 1, 'one note');
    await roots.close();
  });

  await t.test('all open once the PIN is right', async (t) => {
    token.writePin(pin);
    const { roots, sources } = open();
    await roots.logIn();
    for (const source of sources) await (await source.open(new Uint8Array())).close();
    t.same(listNotes(), []);
    await roots.close();
  });
});
