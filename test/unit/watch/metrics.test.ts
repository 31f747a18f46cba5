import t from 'tap';
import type { Store } from '../../../src/store/store.ts';
import { withMetrics } from '../../../src/store/with-metrics.ts';
import { Metrics } from '../../../src/watch/metrics.ts';

/** Scrapes the samples of one metric. */
async function samples(metrics: Metrics, name: string): Promise<string[]> {
  const text = await metrics.registry.metrics();
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

const item = {
  operation: 'Get',
  version: '1.4',
  result: 'Success',
  milliseconds: 2,
  client: 'demo',
  connection: '1',
};

const sender = { client: 'demo', connection: '1' };

t.test('batch items are counted by operation, version and result, with their durations', async (t) => {
  const metrics = new Metrics();
  for (let n = 0; n < 3; n++) metrics.requests.answered(item);
  metrics.requests.answered({ ...item, version: '2.1', result: 'OperationFailed' });
  t.same(await samples(metrics, 'kmipd_requests_total'), [
    'kmipd_requests_total{operation="Get",version="1.4",result="Success"} 3',
    'kmipd_requests_total{operation="Get",version="2.1",result="OperationFailed"} 1',
  ]);
  t.same(await samples(metrics, 'kmipd_request_duration_seconds_count'), [
    'kmipd_request_duration_seconds_count{operation="Get"} 4',
  ]);
  t.match(await samples(metrics, 'kmipd_request_duration_seconds_sum'), [/ 0\.008$/]);
});

t.test('clients cannot create time series', async (t) => {
  const metrics = new Metrics();
  for (let n = 0; n < 50; n++) {
    metrics.requests.answered({ ...item, operation: `x${n}`, version: `9.${n}`, result: `r${n}` });
    metrics.requests.refused({ ...sender, version: `${n}`, reason: `because ${n}`, message: '' });
  }
  t.same(await samples(metrics, 'kmipd_requests_total'), [
    'kmipd_requests_total{operation="other",version="other",result="other"} 50',
  ]);
  t.same(await samples(metrics, 'kmipd_decode_errors_total'), [
    'kmipd_decode_errors_total{reason="other"} 50',
  ]);
});

t.test('connections, failures, certificates and the event loop are measured', async (t) => {
  const metrics = new Metrics();
  const opened = { client: 'demo', connection: '1', peer: 'x', protocol: 'TLSv1.3', resumed: false };
  metrics.listener.connectionOpened(opened);
  metrics.listener.connectionOpened({ ...opened, resumed: true });
  metrics.listener.connectionClosed({ client: 'demo', connection: '1' });
  metrics.listener.handshakeRefused({ reason: 'not TLS', peer: 'x', level: 'warn' });
  metrics.requests.requestFailed({ error: new Error('x'), reference: 'r', client: 'demo', connection: '1' });
  metrics.requests.refused({ ...sender, version: '1.0', reason: 'InvalidMessage', message: 'x' });
  metrics.recordCertificateExpiry('server', new Date(Date.now() + 86_400_000));
  metrics.recordCertificateExpiry('server', new Date(Date.now() - 60_000));
  t.same(await samples(metrics, 'kmipd_connections'), ['kmipd_connections 1']);
  t.same(await samples(metrics, 'kmipd_handshakes_total'), [
    'kmipd_handshakes_total{result="full",reason=""} 1',
    'kmipd_handshakes_total{result="resumed",reason=""} 1',
    'kmipd_handshakes_total{result="refused",reason="not TLS"} 1',
  ]);
  t.same(await samples(metrics, 'kmipd_unexpected_failures_total'), ['kmipd_unexpected_failures_total 1']);
  t.same(await samples(metrics, 'kmipd_decode_errors_total'), [
    'kmipd_decode_errors_total{reason="InvalidMessage"} 1',
  ]);
  t.match(
    await samples(metrics, 'kmipd_certificate_expiry_seconds'),
    [/role="server"\} -6[01]$/],
    'computed at the scrape',
  );
  t.equal((await samples(metrics, 'kmipd_nodejs_eventloop_lag_p99_seconds')).length, 1);
});

t.test('pending jobs are counted at the scrape', async (t) => {
  const metrics = new Metrics();
  let pending = 0;
  metrics.watchJobs(() => pending);
  pending = 3;
  t.same(await samples(metrics, 'kmipd_pending_jobs'), ['kmipd_pending_jobs 3']);
});

t.test('calls of the store are measured by method', async (t) => {
  const metrics = new Metrics();
  const store: Store = {
    load: async () => [],
    groupOf: async () => undefined,
    find: async () => ({ ids: [], total: 0 }) as never,
    count: async () => ({ objects: 0, last: 0, isComplete: true }),
    record: async () => undefined,
    records: async () => [],
    deleteExpired: async () => {},
    commit: () => Promise.reject(new Error('disk full')),
    ping: async () => {},
    close: async () => {},
  };
  const watched = withMetrics(store, metrics.storeCall);
  t.same(await watched.load('group', []), []);
  await watched.find({} as never, () => true);
  await watched.count({} as never);
  t.equal(await watched.record('kind', 'id'), undefined);
  t.same(await watched.records({} as never), []);
  await watched.deleteExpired(0, () => true);
  await t.rejects(watched.commit({} as never), { message: 'disk full' });
  await watched.ping();
  await watched.close();
  t.same(await samples(metrics, 'kmipd_store_duration_seconds_count'), [
    'kmipd_store_duration_seconds_count{call="load"} 1',
    'kmipd_store_duration_seconds_count{call="find"} 1',
    'kmipd_store_duration_seconds_count{call="count"} 1',
    'kmipd_store_duration_seconds_count{call="record"} 1',
    'kmipd_store_duration_seconds_count{call="records"} 1',
    'kmipd_store_duration_seconds_count{call="sweep"} 1',
    'kmipd_store_duration_seconds_count{call="commit"} 1',
    'kmipd_store_duration_seconds_count{call="ping"} 1',
  ]);
  t.same(await samples(metrics, 'kmipd_store_failures_total'), [
    'kmipd_store_failures_total{call="commit"} 1',
  ]);
});

t.test('the audit log has one metric for its entries and one for its checkpoints', async (t) => {
  const { audit, registry } = new Metrics();
  const values = async () => {
    const text = await registry.metrics();
    return ['kmipd_audit_failing', 'kmipd_audit_checkpoints_failing'].map((name) =>
      new RegExp(`^${name} (.*)$`, 'm').exec(text)?.at(1),
    );
  };
  t.strictSame(await values(), ['0', '0']);
  audit.checkpointsFailed(true);
  t.strictSame(await values(), ['0', '1']);
  audit.failed(true);
  audit.checkpointsFailed(false);
  t.strictSame(await values(), ['1', '0']);
});
