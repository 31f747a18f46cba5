import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';

t.test('a daemon without descriptors starts no process, and the next one works', async (t) => {
  const daemon = spawn(
    'sh',
    [
      '-c',
      'ulimit -n 64; exec "$@"',
      'sh',
      ...[process.execPath, join(import.meta.dirname, 'starved-daemon.ts')],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [output, [code]] = await Promise.all([text(daemon.stdout), once(daemon, 'exit')]);
  t.equal(code, 0, 'no error is left unhandled');
  const answers: string[] = JSON.parse(output);
  const works = 'TokenFailure: no library is loaded';
  t.equal(answers[0], works);
  t.equal(answers.at(-1), works);
  const failures = answers.filter((answer) => answer !== works);
  t.equal(answers[1], 'not started: its process cannot be started: too many open files');
  for (const failure of failures) t.match(failure, /^(not started|ProcessEndedError): its process /);
});
