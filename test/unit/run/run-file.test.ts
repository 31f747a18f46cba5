import t, { type Test } from 'tap';
import { runFile } from '../../run-file.ts';
import { type Summary, summarise } from '../../summary.ts';

t.setTimeout(300_000);

/** What is reported of a file with that text. */
async function report(t: Test, source: string) {
  const root = t.testdir({ 'a.test.ts': source });
  const { verdict, record, errors } = await runFile(root, 'a.test.ts', process.env);
  const { passed, failed, skipped, failures }: Summary = summarise(record, ['a.test.ts']);
  return { verdict, errors, counts: [passed, failed, skipped], failures };
}

const start = "import t from 'tap';\n";

t.test('assertions are counted, and the file has failed with one of them', async (t) => {
  const good = await report(t, `${start}t.test('x', async (t) => { t.ok(true); t.ok(1); });`);
  t.match(good, { verdict: 'ok', counts: [2, 0, 0], failures: [] });
  const bad = await report(t, `${start}t.test('x', async (t) => { t.ok(true); t.ok(0); });`);
  t.match(bad, { verdict: 'not ok', counts: [1, 1, 0], failures: [{ where: /^a\.test\.ts > x/ }] });
});

t.test('a file that is skipped says why, and one without tests has failed', async (t) => {
  t.match(await report(t, `${start}t.plan(0, 'no network');`), { verdict: 'skip', counts: [0, 0, 1] });
  t.match(await report(t, ''), { verdict: 'not ok', counts: [0, 1, 0] });
  t.match(await report(t, start), { verdict: 'not ok', counts: [0, 1, 0] });
});

t.test('an error that nobody catches fails the file', async (t) => {
  const source = (fault: string) =>
    `${start}t.test('x', async (t) => { t.pass(); ${fault}; await new Promise((r) => setTimeout(r, 50)); });`;
  const faults = [
    "setTimeout(() => { throw new Error('late'); }, 1)",
    "void Promise.reject(new Error('lost'))",
    'setImmediate(() => process.exit(0))',
    "process.kill(process.pid, 'SIGKILL')",
  ];
  for (const fault of faults) {
    const { verdict, counts } = await report(t, source(fault));
    t.equal(verdict, 'not ok', fault);
    t.ok((counts[1] ?? 0) > 0, fault);
  }
  t.match(await report(t, 'console.error("why"); process.exit(3);'), {
    errors: 'why\n',
    failures: [{ details: /exitCode: 3/ }],
  });
});

t.test('a file that does not end in its time has failed', async (t) => {
  const pass = `${start}t.setTimeout(500); t.test('x', async (t) => { t.pass(); });`;
  for (const hanging of ['setInterval(() => {}, 1000);', 'setTimeout(() => { for (;;); }, 100);'])
    t.equal((await report(t, `${pass}\n${hanging}`)).verdict, 'not ok', hanging);
});
