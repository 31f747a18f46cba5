import t from 'tap';
import { reportLanes } from '../../../src/daemon/lane-reports.ts';
import { ReadinessCheck } from '../../../src/daemon/metrics-listener.ts';
import type { Store } from '../../../src/store/store.ts';
import type { LocalVault } from '../../../src/vault/local-vault.ts';
import type { Logger } from '../../../src/watch/log.ts';
import { Metrics } from '../../../src/watch/metrics.ts';

/** Where an operator sees that the daemon writes nothing any more, and why. */

/** Reports with their metrics, log lines and readiness over a store that may fail. */
function newReports() {
  const lines: string[] = [];
  const metrics = new Metrics();
  const log = { error: (line: string) => lines.push(line), warn() {} } as unknown as Logger;
  const lanes = reportLanes(log, metrics, () => 0);
  let failure: Error | undefined;
  const store = {
    async ping() {
      if (failure !== undefined) throw failure;
    },
  } as Store;
  const vault = { unsealed: true } as LocalVault;
  const audit: { refusal: string | undefined } = { refusal: undefined };
  const readiness = new ReadinessCheck({ store, vault, lanes, tokens: { list: () => [] }, audit });
  const sample = async (name: string) =>
    new RegExp(`^${name} (\\d+)$`, 'm').exec(await metrics.registry.metrics())?.[1];
  return {
    lines,
    lanes,
    audit,
    check: () => readiness.check(),
    fail: (message: string) => {
      failure = new Error(message);
    },
    samples: () =>
      Promise.all(['kmipd_store_writes_stopped', 'kmipd_store_rollback_total'].map((name) => sample(name))),
  };
}

for (const [event, rollbacks] of [
  ['rolledBack', '1'],
  ['displaced', '0'],
] as const) {
  t.test(`the readiness check says why nothing is written: ${event}`, async (t) => {
    const { lines, lanes, check, fail, samples } = newReports();
    t.strictSame(await check(), { ready: true });
    t.strictSame(await samples(), ['0', '0']);
    fail('connect ECONNREFUSED 10.0.0.7');
    t.strictSame(await check(), { ready: false, reason: 'the store does not answer' });
    lanes[event]('nothing is written, because of the test');
    t.strictSame(await check(), { ready: false, reason: 'nothing is written, because of the test' });
    t.strictSame(await samples(), ['1', rollbacks]);
    lanes.rolledBack('a later reason');
    t.match(await check(), { reason: 'nothing is written, because of the test' }, 'the first reason stays');
    t.strictSame(lines, ['nothing is written, because of the test', 'a later reason']);
  });
}

t.test('it says that every request is refused while a sink is behind, and names no sink', async (t) => {
  const { audit, check } = newReports();
  audit.refusal = 'the sink "siem" has taken nothing for 60 s: connect ECONNREFUSED 10.0.0.7';
  const reason = 'every request is refused: a sink of the audit log is behind';
  t.strictSame(await check(), { ready: false, reason });
  audit.refusal = undefined;
  t.strictSame(await check(), { ready: true });
});
