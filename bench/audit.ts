import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Bench, stop, toHex } from './daemon.ts';
import { createKey, createRequest, encodeGet } from './requests.ts';

/**
 * What the audit log costs: Get and durable Create without it, with it, and with `strict`, in turns. Of each
 * the median of all rounds is compared with the median without the log. `--rounds N`, `--seconds N`.
 */

const rounds = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 5;

/** Lines of the configuration in place of others. */
const settings: Readonly<Record<string, readonly [string, string]>> = {
  off: ['#enabled = true', 'enabled = false'],
  on: ['', ''],
  strict: ['#strict = false', 'strict = true'],
};
const loads = [
  ['Get', 16],
  ['Get', 1],
  ['Create (durable)', 16],
  ['Create (durable)', 1],
] as const;

const results = new Map<string, number[]>();

for (let round = 0; round < rounds; round += 1)
  for (const [setting, [before, after]] of Object.entries(settings))
    await Bench.run(async (bench) => {
      const file = join(bench.stateDirectory, 'kmipd.toml');
      const text = readFileSync(file, 'utf8');
      if (!text.includes(before)) throw new Error(`the configuration has no ${before}`);
      writeFileSync(file, text.replace(before, after));
      const { child, port } = await bench.startDaemon();
      const id = await createKey(port, bench.stateDirectory);
      for (const [name, connections] of loads) {
        const request = toHex(name === 'Get' ? encodeGet(id) : createRequest);
        const { perSecond } = await bench.measureLoad({ connections, request, port });
        const key = `${name} ${connections} ${setting}`;
        results.set(key, [...(results.get(key) ?? []), perSecond]);
      }
      await stop(child);
    });

console.log(
  `${'operation'.padEnd(20)} conns  ${Object.keys(settings)
    .map((name) => name.padStart(18))
    .join('')}`,
);
for (const [name, connections] of loads) {
  const rates = Object.keys(settings).map((setting) =>
    median(results.get(`${name} ${connections} ${setting}`)),
  );
  const [without = 0] = rates;
  const cells = rates.map((rate) => `${Math.round(rate)}/s ${percent(without / rate - 1)}`.padStart(18));
  console.log(`${name.padEnd(20)} ${String(connections).padStart(5)}  ${cells.join('')}`);
}

function median(values: readonly number[] = []): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}

/** How much longer a request takes. */
function percent(part: number): string {
  return `${part < 0 ? '' : '+'}${Math.round(100 * part)} %`;
}
