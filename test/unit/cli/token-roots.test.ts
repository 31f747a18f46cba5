import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { stateDirectoryAt } from '../../../src/cli/state-directory/state-directory.ts';
import { TokenRoots } from '../../../src/cli/state-directory/token-roots.ts';

const directory = mkdtempSync(join(tmpdir(), 'kmipd-tokens-'));
t.teardown(() => rmSync(directory, { recursive: true }));

const uriOf = (token: string) => `pkcs11:token=${token};object=o?module-path=/nonexistent/v.so`;
const storeId = new Uint8Array(16);

t.test('each token is listed once, as the source says that is in use', async (t) => {
  const changes: string[] = [];
  const tokens = new TokenRoots(stateDirectoryAt(directory), {
    onStatus: ({ uri, state }) => changes.push(`${uri} ${state}`),
  });
  t.teardown(() => tokens.close());
  await t.rejects(tokens.logIn(), { message: 'no root of this home is in a token' });
  const used = tokens.open(uriOf('a'));
  t.match(tokens.list(), [{ uri: uriOf('a'), state: 'down', reason: 'it was not used yet' }]);
  await t.rejects(used.open(storeId), {
    code: 'VAULT_UNAVAILABLE',
    message: /^the token a cannot be used: /,
  });
  tokens.open(uriOf('a'));
  tokens.open(uriOf('b'));
  const [first, second, ...others] = tokens.list();
  t.match(first, { uri: uriOf('a'), state: 'down' });
  t.not(first?.reason, 'it was not used yet');
  t.match(second, { uri: uriOf('b'), state: 'down', reason: 'it was not used yet' });
  t.same(others, []);
  t.ok(changes.every((change) => change === `${uriOf('a')} down`) && changes.length > 0);
  await used.close?.();
  t.match(tokens.list(), [
    { uri: uriOf('a'), reason: 'it was not used yet' },
    { uri: uriOf('b'), reason: 'it was not used yet' },
  ]);
  await t.rejects(used.open(storeId), { message: /closed$/ });
  t.throws(() => tokens.open('pkcs11:token=t'), { code: 'VAULT_UNAVAILABLE' });
});
