import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import type { SinkEvent } from '../../../src/audit/sinks/formats/event.ts';
import { SinkDeliveryError, type SinkOutput } from '../../../src/audit/sinks/outputs/output.ts';
import type { AuditSinkSettings } from '../../../src/common/audit-sink-settings.ts';
import { common, MemoryLog, TestSinks } from './memory-log.ts';
import { findDisorder, Peer, type Received } from './peers.ts';
import { newPositionsFile } from './start-sinks.ts';

t.setTimeout(240_000);

/** An output in memory that works or not, and tells what arrives. */
class Switch extends Peer implements SinkOutput {
  isWorking = true;
  isHanging = false;
  attempts = 0;

  protected create(): never {
    throw new Error('it does not listen');
  }

  async send(events: readonly SinkEvent[]): Promise<void> {
    this.attempts += 1;
    this.changed();
    if (this.isHanging) await new Promise(() => {});
    if (!this.isWorking) throw new SinkDeliveryError('it is switched off');
    this.take(...events.map((event): Received => (event.type === 'item' ? event.item.number : undefined)));
  }

  watchLoss(): void {}
  reopen(): void {}
  async close(): Promise<void> {}
}

const settingsOf = (changes: Partial<AuditSinkSettings> = {}): AuditSinkSettings =>
  ({ ...common, name: 'siem', type: 'file', format: 'json', path: '/x', ...changes }) as AuditSinkSettings;

/** Starts one sink on an output in memory. */
function start(
  t: { teardown(end: () => Promise<void>): void },
  changes: Partial<AuditSinkSettings>,
  log = new MemoryLog(),
  file = newPositionsFile(),
  output = new Switch(),
) {
  const started = new TestSinks(file, log, () => output);
  log.outlet = started.sinks;
  started.sinks.configure([settingsOf(changes)]);
  t.teardown(() => started.sinks.close());
  return { log, output, started, file, sinks: started.sinks };
}

t.test(
  '"refuse": requests are refused once an entry has waited too long, until it is delivered',
  async (t) => {
    const { log, output, started, sinks } = start(t, { onFailure: 'refuse', deadlineSeconds: 1 });
    log.append(10);
    await output.untilReceived(9);
    t.equal(sinks.refusal(), undefined);
    output.isWorking = false;
    log.append(5);
    await started.until('sinkOverdue');
    t.match(
      sinks.refusal(),
      /^the audit sink "siem" has not taken entries since 20\d\d-\S+Z: it is switched off$/,
    );
    t.match(started.of('sinkOverdue'), [
      { sink: 'siem', isServiceRefused: true, reason: 'it is switched off' },
    ]);
    output.isWorking = true;
    await started.until('sinkRecovered');
    t.equal(sinks.refusal(), undefined);
    t.match(started.of('sinkRecovered'), [{ sink: 'siem', entries: 5 }]);
    t.same(started.of('sinkRecovered')[0]?.['since'], started.of('sinkOverdue')[0]?.['since']);
    t.equal(findDisorder(output.received, 15), undefined);
    t.same(started.of('sinkWorks'), [], 'the recovery says it');
  },
);

t.test('"refuse": requests are refused beyond the bound, and nothing is given up', async (t) => {
  const { log, output, started, sinks } = start(t, { onFailure: 'refuse', maxBacklog: 100 });
  output.isWorking = false;
  log.append(1);
  await started.until('sinkFailed');
  log.append(5_000);
  t.match(sinks.refusal(), /it is switched off$/, 'at once');
  output.isWorking = true;
  await started.until('sinkRecovered');
  await output.untilReceived(5_000);
  t.equal(findDisorder(output.received, 5_001), undefined);
  t.same(started.of('sinkGap'), []);
});

t.test('"alarm": service goes on; what is beyond the bound is one exact gap', async (t) => {
  const { log, output, started, sinks } = start(t, { maxBacklog: 160 });
  log.append(20);
  await output.untilReceived(19);
  output.isWorking = false;
  log.append(100);
  await started.until('sinkFailed');
  log.append(880);
  await started.until('sinkOverdue');
  t.equal(sinks.refusal(), undefined);
  const { attempts } = output;
  await output.until(() => output.attempts > attempts + 2);
  t.same(started.of('sinkGap'), [], 'not while more may be given up');
  output.isWorking = true;
  await started.until('sinkRecovered');
  t.same(started.of('sinkGap'), [{ sink: 'siem', chain: 'c0ffee', from: 20, to: 849 }]);
  t.same(
    output.received.slice(20).filter((number) => number !== undefined),
    Array.from({ length: 150 }, (_, at) => 850 + at),
  );
  t.match(started.of('sinkRecovered'), [{ sink: 'siem', entries: 150 }], 'given up entries are not counted');
  t.equal(started.of('sinkOverdue').length, 1, 'once');
  t.equal(started.of('sinkFailed').length, 1, 'once');
});

t.test('entries that the log has cut are one exact gap', async (t) => {
  const { log, output, started } = start(t, {});
  log.append(20);
  await output.untilReceived(19);
  output.isWorking = false;
  log.append(30_000);
  await started.until('sinkFailed');
  log.cut(10_000);
  output.isWorking = true;
  await output.untilReceived(30_019);
  t.same(started.of('sinkGap'), [{ sink: 'siem', chain: 'c0ffee', from: 20, to: 9_999 }]);
  t.equal(findDisorder(output.received.slice(20), 30_020, 10_000), undefined);
});

t.test('a log that is cut to its end leaves a gap and a sink that works', async (t) => {
  const { log, output, started } = start(t, {});
  output.isWorking = false;
  log.append(20_000);
  await started.until('sinkFailed');
  log.cut(20_000);
  await started.until('sinkGap');
  t.same(started.of('sinkGap'), [{ sink: 'siem', chain: 'c0ffee', from: 0, to: 19_999 }]);
  output.isWorking = true;
  log.append(1);
  await output.untilReceived(20_000);
});

t.test('an output that never ends an attempt delays neither the log nor the end', async (t) => {
  const log = new MemoryLog();
  const [output, other] = [new Switch(), new Switch()];
  output.isHanging = true;
  other.isWorking = false;
  const outputs = new Map([
    ['siem', output],
    ['other', other],
  ]);
  const started = new TestSinks(newPositionsFile(), log, ({ name }) => outputs.get(name) as Switch);
  const { sinks } = started;
  t.teardown(() => sinks.close());
  log.outlet = sinks;
  sinks.configure([settingsOf({ timeoutSeconds: 0.02 }), settingsOf({ name: 'other' })]);
  log.append(1_000);
  await started.until('sinkFailed', 2);
  log.append(1_000);
  const { attempts } = other;
  await other.until(() => other.attempts > attempts + 100);
  t.equal(output.attempts, 1, 'no other attempt begins beside it, however often another sink tries');
  const ofOutput = started.of('sinkFailed').filter(({ sink }) => sink === 'siem');
  t.same(ofOutput, [{ sink: 'siem', reason: 'it does not end' }]);
  await sinks.close();
  t.pass('and the sinks end all the same');
});

t.test('a log that cannot be read, or does not answer, is a failure of the sink', async (t) => {
  const { log, output, started, sinks } = start(t, { timeoutSeconds: 0.5 });
  log.append(1);
  await output.untilReceived(0);
  const error = Object.assign(new Error('canary'), { code: 'EIO' });
  log.hindrance = Promise.reject(error);
  log.hindrance.catch(() => {});
  log.append(30_000);
  await started.until('sinkFailed');
  log.hindrance = undefined;
  await started.until('sinkWorks');
  await output.untilReceived(30_000);
  log.hindrance = new Promise(() => {});
  log.append(30_000);
  await started.until('sinkFailed', 2);
  t.match(
    started.of('sinkFailed').map(({ reason }) => reason),
    ['the audit log cannot be read (EIO)', 'it does not end'],
  );
  t.equal(findDisorder(output.received, 30_001), undefined);
  t.notMatch(JSON.stringify(started.events), 'canary');
  await sinks.close();
});

t.test(
  'after a restart delivery goes on where it stopped, with entries of processes that have ended',
  async (t) => {
    const first = start(t, {});
    const { log, file } = first;
    log.append(500);
    await first.output.untilReceived(499);
    await first.sinks.close();
    t.equal(JSON.parse(readFileSync(file, 'utf8')).sinks.siem.chains.c0ffee, 500);
    log.outlet = undefined;
    log.append(300);
    log.append(50, 'command');
    const second = start(t, {}, log, file);
    log.append(10, 'second');
    await second.output.until(() => second.output.received.length >= 360);
    t.same(second.output.received, [
      ...Array.from({ length: 300 }, (_, at) => 500 + at),
      ...Array.from({ length: 50 }, (_, at) => at),
      ...Array.from({ length: 10 }, (_, at) => at),
    ]);
    t.same(second.started.events, []);
  },
);

const hour = 3_600_000;

t.test('entries that wait too long over a restart refuse service after one attempt', async (t) => {
  const first = start(t, { onFailure: 'refuse', deadlineSeconds: 0.05 });
  first.output.isWorking = false;
  first.log.append(3);
  first.sinks.acceptCheckpoint('signed');
  await first.started.until('sinkOverdue');
  await first.sinks.close();
  // As if it had stopped an hour ago.
  const stored = JSON.parse(readFileSync(first.file, 'utf8'));
  stored.sinks.siem.since -= hour;
  writeFileSync(first.file, JSON.stringify(stored));
  const output = new Switch();
  output.isWorking = false;
  const second = start(t, { onFailure: 'refuse', deadlineSeconds: 0.05 }, first.log, first.file, output);
  t.equal(second.sinks.refusal(), undefined);
  await second.started.until('sinkOverdue');
  const [before, after] = [first, second].map(({ started }) =>
    Number(started.of('sinkOverdue')[0]?.['since'] as Date),
  );
  // The clock of the system and that of the process may differ by some milliseconds.
  t.ok(Math.abs(Number(before) - hour - Number(after)) < 500, `${before} and ${after}: since the same time`);
  output.isWorking = true;
  await second.started.until('sinkRecovered');
  await output.until(() => output.received.length >= 4);
  t.same(output.received.toSorted(), [0, 1, 2, undefined], 'the checkpoint has survived too');
});

t.test('a file of positions that is torn delivers the whole log again, with a clear line', async (t) => {
  const first = start(t, {});
  first.log.append(100);
  await first.output.untilReceived(99);
  await first.sinks.close();
  const text = readFileSync(first.file, 'utf8');
  writeFileSync(first.file, text.slice(0, text.length / 2));
  const second = start(t, {}, first.log, first.file);
  await second.output.untilReceived(99);
  t.equal(findDisorder(second.output.received, 100), undefined);
  t.match(second.started.events, [
    { type: 'cursorsUnusable', event: { file: first.file, reason: 'it is torn or was altered' } },
  ]);
  t.ok(existsSync(`${first.file}.unusable`), 'it is kept');
  await second.sinks.close();
  writeFileSync(first.file, readFileSync(first.file, 'utf8').replace(':100', ':900'));
  const third = start(t, {}, first.log, first.file);
  await third.output.untilReceived(99);
  t.match(third.started.events, [{ type: 'positionWrong', event: { sink: 'siem', chain: 'c0ffee' } }]);
});

t.test('a new sink gets what is recorded from then on', async (t) => {
  const log = new MemoryLog();
  log.append(50);
  const { output, sinks, file } = start(t, {}, log);
  log.append(1);
  await output.untilReceived(50);
  t.same(output.received, [50]);
  await sinks.close();
  t.equal(JSON.parse(readFileSync(file, 'utf8')).sinks.siem.chains.c0ffee, 51);
});

t.test('a changed sink goes on where it was, one that is removed is forgotten', async (t) => {
  const outputs: Switch[] = [];
  const log = new MemoryLog();
  const create = () => {
    const output = new Switch();
    outputs.push(output);
    return output;
  };
  const { sinks } = new TestSinks(newPositionsFile(), log, create);
  t.teardown(() => sinks.close());
  log.outlet = sinks;
  const output = (at: number) => outputs[at] as Switch;
  sinks.configure([settingsOf()]);
  log.append(10);
  await output(0).untilReceived(9);
  output(0).isHanging = true;
  log.append(10);
  sinks.configure([settingsOf({ maxBacklog: 5_000 }), settingsOf({ name: 'other' })]);
  log.append(10);
  await output(1).untilReceived(29);
  t.equal(findDisorder(output(1).received, 30, 10), undefined);
  await output(2).untilReceived(29);
  t.same(output(2).received[0], 20);
  sinks.configure([settingsOf({ name: 'other' })]);
  log.append(10);
  await output(2).untilReceived(39);
  sinks.configure([settingsOf({ name: 'other' }), settingsOf()]);
  log.append(10);
  await output(3).untilReceived(49);
  t.equal(output(3).received[0], 40);
  t.same(
    sinks.status().map(({ sink }) => sink),
    ['other', 'siem'],
  );
});

t.test('sinks get only what they are for, and a burst of checkpoints is bounded', async (t) => {
  const { log, output, started, sinks } = start(t, { records: false });
  output.isWorking = false;
  log.append(10);
  for (let count = 0; count < 300; count++) sinks.acceptCheckpoint(`checkpoint ${count}`);
  await started.until('sinkFailed');
  t.equal(started.of('checkpointsDropped').length, 1);
  output.isWorking = true;
  await output.until(() => output.received.length >= 256);
  t.same(new Set(output.received), new Set([undefined]));
  const records = start(t, { checkpoints: false });
  records.sinks.acceptCheckpoint('x');
  records.log.append(3);
  await records.output.untilReceived(2);
  t.same(records.output.received, [0, 1, 2]);
});
