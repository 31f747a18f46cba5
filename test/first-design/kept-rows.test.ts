import {
  closeSync,
  existsSync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { findKeptRows } from '../../src/first-design/kept-rows.ts';
import { checkConverted, OldHome } from './fixture.ts';

/** A converted database. */
async function newHome(t: { teardown(end: () => void): void }): Promise<OldHome> {
  const home = new OldHome();
  t.teardown(() => home.remove());
  await home.convert();
  return home;
}

t.test('all copies of a file are found, overwritten and removed', async (t) => {
  const home = await newHome(t);
  const endings = ['', '-wal', '-shm', '.1', '.12-wal', '.unfinished', '.unfinished-journal'];
  const copies = endings.map((ending) => `${home.file}.first-design${ending}`);
  for (const copy of copies.slice(1)) writeFileSync(copy, 'an old row');
  const others = [`${home.file}.first-design.txt`, join(home.directory, 'akmipd.db.first-design')];
  for (const other of others) writeFileSync(other, 'of somebody else');
  const kept = await findKeptRows(home.url);
  t.strictSame(kept?.names.toSorted(), copies.toSorted());
  const descriptor = openSync(copies[0]!, 'r');
  await kept?.remove();
  const content = new Uint8Array(fstatSync(descriptor).size);
  t.equal(readSync(descriptor, content, { position: 0 }), content.length);
  closeSync(descriptor);
  t.ok(content.length > 4_096 && content.every((byte) => byte === 0), 'its bytes were overwritten');
  for (const copy of copies) t.notOk(existsSync(copy), basename(copy));
  for (const other of others) t.equal(readFileSync(other, 'utf8'), 'of somebody else');
  t.equal(await findKeptRows(home.url), undefined);
  await checkConverted(t, home);
});

t.test('a copy that is a link is left to the operator', async (t) => {
  const home = await newHome(t);
  const copy = `${home.file}.first-design`;
  const other = join(home.directory, 'other');
  linkSync(copy, other);
  const before = readFileSync(other);
  const remove = async () => (await findKeptRows(home.url))?.remove();
  await t.rejects(remove(), {
    message: `${copy} is no file with one name: look at it, and remove it yourself`,
  });
  rmSync(copy);
  symlinkSync(other, copy);
  await t.rejects(remove(), { message: /^cannot remove \S+\.first-design: / });
  t.ok(readFileSync(other).equals(before), 'nothing was written through it');
});
