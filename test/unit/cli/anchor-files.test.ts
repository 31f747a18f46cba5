import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createAnchorFiles, removeAnchors } from '../../../src/cli/state-directory/anchor-files.ts';

/** Anchors of several databases in the files of one home. */

t.test('the anchors of one database are removed from all files', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'kmipd-anchors-'));
  t.teardown(() => rmSync(home, { recursive: true }));
  const files = ['daemon', 'command', 'alone', 'absent', 'damaged'].map((name) => join(home, name));
  const [daemon = '', command = '', alone = '', absent = '', damaged = ''] = files;
  const [accepted, other] = ['a'.repeat(32), 'b'.repeat(32)] as const;
  const anchorOf = (store: string) => ({ store, keyring: 1, lanes: [] });
  for (const file of [daemon, command])
    for (const store of [accepted, other]) await createAnchorFiles([file], file).write(anchorOf(store), []);
  await createAnchorFiles([alone], alone).write(anchorOf(accepted), []);
  writeFileSync(damaged, 'no anchor\n');
  t.same(await removeAnchors(files, [accepted]), [damaged]);
  for (const file of [alone, absent, damaged]) t.notOk(existsSync(file), file);
  const left = createAnchorFiles([daemon, command], command);
  t.same(await left.read([accepted]), []);
  t.match(await left.read([other]), [anchorOf(other), anchorOf(other)]);
  const text = readFileSync(command);
  t.same(await removeAnchors([command], [accepted]), []);
  t.same(readFileSync(command), text);
});
