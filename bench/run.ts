import { readFile } from 'node:fs/promises';
import { connect, encode, enumerated, integer, requestMessage, structure, text } from '../test/client.ts';
import { Bench, heading, hex, row, stop } from './daemon.ts';

/** Get and durable Create beside the echo, cold start, idle memory. */

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

await Bench.in(async (bench) => {
  await stop((await bench.kmipd()).child);
  const before = performance.now();
  const { child, port } = await bench.kmipd();
  const coldStart = Math.round(performance.now() - before);
  const idle = await residentMegabytes(child.pid as number);
  const id = await createdKey(port, bench.home);

  console.log(heading);
  for (const connections of [1, 16]) {
    for (const [name, request] of [
      ['Get', get(id)],
      ['Create (durable)', create],
    ] as const) {
      const job = { connections, request: hex(request) };
      const ours = await bench.load({ ...job, port });
      const ceiling = await bench.echo(job, ours.responseBytes);
      console.log(row(`${name} echo`, connections, ceiling));
      console.log(row(name, connections, ours, ceiling));
    }
  }
  console.log(`cold start to ready ${coldStart} ms · idle memory ${idle} MB`);
});
