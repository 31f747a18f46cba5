import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { connect, encode, enumerated, integer, requestMessage, structure, text } from '../test/client.ts';
import type { Job, Measurement } from './load.ts';

const run = promisify(execFile);
const here = import.meta.dirname;
const seconds = Number(process.argv[process.argv.indexOf('--seconds') + 1]) || 3;

/** Starts a process and gives its first line that `ready` recognises. */
async function start(
  file: string,
  args: readonly string[],
  ready: RegExp,
): Promise<{ child: ChildProcess; found: string }> {
  const child = spawn(process.execPath, [file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(home, 'compiled') },
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const found = ready.exec(line)?.[1];
    if (found !== undefined) {
      child.stdout.resume();
      return { child, found };
    }
  }
  throw new Error(`${file} ended before it was ready`);
}

async function load(job: Job): Promise<Measurement> {
  const { stdout } = await run(process.execPath, [join(here, 'load.ts'), JSON.stringify(job)]);
  return JSON.parse(stdout) as Measurement;
}

function attribute(name: string, value: ReturnType<typeof text>) {
  return structure('Attribute', text('AttributeName', name), value);
}

const create = encode(
  requestMessage('1.4', [
    {
      operation: 'Create',
      payload: [
        enumerated('ObjectType', 2),
        structure(
          'TemplateAttribute',
          attribute('Cryptographic Algorithm', enumerated('AttributeValue', 3)),
          attribute('Cryptographic Length', integer('AttributeValue', 256)),
          attribute('Cryptographic Usage Mask', integer('AttributeValue', 12)),
        ),
      ],
    },
  ]),
);

function get(id: string): Uint8Array {
  return encode(requestMessage('1.4', [{ operation: 'Get', payload: [text('UniqueIdentifier', id)] }]));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** As `npm start` starts it, with compiled modules kept between starts; and the milliseconds until it was ready. */
async function startKmipd(): Promise<[kmipd: { child: ChildProcess; found: string }, milliseconds: number]> {
  const before = performance.now();
  const words = ['serve', '--home', home, '--listen', '127.0.0.1:0'];
  const kmipd = await start(join(here, '../src/main.ts'), words, /ready on [^ ]*:(\d+)/);
  return [kmipd, Math.round(performance.now() - before)];
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}

/** Megabytes of memory a process holds. */
async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

async function createdKey(port: number, home: string): Promise<string> {
  const client = await connect({ port, home });
  const answer = await client.send(create);
  await client.close();
  const at = hex(answer).indexOf(`420094${'07'}`) / 2;
  return Buffer.from(answer.subarray(at + 8, at + 8 + 36)).toString();
}

function row(name: string, connections: number, ours: Measurement, echo?: Measurement): string {
  const share = echo === undefined ? '' : `${Math.round((100 * ours.perSecond) / echo.perSecond)} %`;
  return [
    name.padEnd(22),
    String(connections).padStart(5),
    String(ours.perSecond).padStart(8),
    String(ours.p50).padStart(8),
    String(ours.p99).padStart(8),
    share.padStart(9),
  ].join(' ');
}

const home = await mkdtemp(join(tmpdir(), 'kmipd-bench-'));
const children: ChildProcess[] = [];
try {
  await run(process.execPath, [join(here, '../src/main.ts'), 'init', '--home', home]);
  const [first] = await startKmipd();
  await stop(first.child);
  const [kmipd, coldStart] = await startKmipd();
  children.push(kmipd.child);
  const port = Number(kmipd.found);
  const idle = await residentMegabytes(kmipd.child.pid as number);
  const identity = join(home, 'clients/demo');
  const id = await createdKey(port, home);

  console.log(`${'operation'.padEnd(22)} conns    req/s  p50 µs  p99 µs  of echo`);
  for (const connections of [1, 16]) {
    for (const [name, request] of [
      ['Get', get(id)],
      ['Create (durable)', create],
    ] as const) {
      const job = { identity, connections, seconds, request: hex(request) };
      const ours = await load({ ...job, port });
      const echo = await start(
        join(here, 'echo.ts'),
        [join(home, 'server'), join(home, 'ca/ca.pem'), String(ours.responseBytes)],
        /(\d+)/,
      );
      children.push(echo.child);
      const ceiling = await load({ ...job, port: Number(echo.found) });
      await stop(echo.child);
      console.log(row(`${name} echo`, connections, ceiling));
      console.log(row(name, connections, ours, ceiling));
    }
  }
  console.log(`cold start to ready ${coldStart} ms · idle memory ${idle} MB`);
} finally {
  await Promise.all(
    children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null).map(stop),
  );
  await rm(home, { recursive: true, force: true });
}
