import { readFile } from 'node:fs/promises';
import { Bench, formatRow, heading, stop, toHex } from './daemon.ts';
import { createKey, createRequest, encodeGet } from './requests.ts';

/** Get and durable Create beside the echo, cold start, idle memory. */

/** Reads the resident memory of a process in megabytes. */
async function readResidentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
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
