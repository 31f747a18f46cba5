import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';
import { waitUntil } from '../wait-until.ts';

t.setTimeout(900_000);

const serve = ['serve', '--home', 'home', '--listen', '127.0.0.1:0', '--metrics', '127.0.0.1:0'];
const fileSink = (name: string) =>
  `[[audit.sinks]]\nname = "${name}"\ntype = "file"\npath = "${name}.jsonl"\n`;

t.test('sinks are checked by check-config, exported as metrics, and reloaded', async (t) => {
  const directory = t.testdir();
  const home = join(directory, 'home');
  const write = (text: string) => writeFileSync(join(home, 'kmipd.toml'), text);
  const check = async () => {
    const command = await runKmipd(directory, 'check-config', '--home', 'home');
    return { code: await command.exited(), errors: command.errors };
  };
  t.equal(await (await runKmipd(directory, 'init', '--home', 'home')).exited(), 0);

  write(`${fileSink('archive')}facility = "cron"\n`);
  t.match(await check(), {
    code: 1,
    errors: /kmipd\.toml: "audit\.sinks\.archive\.facility" is for sinks of type "syslog" only$/m,
  });
  const token = 'type = "https"\nurl = "https://127.0.0.1:1/"\ntokenFile = "token"\n';
  write(
    `[[audit.sinks]]\nname = "web"\n${token}${fileSink('no/such')}`.replace(
      'name = "no/such"',
      'name = "lost"',
    ),
  );
  const { code, errors } = await check();
  t.equal(code, 0, 'the daemon would start');
  t.match(errors, /^kmipd: warning: audit sink web: the token .*token: there is no such file or directory$/m);
  t.match(errors, /^kmipd: warning: audit sink lost: .*home\/no does not exist$/m);

  write(fileSink('archive'));
  t.equal((await check()).code, 0);
  t.notOk(existsSync(join(home, 'archive.jsonl')), 'check-config creates no file');
  const daemon = new KmipdProcess(serve, { cwd: directory });
  t.teardown(() => daemon.end('SIGKILL'));
  await daemon.ready();
  const [, metrics] = await daemon.waitForOutput(/metrics on (\S+)\)/);
  const read = async () => (await (await fetch(`http://${metrics}/metrics`)).text()).split('\n');
  const samples = async () => (await read()).filter((line) => line.startsWith('kmipd_audit_sink_'));
  t.match(await samples(), [
    'kmipd_audit_sink_up{sink="archive"} 1',
    /^kmipd_audit_sink_backlog\{sink="archive"\} \d+$/,
    /^kmipd_audit_sink_delivered_total\{sink="archive"\} \d+$/,
  ]);

  write(fileSink('archive') + fileSink('second'));
  t.match(await daemon.reload(), /audit sinks/);
  await waitUntil('the samples of two sinks', async () => (await samples()).length === 6);
  t.match(await samples(), [/archive/, 'kmipd_audit_sink_up{sink="second"} 1']);
  write(`${fileSink('second')}path = 1\n`);
  t.match(await daemon.reload(), /reload failed/);
  t.equal((await samples()).length, 6, 'a configuration that cannot be used changes nothing');
  write(fileSink('second'));
  await daemon.reload();
  await waitUntil('the samples of one sink alone', async () => (await samples()).length === 3);
  t.equal(await daemon.end('SIGTERM'), 0);
  t.equal(statSync(join(home, 'audit', 'sinks.json')).mode & 0o777, 0o600);
});
