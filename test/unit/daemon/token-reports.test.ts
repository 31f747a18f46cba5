import t from 'tap';
import type { LaneReports } from '../../../src/daemon/lane-reports.ts';
import { ReadinessCheck } from '../../../src/daemon/metrics-listener.ts';
import { areUp, describeTokens, reportTokens } from '../../../src/daemon/token-reports.ts';
import type { ManagedToken } from '../../../src/management/api.ts';
import type { Store } from '../../../src/store/store.ts';
import type { LocalVault } from '../../../src/vault/local-vault.ts';

const uri = 'pkcs11:token=t;object=o?module-path=/v.so&pin-source=file:/pin';
const token = (state: ManagedToken['state'], reason = ''): ManagedToken => ({ uri, state, reason, since: 1 });

t.test('each change of the state of a token is logged, each reason of a failure once', (t) => {
  const lines: string[] = [];
  const line = (level: string) => (text: string) => void lines.push(`${level} ${text}`);
  const report = reportTokens({ info: line('info'), warn: line('warn') } as never);
  const down = (reason: string) => `warn the token of the root is down and tried again: ${name}: ${reason}`;
  const name = 'pkcs11:token=t;object=o';
  for (const status of [
    ...[token('up'), token('up'), token('down', 'a'), token('down', 'b'), token('down', 'a')],
    ...[
      token('up'),
      token('idle'),
      token('up'),
      token('down', 'a'),
      token('refused', 'c'),
      token('refused', 'c'),
    ],
  ])
    report(status);
  const up = `info the token of the root is up: ${name}`;
  t.strictSame(lines, [
    ...[up, down('a'), down('b'), up],
    `info kmipd has logged out of the token of the root, which was idle: ${name}`,
    ...[up, down('a'), `warn the token of the root has refused the login: ${name}: c`],
  ]);
  t.end();
});

t.test('tokens are up when each of them is, or was when it was used last', (t) => {
  const list = (...tokens: ManagedToken[]) => ({ list: () => tokens });
  t.ok(areUp(list(token('up'), token('idle'))));
  t.notOk(areUp(list(token('up'), token('down', 'a'))));
  t.notOk(areUp(list(token('refused', 'a'))));
  t.equal(areUp(list()), undefined, 'no root is in a token');
  t.equal(describeTokens(list()), '');
  t.equal(describeTokens(list(token('up'), token('down', '/etc/secret'))), '; its token is down');
  t.match(
    describeTokens(list(token('refused', '/etc/secret'))),
    /^; its token refuses the login until an operator asks/,
  );
  t.end();
});

t.test('readiness names the kinds of the roots that the vault has at that time', async (t) => {
  let configured = ['file:/root.key'];
  const vault = { unsealed: false, status: () => ({ configured }) } as unknown as LocalVault;
  const readiness = new ReadinessCheck({
    ...{ store: {} as Store, lanes: {} as LaneReports, vault, tokens: { list: () => [] } },
    audit: undefined,
  });
  const sealedBy = (kinds: string) => ({
    ...{ ready: false, reason: `the vault is sealed: its root (${kinds}) is not available` },
  });
  t.strictSame(await readiness.check(), sealedBy('file'));
  configured = ['shares:2/3', 'all-of:file:/root.key+passphrase:'];
  t.strictSame(await readiness.check(), sealedBy('shares, file, passphrase'));
});
