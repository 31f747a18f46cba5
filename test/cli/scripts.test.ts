import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { execute, fits, parseScript, prepare } from './script.ts';

const scripts = join(import.meta.dirname, 'scripts');
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

t.test('a pattern of a script matches its lines and no others', (t) => {
  t.ok(fits('', []));
  t.notOk(fits('a\n', []));
  t.ok(fits('a b c\n', ['a ... c']));
  t.notOk(fits('a b\nc\n', ['a ... c']));
  t.ok(fits('a\nb\nc\n', ['a', '...']));
  t.notOk(fits('a.b\n', ['a+b']));
  t.end();
});

// Every step starts one process or several.
t.setTimeout(900_000);
t.jobs = 2;

for (const name of readdirSync(scripts)) {
  const text = readFileSync(join(scripts, name), 'utf8');
  const skip = /\bopenssl /.test(text) && !hasOpenssl && 'no openssl command';
  t.test(name, { skip, buffered: true }, async (t) => {
    const directory = realpathSync(t.testdir());
    const env = prepare(directory);
    for (const step of parseScript(text)) {
      const outcome = await execute(step.command, directory, env);
      const output = outcome.output.replaceAll(directory, 'DIR');
      const errors = outcome.errors.replaceAll(directory, 'DIR');
      const what = `${name}:${step.line}: ${step.command}`;
      t.equal(outcome.code, step.code, `${what}: exit code`, { output, errors });
      t.ok(fits(output, step.output), `${what}: output`, { output, expected: step.output });
      t.ok(fits(errors, step.errors), `${what}: errors`, { errors, expected: step.errors });
      // Operators never see a stack.
      t.notMatch(errors, /^ +at /m, `${what}: no stack`);
    }
  });
}
