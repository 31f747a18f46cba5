import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';

/** A root is kept in a safe, and put back. */

t.setTimeout(300_000);

t.test('a root key that was lost comes back from its copy', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-copy-'));
  const [daemon, other] = await Promise.all([Daemon.prepare(), Daemon.prepare()]);
  t.teardown(async () => {
    for (const each of [daemon, other]) await each.remove();
    rmSync(directory, { recursive: true });
  });
  const at = (name: string) => join(directory, name);
  const vault = async ({ home }: Daemon, ...args: readonly string[]) => {
    const command = await runKmipd(directory, 'vault', ...args, '--home', home);
    return { code: await command.exited(), output: command.combinedOutput };
  };
  writeFileSync(at('passphrase'), 'a passphrase for the safe\n');
  writeFileSync(at('short'), 'too short');
  const by = ['--passphrase-file', 'passphrase'];
  const out = ['export-root', '--out', 'copy.json', ...by];
  t.match(await vault(daemon, 'export-root', '--out', 'copy.json', '--passphrase-file', 'short'), {
    ...{ code: 1, output: /has 9 bytes, and at least 16 are needed/ },
  });
  t.match(await vault(daemon, ...out), { code: 0, output: /is a copy of the root file:\S+root\.key;/ });
  t.match(await vault(daemon, ...out), { code: 1, output: /copy\.json is there: nothing was changed/ });
  t.equal(statSync(at('copy.json')).mode & 0o777, 0o600);
  const key = readFileSync(join(daemon.home, 'root.key'), 'utf8');
  const copy = readFileSync(at('copy.json'), 'utf8');
  t.notMatch(copy, key.trim());
  t.notMatch(copy, Buffer.from(key.trim(), 'hex').toString('base64').slice(0, 20));
  t.match(JSON.parse(copy), { format: 'kmipd root', version: 1, argon2id: { memory: 131_072 } });

  const back = ['import-root', 'copy.json', ...by];
  t.match(await vault(daemon, ...back), { code: 1, output: /root\.key is there: nothing was changed/ });
  renameSync(join(other.home, 'root.key'), at('other.key'));
  t.match(await vault(other, ...back), { code: 1, output: /has the root of another database/ });
  renameSync(join(daemon.home, 'root.key'), at('lost.key'));
  t.match(await vault(daemon, 'import-root', 'copy.json', '--passphrase-file', 'short'), {
    ...{ code: 1, output: /the passphrase is wrong, or the copy of the root was altered/ },
  });
  const altered = { ...JSON.parse(copy), root: '0123456789abcdef' };
  writeFileSync(at('altered.json'), JSON.stringify(altered));
  t.match(await vault(daemon, 'import-root', 'altered.json', ...by), { code: 1, output: /was altered/ });
  writeFileSync(at('cheap.json'), copy.replace('"passes":4', '"passes":1'));
  t.match(await vault(daemon, 'import-root', 'cheap.json', ...by), { code: 1, output: /is a damaged copy/ });
  writeFileSync(at('new.json'), copy.replace('"version":1', '"version":2'));
  t.match(await vault(daemon, 'import-root', 'new.json', ...by), { code: 1, output: /is of version 2/ });

  await daemon.startSealed();
  t.match(await vault(daemon, ...back), { code: 0, output: /root\.key is the root key again/ });
  await daemon.waitForOutput(/ready on/);
  t.equal(readFileSync(join(daemon.home, 'root.key'), 'utf8'), key);

  t.match(await vault(daemon, 'change-root', 'shares:2/2', '--wait', '0'), { code: 1 });
  t.match(await vault(daemon, 'change-root', '--abort'), { code: 0 });
  t.match(await vault(daemon, 'change-root', 'file:new.key'), { code: 0 });
  rmSync(at('new.key'));
  t.match(await vault(daemon, ...back), { code: 1, output: /has a root that the database has left/ });
});
