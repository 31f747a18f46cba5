import { connect, readIdentity } from '../test/client.ts';

/**
 * Load generator: keeps one request in flight on each of `connections` connections for `seconds`. Argument:
 * the job as JSON. Prints the measurement as JSON.
 */
export interface Job {
  readonly port: number;
  /** Directory with ca.pem, cert.pem, key.pem. */
  readonly identity: string;
  readonly connections: number;
  readonly seconds: number;
  /** The request in hex. */
  readonly request: string;
}

export interface Measurement {
  readonly requests: number;
  readonly perSecond: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly responseBytes: number;
}

async function measure(job: Job): Promise<Measurement> {
  const identity = await readIdentity(job.identity);
  const request = Buffer.from(job.request, 'hex');
  const clients = await Promise.all(
    Array.from({ length: job.connections }, () => connect({ ...identity, port: job.port })),
  );
  const warm = await Promise.all(clients.map((client) => client.send(request)));
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + job.seconds * 1000;
  await Promise.all(
    clients.map(async (client) => {
      for (let now = performance.now(); now < end; ) {
        await client.send(request);
        const after = performance.now();
        latencies.push(after - now);
        now = after;
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  await Promise.all(clients.map((client) => client.close()));
  latencies.sort((a, b) => a - b);
  const at = (part: number) => Math.round((latencies[Math.floor(latencies.length * part)] ?? 0) * 1000);
  return {
    requests: latencies.length,
    perSecond: Math.round(latencies.length / seconds),
    p50: at(0.5),
    p99: at(0.99),
    responseBytes: warm[0]?.length ?? 0,
  };
}

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2] ?? '{}') as Job)));
