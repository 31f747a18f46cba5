import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import type { AuditSinkSettings } from '../../src/common/audit-sink-settings.ts';
import { directory, files, server, syslog } from '../faults/sinks/kinds.ts';
import { MemoryLog } from '../faults/sinks/memory-log.ts';
import { findDisorder } from '../faults/sinks/peers.ts';
import { startSinks } from '../faults/sinks/start-sinks.ts';
import { freePort } from '../store/embedded-postgres.ts';

/** rsyslog as the receiver of the audit log: by TCP, and by TLS with certificates on both sides. */

t.setTimeout(240_000);

/** The directory below which Debian's packages were unpacked. */
const root = process.env['KMIPD_TEST_RSYSLOG'] ?? '/';
const program = join(root, 'usr/sbin/rsyslogd');
const [modules] = globSync(join(root, 'usr/lib/*/rsyslog'));
const drivers = { tcp: 'lmnsd_ptcp.so', tls: 'lmnsd_ossl.so' };

/** Returns what is missing for a transport. */
function findMissing(transport: keyof typeof drivers): string | false {
  const isThere =
    existsSync(program) && modules !== undefined && existsSync(join(modules, drivers[transport]));
  return isThere ? false : 'rsyslog and rsyslog-openssl are not installed';
}

/** What rsyslog passes on, a line for each message, with the parts that it has understood. */
class Receiver {
  readonly messages: { readonly head: string; readonly number: number | undefined }[] = [];
  readonly #emitter = new EventEmitter();
  readonly #server = createServer((socket) => {
    socket.on('error', () => {});
    createInterface(socket).on('line', (line) => {
      const at = line.indexOf('{');
      const { number } = JSON.parse(line.slice(at)) as { number?: number };
      this.messages.push({ head: line.slice(0, at), number });
      this.#emitter.emit('message');
    });
  });

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async untilReceived(number: number): Promise<void> {
    while (!this.messages.some((each) => each.number === number)) await once(this.#emitter, 'message');
  }

  close(): void {
    this.#server.close();
  }
}

let instances = 0;

/** Writes a configuration that takes messages on `port` and passes them on to `target`. */
function writeConfiguration(transport: keyof typeof drivers, port: number, target: number): string {
  const work = join(directory, `rsyslog-${++instances}`);
  mkdirSync(work);
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(work, name)) as [string, string];
  writeFileSync(cert, server.cert);
  writeFileSync(key, server.key, { mode: 0o600 });
  const tls =
    'StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid" ' +
    `StreamDriver.CAFile="${files.ca}" StreamDriver.CertFile="${cert}" StreamDriver.KeyFile="${key}"`;
  const names = ['pri', 'hostname', 'app-name', 'msgid', 'structured-data'];
  const properties = names.map((name) => `property(name="${name}") constant(value=" ")`).join(' ');
  const file = join(work, 'rsyslog.conf');
  writeFileSync(
    file,
    `global(workDirectory="${work}" maxMessageSize="64k")
module(load="imtcp")
template(name="passed" type="list") { ${properties} property(name="msg") constant(value="\\n") }
input(type="imtcp" address="127.0.0.1" port="${port}" ${transport === 'tls' ? tls : ''})
action(type="omfwd" target="127.0.0.1" port="${target}" protocol="tcp" template="passed"
  action.resumeRetryCount="-1" action.resumeInterval="1")
`,
  );
  return file;
}

/** Starts rsyslog, and returns what ends it as an operator does. */
function startRsyslog(t: Test, file: string): () => Promise<void> {
  const args = ['-n', '-f', file, '-i', 'NONE', '-M', modules ?? ''];
  const child: ChildProcess = spawn(program, args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  t.teardown(() => end('SIGKILL'));
  return () => end('SIGTERM');
}

for (const transport of ['tcp', 'tls'] as const)
  t.test(
    `rsyslog gets every entry by ${transport}, and again after it was restarted`,
    { skip: findMissing(transport) },
    async (t) => {
      const receiver = new Receiver();
      const target = await receiver.listen();
      t.teardown(() => receiver.close());
      const port = await freePort();
      const file = writeConfiguration(transport, port, target);
      const stop = startRsyslog(t, file);
      const log = new MemoryLog();
      const settings: AuditSinkSettings = {
        ...syslog({ transport, host: '127.0.0.1', port }, ...(transport === 'tls' ? [files] : [])),
        timeoutSeconds: 10,
      };
      const started = startSinks(t, log, [settings]);
      log.append(2_000);
      await receiver.untilReceived(1_999);
      t.match(
        receiver.messages[0]?.head,
        /^134 h kmipd message \[origin software="kmipd" swVersion="1"\]\[meta sequenceId="1"\] $/,
      );
      started.sinks.acceptCheckpoint('kmipd checkpoint 2\n');
      await stop();
      log.append(500);
      await started.until('sinkFailed');
      startRsyslog(t, file);
      await receiver.untilReceived(2_499);
      await started.until('sinkWorks');
      t.equal(
        findDisorder(
          receiver.messages.map(({ number }) => number),
          2_500,
        ),
        undefined,
      );
      t.ok(receiver.messages.some(({ head }) => / kmipd checkpoint \[/.test(head)));
    },
  );
