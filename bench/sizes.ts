/**
 * How the size of the database counts: `node bench/sizes.ts [--sizes 10000,100000,1000000] [--store URL]
 * [--seconds N]`. Each row is measured at each size with one connection; the last column is its median beside
 * that at the smallest size. A store other than SQLite has to be empty.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  connect,
  encode,
  enumerated,
  integer,
  item,
  requestMessage,
  structure,
  text,
} from '../test/client.ts';
import { Bench, stop, toHex } from './daemon.ts';

const argument = (name: string) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
const sizes = (argument('--sizes') ?? '10000,100000,1000000').split(',').map(Number);
const store = argument('--store');

type Node = ReturnType<typeof text>;
const attribute = (name: string, value: Node) => structure('Attribute', text('AttributeName', name), value);
const message = (operation: string, ...payload: Node[]) =>
  encode(requestMessage('1.4', [{ operation, payload }]));
/** Activation Dates are one second apart, so that a range has as many objects as it has seconds. */
const firstDate = 1_500_000_000;

const name = (at: number) =>
  attribute('Name', structure('AttributeValue', text('NameValue', `key ${at}`), enumerated('NameType', 1)));

const template = (at: number) =>
  structure(
    'TemplateAttribute',
    attribute('Cryptographic Algorithm', enumerated('AttributeValue', 3)),
    attribute('Cryptographic Length', integer('AttributeValue', 256)),
    attribute('Cryptographic Usage Mask', integer('AttributeValue', 12)),
    attribute('Name', structure('AttributeValue', text('NameValue', `key ${at}`), enumerated('NameType', 1))),
    attribute('Activation Date', item('AttributeValue', 'DateTime', firstDate + at)),
  );

/** Creates objects up to a size, in batches. */
async function fill(port: number, home: string, from: number, to: number): Promise<void> {
  const client = await connect({ port, home });
  for (let at = from; at < to; at += 500) {
    const items = Array.from({ length: 500 }, (_, index) => ({
      operation: 'Create',
      payload: [enumerated('ObjectType', 2), template(at + index)],
    }));
    await client.send(encode(requestMessage('1.4', items)));
  }
  await client.close();
}

function requests(size: number, id: string): readonly (readonly [string, Uint8Array])[] {
  const middle = firstDate + (size >> 1);
  return [
    ['Get', message('Get', text('UniqueIdentifier', id))],
    ['Create', message('Create', enumerated('ObjectType', 2), template(size))],
    ['Locate by name', message('Locate', name(size >> 1))],
    ['Locate, first page', message('Locate', integer('MaximumItems', 10))],
    [
      'Locate, Active, 10 dates',
      message(
        'Locate',
        attribute('State', enumerated('AttributeValue', 2)),
        attribute('Activation Date', item('AttributeValue', 'DateTime', middle)),
        attribute('Activation Date', item('AttributeValue', 'DateTime', middle + 9)),
      ),
    ],
  ];
}

async function readResidentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

async function identifierOf(port: number, home: string, size: number): Promise<string> {
  const client = await connect({ port, home });
  const [, locate] = requests(size, '')[2] as readonly [string, Uint8Array];
  const answer = toHex(await client.send(locate));
  await client.close();
  const at = answer.indexOf('42009407') / 2;
  if (at < 0) throw new Error(`the object in the middle of ${size} is not found`);
  return Buffer.from(answer, 'hex').toString('latin1', at + 8, at + 8 + 36);
}

/** Verifies the database of a home; returns how long that takes, and how much of it on processors. */
function measureVerification(home: string): string {
  const verify = [process.execPath, join(import.meta.dirname, '../src/main.ts'), 'verify', '--home', home];
  const started = performance.now();
  // `times` prints the processor time of the shell, then that of its children: user and system.
  const times = execFileSync('sh', ['-c', '"$@" >&2 && times', 'sh', ...verify], { encoding: 'utf8' });
  const seconds = (performance.now() - started) / 1000;
  const spent = [...(times.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  const busy = spent.reduce((sum, [, minutes, rest]) => sum + 60 * Number(minutes) + Number(rest), 0);
  return `${seconds.toFixed(1)} s, ${busy.toFixed(1)} s of processors`;
}

await Bench.run(async (bench) => {
  const home = bench.stateDirectory;
  const smallest = new Map<string, number>();
  let made = 0;
  for (const size of sizes) {
    const filling = await bench.startDaemon();
    const began = performance.now();
    await fill(filling.port, home, made, size);
    const perObject = ((performance.now() - began) * 1000) / (size - made);
    made = size;
    await stop(filling.child);
    const before = performance.now();
    const { child, port } = await bench.startDaemon();
    const start = Math.round(performance.now() - before);
    const id = await identifierOf(port, home, size);
    for (const [name, request] of requests(size, id)) {
      const { p50, p99 } = await bench.measureLoad({ port, connections: 1, request: toHex(request) });
      const base = smallest.get(name) ?? p50;
      smallest.set(name, base);
      console.log(
        `${String(size).padStart(8)} ${name.padEnd(26)} p50 ${String(p50).padStart(6)} µs  p99 ${String(p99).padStart(6)} µs  × ${(p50 / base).toFixed(2)}`,
      );
    }
    const memory = await readResidentMegabytes(child.pid as number);
    await stop(child);
    const file = join(home, 'kmipd.db');
    const stored = existsSync(file) ? `${Math.round(statSync(file).size / size)} bytes an object, ` : '';
    const verified = measureVerification(home);
    console.log(
      `${String(size).padStart(8)} ${perObject.toFixed(0)} µs a Create in batches of 500, ${stored}start ${start} ms, memory ${memory} MB, verify ${verified}`,
    );
  }
}, store);
