import t from 'tap';
import { kinds } from './kinds.ts';
import { MemoryLog } from './memory-log.ts';
import { type Behaviour, findDisorder, type HttpPeer } from './peers.ts';
import { startSinks } from './start-sinks.ts';

t.setTimeout(240_000);

const entries = 3_000;

for (const [name, create] of Object.entries(kinds)) {
  for (const behaviour of ['serve', 'slow'] as readonly Behaviour[])
    t.test(`${name}: a peer that behaves like "${behaviour}" gets every entry in order`, async (t) => {
      const { peer, settings } = create();
      peer.behaviour = behaviour;
      await peer.listen();
      t.teardown(() => peer.stop());
      const log = new MemoryLog();
      const started = startSinks(t, log, [settings()]);
      log.append(entries);
      started.sinks.acceptCheckpoint('kmipd checkpoint 2\n');
      await peer.until(() => peer.received.includes(undefined));
      t.equal(findDisorder(peer.received, entries), undefined);
      t.equal(peer.received.at(-1), undefined, 'the checkpoint follows the entries before it');
      t.same(started.events, [], 'nothing is reported');
      t.equal(started.sinks.refusal(), undefined);
    });

  for (const behaviour of ['hang', 'cut'] as readonly Behaviour[])
    t.test(`${name}: no entry is lost to a peer that behaves like "${behaviour}" first`, async (t) => {
      const { peer, settings } = create();
      peer.behaviour = behaviour;
      await peer.listen();
      t.teardown(() => peer.stop());
      const log = new MemoryLog();
      const started = startSinks(t, log, [{ ...settings(), timeoutSeconds: 0.3 }]);
      // Enough to fill the buffers of a connection that nobody reads.
      log.append(20_000);
      await started.until('sinkFailed');
      log.append(20_000);
      const { connections } = peer;
      await peer.until(() => peer.connections > connections + 1);
      // A syslog server that hangs takes what its buffers hold, so that the sink works in between.
      const told = started.events.map(({ type }) => type).join(' ');
      t.notMatch(told, 'sinkFailed sinkFailed', 'a failure is reported again once the sink has worked only');
      t.match(
        started.of('sinkFailed')[0]?.['reason'],
        /does not read|does not answer|has closed the connection/,
      );
      peer.behaviour = 'serve';
      peer.cutAll();
      await peer.untilReceived(39_999);
      await started.until('sinkWorks');
      t.equal(findDisorder(peer.received, 40_000), undefined);
      t.ok(log.reads > 0, 'what did not fit into memory was read back');
      t.same(started.of('sinkGap'), []);
    });

  t.test(`${name}: entries wait for a peer that refuses connections`, async (t) => {
    const { peer, settings } = create();
    await peer.listen();
    const each = settings();
    await peer.stop();
    const log = new MemoryLog();
    const started = startSinks(t, log, [each]);
    log.append(10);
    await started.until('sinkFailed');
    log.append(entries - 10);
    t.match(started.of('sinkFailed'), [
      { sink: 'siem', reason: /: (the connection was refused|there is no such socket)/ },
    ]);
    t.equal(started.sinks.status()[0]?.isUp, false);
    await peer.listen();
    t.teardown(() => peer.stop());
    await peer.untilReceived(entries - 1);
    await started.until('sinkWorks');
    t.equal(findDisorder(peer.received, entries), undefined);
    await started.sinks.close();
    t.match(started.sinks.status(), [{ sink: 'siem', isUp: true, backlog: 0, delivered: entries }]);
  });

  t.test(`${name}: a connection that breaks while entries flow loses none`, async (t) => {
    const { peer, settings } = create();
    await peer.listen();
    t.teardown(() => peer.stop());
    const log = new MemoryLog();
    startSinks(t, log, [settings()]);
    for (let round = 1; round <= 5; round++) {
      log.append(200);
      await peer.untilReceived(round * 200 - 100);
      peer.cutAll();
    }
    log.append(1);
    await peer.untilReceived(1_000);
    t.equal(findDisorder(peer.received, 1_001), undefined);
  });
}

for (const name of ['syslog by TCP', 'syslog by TLS', 'syslog by a Unix socket'])
  t.test(
    `${name}: entries that a server had not read when it broke off are sent again, without new ones`,
    async (t) => {
      const { peer, settings } = (kinds[name] as (typeof kinds)[string])();
      peer.behaviour = 'hang';
      await peer.listen();
      t.teardown(() => peer.stop());
      const log = new MemoryLog();
      const { sinks, events } = startSinks(t, log, [settings()]);
      log.append(100);
      // The system has taken them over, and the server says nothing.
      while (sinks.status()[0]?.delivered !== 100) await new Promise((resolve) => setImmediate(resolve));
      t.same(peer.received, []);
      peer.behaviour = 'serve';
      peer.cutAll();
      await peer.untilReceived(99);
      t.equal(findDisorder(peer.received, 100), undefined);
      t.same(events, []);
    },
  );

for (const name of ['https', 'otlp']) {
  t.test(`${name}: a server that answers 500, then 503 with Retry-After, gets every entry`, async (t) => {
    const { peer, settings } = (kinds[name] as (typeof kinds)[string])();
    const server = peer as HttpPeer;
    server.behaviour = 'fail';
    await server.listen();
    t.teardown(() => server.stop());
    const log = new MemoryLog();
    const started = startSinks(t, log, [settings()]);
    log.append(entries);
    await started.until('sinkFailed');
    t.match(started.of('sinkFailed')[0]?.['reason'], /: the server answers 500$/);
    const before = server.requests.length;
    server.headers = { 'Retry-After': '0' };
    server.status = 503;
    await server.until(() => server.requests.length > before);
    server.behaviour = 'serve';
    await server.untilReceived(entries - 1);
    t.equal(findDisorder(server.received, entries), undefined);
    t.equal(server.requests[0]?.headers.authorization, 'Bearer canary-token');
    t.equal(
      server.requests[0]?.headers['content-type'],
      name === 'https' ? 'application/x-ndjson' : 'application/json',
    );
    t.notMatch(JSON.stringify(started.events), 'canary');
  });

  t.test(`${name}: batches get smaller for a server that finds them too large`, async (t) => {
    const { peer, settings } = (kinds[name] as (typeof kinds)[string])();
    const server = peer as HttpPeer;
    server.maxEntries = 7;
    await server.listen();
    t.teardown(() => server.stop());
    const log = new MemoryLog();
    const started = startSinks(t, log, [settings()]);
    log.append(entries);
    await server.untilReceived(entries - 1);
    t.equal(findDisorder(server.received, entries), undefined);
    t.same(started.events, [], 'that is no failure');
  });
}

t.test('records that a collector rejects are not taken for delivered', async (t) => {
  const { peer, settings } = (kinds['otlp'] as (typeof kinds)[string])();
  const server = peer as HttpPeer;
  server.body = '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"canary"}}';
  await server.listen();
  t.teardown(() => server.stop());
  const log = new MemoryLog();
  const started = startSinks(t, log, [settings()]);
  log.append(4);
  await started.until('sinkFailed');
  t.match(started.of('sinkFailed')[0]?.['reason'], /\/v1\/logs: the collector rejects 1 records$/);
  t.equal(started.sinks.status()[0]?.backlog, 4);
  server.body = '{"partialSuccess":{}}';
  await started.until('sinkWorks');
});

t.test('a redirect is not followed', async (t) => {
  const { peer, settings } = (kinds['https'] as (typeof kinds)[string])();
  const server = peer as HttpPeer;
  Object.assign(server, { behaviour: 'fail', status: 307 });
  await server.listen();
  server.headers = { Location: `https://localhost:${server.port}/other` };
  t.teardown(() => server.stop());
  const log = new MemoryLog();
  const started = startSinks(t, log, [settings()]);
  log.append(1);
  await started.until('sinkFailed');
  t.match(started.of('sinkFailed')[0]?.['reason'], /answers 307; redirects are not followed/);
  t.ok(server.requests.every(({ url }) => url === '/audit'));
});
