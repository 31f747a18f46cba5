import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { initialiseStateDirectory, KmipdProcess, mainFile } from '../fixture/kmipd.ts';
import { tryDestroy } from './try-destroy.ts';

// Every test starts several processes, which takes long on a loaded machine.
t.setTimeout(900_000);

const home = join(t.testdir(), 'home');
const serve = ['serve', '--home', home, '--listen', '127.0.0.1:0'];

t.before(() => initialiseStateDirectory(home));

/** Ports on which a process listens, over TCP and IPv4 (proc(5)). */
function listeningPorts(pid: number): number[] {
  const sockets = readdirSync(`/proc/${pid}/fd`).map((fd) => readDescriptor(`/proc/${pid}/fd/${fd}`));
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1);
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === '0A' && sockets.includes(`socket:[${inode}]`))
    .map(([, address = '']) => Number.parseInt(address.split(':')[1] ?? '', 16));
}

/** What a descriptor stands for; nothing when it was closed since it was listed. */
function readDescriptor(link: string): string {
  try {
    return readlinkSync(link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** The ways to start the daemon; with the option, Node has no moment in which the signal opens a port. */
const starts = [
  { name: 'plain node', command: [process.execPath, mainFile], hasOption: false },
  { name: 'npm start', command: [process.execPath, '--disable-sigusr1', mainFile], hasOption: true },
  { name: 'the bin file', command: [mainFile], hasOption: true },
];

for (const { name, command, hasOption } of starts) {
  for (const milliseconds of [0, 5, 20, 100]) {
    t.test(`SIGUSR1 leaves no port open ${milliseconds} ms after ${name} has begun`, async (t) => {
      const daemon = new KmipdProcess(serve, { command });
      t.teardown(() => daemon.end('SIGKILL'));
      await setTimeout(milliseconds);
      daemon.signal('SIGUSR1');
      // Until Node blocks the signal, the kernel's default applies, which ends the process.
      const ready = await daemon.ready().catch(() => undefined);
      if (ready === undefined) t.equal(await daemon.exited(), 'SIGUSR1');
      else t.same(listeningPorts(daemon.pid), [ready.port]);
      if (hasOption) t.notMatch(daemon.errors, 'Debugger');
    });
  }

  t.test(`SIGUSR1 changes nothing once ${name} is ready`, async (t) => {
    const daemon = new KmipdProcess(serve, { command });
    t.teardown(() => daemon.end('SIGKILL'));
    const { port } = await daemon.ready();
    for (let count = 0; count < 5; count++) daemon.signal('SIGUSR1');
    t.equal(await tryDestroy(port, join(home, 'clients', 'demo')), 'permitted');
    t.same(listeningPorts(daemon.pid), [port]);
    t.equal(await daemon.end('SIGTERM'), 0);
    t.equal(daemon.errors, '');
  });
}

t.test('npm start has the option of the first line of main.ts', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
  t.match(scripts.start, 'node --disable-sigusr1 src/main.ts');
  t.match(readFileSync(mainFile, 'utf8'), /^#!.* node --disable-sigusr1\n/);
});

t.test('the daemon switches core dumps off, or warns', async (t) => {
  const raised = ['sh', '-c', 'ulimit -c unlimited 2>/dev/null; exec "$@"', 'sh'];
  const command = [...raised, process.execPath, mainFile];
  const daemon = new KmipdProcess(serve, { command });
  t.teardown(() => daemon.end('SIGKILL'));
  await daemon.ready();
  t.match(readFileSync(`/proc/${daemon.pid}/limits`, 'latin1'), /^Max core file size +0 +0 /m);
  t.notMatch(daemon.output, 'core dumps are possible');
  t.equal(await daemon.end('SIGTERM'), 0);

  const without = new KmipdProcess(serve, { command: ['/bin/sh', ...command.slice(1)], env: { PATH: '' } });
  t.teardown(() => without.end('SIGKILL'));
  await without.ready();
  const limit = /^Max core file size +(\S+) /m.exec(
    readFileSync(`/proc/${without.pid}/limits`, 'latin1'),
  )?.[1];
  t.equal(without.output.includes('core dumps are possible'), limit !== '0', `the limit is ${limit}`);
});

t.test('the daemon warns of options of Node that expose its memory', async (t) => {
  const exposing = ['--heapsnapshot-signal=SIGUSR2', '--report-on-signal'];
  const daemon = new KmipdProcess(serve, {
    command: [process.execPath, ...exposing, '--disable-sigusr1', mainFile],
  });
  t.teardown(() => daemon.end('SIGKILL'));
  await daemon.ready();
  const line = daemon.output.split('\n').find((each) => each.includes('keys can be read from its memory'));
  t.same(JSON.parse(line ?? '{}').keys, exposing);
});
