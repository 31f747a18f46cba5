import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import t from 'tap';
import { createLog } from '../../../src/watch/log.ts';
import { LogOutput } from '../../../src/watch/log-output.ts';

/** An output that fails with an error code while one is set, after the bytes that still fit. */
function createOutput() {
  const file = { written: '', code: undefined as string | undefined, space: 0 };
  const output = new LogOutput((bytes) => {
    if (file.code === undefined) {
      file.written += Buffer.from(bytes).toString();
      return bytes.length;
    }
    if (file.space === 0) throw Object.assign(new Error(file.code), { code: file.code });
    const count = Math.min(file.space, bytes.length);
    file.written += Buffer.from(bytes.subarray(0, count)).toString();
    file.space -= count;
    return count;
  });
  return { file, output, log: createLog('info', output) };
}

for (const code of ['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG', 'EPIPE', 'EBADF', 'EINVAL']) {
  for (const space of [0, 5]) {
    t.test(`after ${code} with space for ${space} bytes, lines are lost and counted`, async (t) => {
      const { file, log } = createOutput();
      log.info('first');
      Object.assign(file, { code, space });
      for (const message of ['a', 'b']) log.info(message);
      log.fatal('c');
      file.code = undefined;
      log.info('last');
      const complete = file.written.split('\n').filter((line) => line.endsWith('}'));
      const messages = complete.map((line) => JSON.parse(line).msg);
      t.same(messages, ['first', '3 lines of the log were lost', 'last']);
    });
  }
}

t.test('lines for a slow reader wait without blocking, up to a bound', async (t) => {
  const { file, output, log } = createOutput();
  Object.assign(file, { code: 'EAGAIN', space: 5 });
  log.info('a');
  log.fatal('b');
  file.code = undefined;
  output.flush();
  t.same(
    file.written
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).msg),
    ['a', 'b'],
  );
  file.code = 'EAGAIN';
  const line = `${'x'.repeat(1023)}\n`;
  for (let count = 0; count < 1030; count++) output.write(line);
  file.code = undefined;
  file.written = '';
  output.flush();
  t.equal(file.written, line.repeat(1024));
  log.info('last');
  t.match(file.written, /6 lines of the log were lost.*\n.*last/);
});

t.test('a full device blocks nothing', { skip: !existsSync('/dev/full') && 'no /dev/full' }, async (t) => {
  const full = openSync('/dev/full', 'w');
  t.teardown(() => closeSync(full));
  const log = createLog('info', new LogOutput((bytes) => writeSync(full, bytes)));
  log.info('a');
  log.fatal('b');
  t.pass('it returned');
});
