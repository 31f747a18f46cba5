import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  copyFileSync,
  fstatSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { lockDatabase } from '../../src/cli/state-directory/database-lock.ts';
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
  const copy = `${home.file}.first-design`;
  for (const ending of ['.1', '.12']) copyFileSync(copy, `${copy}${ending}`);
  writeFileSync(`${copy}.unfinished`, 'SQLite format 3\0 and an old row');
  for (const ending of ['-journal', '.12-wal', '.unfinished-journal']) writeFileSync(`${copy}${ending}`, '');
  const endings = ['', '-journal', '.1', '.12', '.12-wal', '.unfinished', '.unfinished-journal'];
  const copies = endings.map((ending) => `${copy}${ending}`);
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
  t.strictSame(filesOf(home), others.map((other) => basename(other)).toSorted());
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
  await t.rejects(remove(home), { message: refusalOf(copy, 'it has a second name (a hard link)') });
  rmSync(copy);
  symlinkSync(other, copy);
  await t.rejects(remove(home), { message: refusalOf(copy, 'it is a symbolic link') });
  rmSync(copy);
  copyFileSync(other, copy);
  symlinkSync(other, `${copy}-journal`);
  await t.rejects(remove(home), { message: refusalOf(`${copy}-journal`, 'it is a symbolic link') });
  t.ok(readFileSync(other).equals(before), 'nothing was written through it');
});

t.test('what has the name of a copy and is none is left to the operator, with all copies', async (t) => {
  const home = await newHome(t);
  const copy = `${home.file}.first-design`;
  const before = readFileSync(copy);
  const newer = new DatabaseSync(`${copy}.2`);
  newer.exec('create table migration (version); insert into migration values (6)');
  newer.close();
  const incomplete = new DatabaseSync(`${copy}.3`);
  incomplete.exec('create table migration (version); insert into migration values (4)');
  incomplete.close();
  writeFileSync(`${copy}.4`, 'of somebody else');
  writeFileSync(`${copy}.5-wal`, 'of a database that was renamed');
  copyFileSync(home.file, `${copy}.6`);
  copyFileSync(home.file, `${copy}.unfinished`);
  const reasons = {
    '.5-wal': 'the database to which it belongs is not there',
    '.2': 'it is no database of the first design (schema version 6)',
    '.3': 'it is no database of the first design (schema version 4)',
    '.4': 'it does not open as a database: file is not a database',
    '.6': 'it is a database of the second design',
    '.unfinished': 'it is a database of the second design',
  };
  const kept = Object.fromEntries(Object.keys(reasons).map((name) => [name, readFileSync(copy + name)]));
  for (const [name, reason] of Object.entries(reasons)) {
    await t.rejects(remove(home), { message: refusalOf(copy + name, reason) });
    t.ok(readFileSync(copy + name).equals(kept[name]!), name);
    rmSync(copy + name);
  }
  t.ok(readFileSync(copy).equals(before));
  t.strictSame(filesOf(home), [basename(copy)], 'nothing is left of the locks');
  await remove(home);
  t.strictSame(filesOf(home), []);
});

t.test('a copy that another home has converted in its place and serves is left', async (t) => {
  const home = await newHome(t);
  const copy = `${home.file}.first-design`;
  const other = new OldHome();
  t.teardown(() => other.remove());
  other.url = `sqlite:${copy}`;
  await other.convert();
  await other.opened(() =>
    t.rejects(remove(home), { message: refusalOf(copy, 'it is a database of the second design') }),
  );
  await checkConverted(t, other);
});

t.test('a copy that a process has open is left', async (t) => {
  const home = await newHome(t);
  const copy = `${home.file}.first-design`;
  const reader = spawn('tail', ['-f', copy], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => reader.kill());
  await once(reader.stdout, 'readable');
  await t.rejects(remove(home), { message: refusalOf(copy, `process ${reader.pid} has it open`) });
  reader.kill();
  await once(reader, 'close');
  const lock = lockDatabase(`sqlite:${copy}`, true);
  await t.rejects(remove(home), { message: refusalOf(copy, `process ${process.pid} uses it`) });
  lock?.release();
  await remove(home);
  t.strictSame(filesOf(home), []);
});

async function remove(home: OldHome): Promise<void> {
  await (await findKeptRows(home.url))?.remove();
}

const refusalOf = (file: string, reason: string) =>
  `${file} is not erased: ${reason}; look at it, and remove it yourself`;

/** The files that have the name of a copy, or one like it. */
const filesOf = ({ directory }: OldHome) =>
  readdirSync(directory)
    .filter((name) => name.includes('.first-design'))
    .toSorted();
