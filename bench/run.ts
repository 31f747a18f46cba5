import { readFile } from 'node:fs/promises';
import { connect, encode, enumerated, integer, requestMessage, structure, text } from '../test/client.ts';
import { Bench, formatRow, heading, stop, toHex } from './daemon.ts';

/** Get and durable Create beside the echo, cold start, idle memory. */

function attribute(name: string, value: ReturnType<typeof text>) {
  return structure('Attribute', text('AttributeName', name), value);
}

const createRequest = encode(
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

function encodeGet(id: string): Uint8Array {
  return encode(requestMessage('1.4', [{ operation: 'Get', payload: [text('UniqueIdentifier', id)] }]));
}

/** Reads the resident memory of a process in megabytes. */
async function readResidentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

async function createKey(port: number, home: string): Promise<string> {
  const client = await connect({ port, home });
  const answer = await client.send(createRequest);
  await client.close();
  const at = toHex(answer).indexOf(`420094${'07'}`) / 2;
  return Buffer.from(answer.subarray(at + 8, at + 8 + 36)).toString();
}

await Bench.run(async (bench) => {
  await stop((await bench.startDaemon()).child);
  const before = performance.now();
  const { child, port } = await bench.startDaemon();
  const coldStart = Math.round(performance.now() - before);
  const idle = await readResidentMegabytes(child.pid as number);
  const id = await createKey(port, bench.stateDirectory);

  console.log(heading);
  for (const connections of [1, 16]) {
    for (const [name, request] of [
      ['Get', encodeGet(id)],
      ['Create (durable)', createRequest],
    ] as const) {
      const job = { connections, request: toHex(request) };
      const ours = await bench.measureLoad({ ...job, port });
      const ceiling = await bench.measureEcho(job, ours.responseBytes);
      console.log(formatRow(`${name} echo`, connections, ceiling));
      console.log(formatRow(name, connections, ours, ceiling));
    }
  }
  console.log(`cold start to ready ${coldStart} ms · idle memory ${idle} MB`);
});
