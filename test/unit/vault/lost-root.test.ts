import t from 'tap';
import { describeOperatorError } from '../../../src/cli/failure.ts';
import { reportRoots } from '../../../src/daemon/root-reports.ts';
import { openLocalVault } from '../../../src/vault/local.ts';
import { ValueTokenUnavailableError } from '../../../src/vault/value-errors.ts';
import { VaultUnavailableError } from '../../../src/vault/vault.ts';
import { FakeToken } from '../../fake-token.ts';
import { memoryKeyrings } from './memory-keyrings.ts';
import { quick } from './vault-fixture.ts';

t.test('a root that was lost while the vault was unsealed is noticed when it is back', async (t) => {
  const token = new FakeToken();
  const lines: string[] = [];
  const add = (_: unknown, line?: string) => void lines.push(line ?? '');
  const rootsChanged = reportRoots({ info: add, warn: add } as unknown as Parameters<typeof reportRoots>[0]);
  const vault = await openLocalVault({
    ...{ roots: [token], keyrings: memoryKeyrings(), rootsChanged },
    ...quick,
  });
  t.teardown(() => vault.close());
  t.same(vault.rootsAtHand, [token.id]);
  token.isAway = true;
  await t.rejects(vault.addRoot(new FakeToken('next')), { code: 'VAULT_UNAVAILABLE' });
  t.same(vault.rootsAtHand, []);
  await vault.refresh();
  t.match(vault.status(), { atHand: [], rootProblems: ['the token is away'] });
  token.isAway = false;
  await vault.refresh();
  t.match(vault.status(), { atHand: [token.id], rootProblems: [] });
  t.match(lines, [/is not at hand any more/, `the root of the database is ${token.uri} (${token.id})`]);
});

t.test('operators are told why the token cannot be used', async (t) => {
  const reason = 'the token kmipd cannot be used: it is away';
  const cause = new VaultUnavailableError(reason);
  t.same(describeOperatorError(new ValueTokenUnavailableError(undefined, { cause })), {
    ...{ code: 'VAULT_UNAVAILABLE', message: reason },
  });
  const code = 'VALUE_TOKEN_UNAVAILABLE';
  for (const error of [
    new ValueTokenUnavailableError(),
    new ValueTokenUnavailableError(undefined, { cause: new TypeError('a bug') }),
  ])
    t.same(describeOperatorError(error), { code, message: error.message });
});

t.test('a vault that is sealed takes direct mode, which nobody knows to fail', async (t) => {
  const token = new FakeToken();
  token.isAway = true;
  const vault = await openLocalVault({ roots: [token], keyrings: memoryKeyrings(), ...quick });
  t.teardown(() => vault.close());
  t.match(vault.sealedBecause, 'the token is away');
  t.equal(await vault.direct.problem(), undefined);
});
