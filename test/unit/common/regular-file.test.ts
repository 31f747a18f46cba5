import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { readSecretToEnd, withRegularFile } from '../../../src/common/regular-file.ts';

t.test('a secret is read whole into memory of its own, or not at all', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-regular-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'secret');
  const read = (content: Uint8Array) => {
    writeFileSync(file, content);
    return withRegularFile(file, (descriptor) => readSecretToEnd(descriptor, file, 'password'));
  };
  using short = read(Buffer.from('a secret\n'));
  t.strictSame(Buffer.from(short.bytes).toString(), 'a secret\n');
  t.equal(short.bytes.buffer.byteLength, 9, 'not in a pool, and no longer');
  using empty = read(new Uint8Array());
  t.equal(empty.length, 0);
  using longest = read(new Uint8Array(65_536).fill(7));
  t.equal(longest.length, 65_536);
  t.throws(() => read(new Uint8Array(65_537)), {
    ...{ path: file, message: /more than the 65536 bytes allowed for a password/ },
  });
  t.throws(() => withRegularFile(directory, () => 0), { name: 'Error', path: directory });
  t.end();
});
