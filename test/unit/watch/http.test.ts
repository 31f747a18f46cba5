import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { type Readiness, startHttpServer } from '../../../src/watch/http.ts';
import { Metrics } from '../../../src/watch/metrics.ts';

async function open(t: Test, ready: () => Promise<Readiness> = async () => ({ ready: true })) {
  const { registry } = new Metrics();
  const { server, host, port } = await startHttpServer({ host: '127.0.0.1', port: 0, registry, ready });
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { base: `http://${host}:${port}`, port, server };
}

/** Sends bytes as they are; what comes back until the end. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      received += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(received));
  });
}

t.test('the server answers GET of its three paths only', async (t) => {
  const { base } = await open(t);
  const cases = [
    ['/livez', 200, 'alive\n'],
    ['/readyz', 200, 'ready\n'],
    ['/', 404, /^available: /],
    ['/metrics/', 404, /^available: /],
    ['/../metrics', 200, /kmipd_/],
    ['/debug/pprof', 404, /^available: /],
  ] as const;
  for (const [path, status, text] of cases) {
    const answer = await fetch(base + path);
    t.equal(answer.status, status, path);
    t.match(await answer.text(), text);
  }
  const metrics = await fetch(`${base}/metrics`);
  t.match(metrics.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  t.match(await metrics.text(), /^# TYPE kmipd_requests_total counter$/m);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await fetch(`${base}/metrics`, { method });
    t.equal(answer.status, 405, method);
    await answer.text();
  }
});

t.test('readyz gives an error status and the reason when the checks fail or hang', async (t) => {
  const cases = [
    [async () => ({ ready: false, reason: 'draining' }) as const, 503, 'not ready: draining\n'],
    [() => Promise.reject(new Error('secret detail')), 500, 'failed\n'],
    [() => new Promise<Readiness>(() => {}), 503, 'not ready: the checks take too long\n'],
  ] as const;
  for (const [ready, status, text] of cases) {
    const { base } = await open(t, ready);
    const answer = await fetch(`${base}/readyz`);
    t.equal(answer.status, status);
    t.equal(await answer.text(), text);
    t.equal((await fetch(`${base}/livez`)).status, 200, 'alive all the same');
  }
});

t.test('the server refuses requests that are too large, malformed or incomplete', async (t) => {
  const { port, base } = await open(t);
  t.match(
    await raw(port, `GET /livez HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431 /,
  );
  t.match(await raw(port, 'what is this\r\n\r\n'), /^HTTP\/1\.1 400 /);
  t.match(await raw(port, '\u0016\u0003\u0001'.padEnd(64)), /^HTTP\/1\.1 400 /);
  const incomplete = await raw(port, 'GET /livez HTTP/1.1\r\nHo');
  t.match(incomplete, /^HTTP\/1\.1 408 /, 'a request that never ends');
  t.match(incomplete, /\r\nConnection: close\r\n/);
  t.equal((await fetch(`${base}/livez`)).status, 200);
});
