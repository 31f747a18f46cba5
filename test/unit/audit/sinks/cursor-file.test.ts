import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { CursorFile, type SinkCursor } from '../../../../src/audit/sinks/delivery/cursor-file.ts';

const cursors = new Map<string, SinkCursor>([
  [
    'siem',
    {
      chains: new Map([
        ['a', 4],
        ['__proto__', 5],
      ]),
      since: 1_700_000_000_000,
      checkpoints: ['x\n'],
    },
  ],
  ['web', { chains: new Map(), since: undefined, checkpoints: [] }],
  ['signed', { chains: undefined, since: undefined, checkpoints: [] }],
]);

/** A file whose problems are collected. */
function open(file: string) {
  const problems: string[] = [];
  const observer = {
    cursorsUnusable: ({ reason }: { reason: string }) => problems.push(`unusable: ${reason}`),
    cursorsNotSaved: ({ reason }: { reason: string }) => problems.push(`not saved: ${reason}`),
  };
  return { cursorFile: new CursorFile(file, observer, 3_600_000), problems };
}

t.test('positions are written with mode 0600 into a directory of mode 0700, and read again', async (t) => {
  const file = join(t.testdir({}), 'audit', 'sinks.json');
  const { cursorFile, problems } = open(file);
  t.same(cursorFile.load(), new Map(), 'there are none at first');
  cursorFile.save(() => cursors);
  t.notOk(existsSync(file), 'a write waits');
  await cursorFile.flush();
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(statSync(join(file, '..')).mode & 0o777, 0o700);
  t.same([...(open(file).cursorFile.load() ?? [])], [...cursors]);
  t.same(problems, []);
  const before = statSync(file).ino;
  await cursorFile.flush();
  t.equal(statSync(file).ino, before, 'what has not changed is not written');
});

t.test('a file that is torn or altered in any place is kept, and no position is taken from it', async (t) => {
  const directory = t.testdir({});
  const file = join(directory, 'sinks.json');
  const { cursorFile } = open(file);
  cursorFile.save(() => cursors);
  await cursorFile.flush();
  const text = readFileSync(file, 'utf8');
  const altered = [
    ...Array.from({ length: text.length }, (_, at) => text.slice(0, at)),
    'null',
    '[]',
    '{"format":2,"sinks":{}}',
    '{"format":1,"sinks":[]}',
    '{"format":1,"sinks":{"a":1}}',
    text.replace('"a":4', '"a":-4'),
    text.replace('"a":4', '"a":"4"'),
    text.replace('"a":4', '"a":4.5'),
    text.replace('"x\\n"', '1'),
    text.replace('1700000000000', '"x"'),
  ];
  for (const content of altered) {
    writeFileSync(file, content);
    const { cursorFile: other, problems } = open(file);
    if (other.load() !== undefined) t.fail(content);
    if (problems.length !== 1 || problems[0] !== 'unusable: it is torn or was altered')
      t.fail(problems.join());
    if (existsSync(file) || readFileSync(`${file}.unusable`, 'utf8') !== content) t.fail('it is kept');
  }
  t.pass(`${altered.length} contents`);
});

t.test('a directory in place of the file is survived', async (t) => {
  const file = join(t.testdir({ 'sinks.json': {} }), 'sinks.json');
  const { cursorFile, problems } = open(file);
  t.equal(cursorFile.load(), undefined);
  t.match(problems, [/unusable: this is a directory/]);
});

t.test('a failure to write is reported once until a write succeeds', async (t) => {
  const directory = join(t.testdir({}), 'audit');
  mkdirSync(join(directory, 'sinks.json.new'), { recursive: true });
  const { cursorFile, problems } = open(join(directory, 'sinks.json'));
  cursorFile.save(() => cursors);
  await cursorFile.flush();
  await cursorFile.flush();
  t.match(problems, [/^not saved: /]);
  t.equal(problems.length, 1);
  rmdirSync(join(directory, 'sinks.json.new'));
  await cursorFile.flush();
  t.ok(existsSync(join(directory, 'sinks.json')), 'what could not be written is written later');
});
