import t from 'tap';
import { createLog, logListener, logRequests } from '../../../src/watch/log.ts';

type Line = Record<string, unknown>;

/** Creates a log that collects its lines. */
function collectLines(level: Parameters<typeof createLog>[0] = 'debug') {
  const written: string[] = [];
  const log = createLog(level, { write: (line: string) => void written.push(line) });
  return { log, written, lines: () => written.map((line) => JSON.parse(line) as Line) };
}

const secret = Buffer.alloc(32, 0xa7);
const asHex = secret.toString('hex');
const asBase64 = secret.toString('base64');

t.test('a line is one JSON object with level name and time', async (t) => {
  const { log, lines, written } = collectLines();
  log.info({ client: 'demo', connections: 2, resumed: true }, 'hello');
  t.match(lines(), [
    {
      level: 'info',
      time: /^\d{4}-\d\d-\d\dT.*Z$/,
      client: 'demo',
      connections: 2,
      resumed: true,
      msg: 'hello',
    },
  ]);
  t.equal(written[0]?.indexOf('\n'), (written[0]?.length ?? 0) - 1);
  t.equal(lines()[0]?.['pid'], undefined);
});

t.test('a line omits fields that are not listed and values of another type', async (t) => {
  const { log, written, lines } = collectLines();
  const careless = log as unknown as { info(...given: unknown[]): void; error(...given: unknown[]): void };
  careless.info({ key: asHex, request: secret, password: 'swordfish', err: new Error(asHex) }, 'x');
  careless.info(
    { client: secret, reason: { key: asHex }, milliseconds: asHex, keys: secret, ends: asHex },
    'x',
  );
  careless.info('with %s', asHex);
  careless.info({ client: 'x' }, 'with %s', asBase64);
  careless.info(secret);
  careless.error(new Error(`cannot use "${asHex}"`));
  careless.error({ error: new TypeError(`The argument is wrong. Received '${asBase64}'`) }, 'x');
  careless.error({ error: { name: 'x', message: 'y', secret: asHex } }, 'x');
  const all = written.join('');
  for (const form of [asHex, asBase64, 'swordfish', '167,167', '"167"']) t.notOk(all.includes(form), form);
  t.equal(lines().length, 8, 'each line is written');
});

t.test('an error is logged with name, code, positions and causes, without quoted values', async (t) => {
  const { log, lines, written } = collectLines();
  const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' });
  log.error({ error: new Error('the database is away', { cause }), reference: 'r-1' }, 'failed');
  t.match(lines()[0], {
    reference: 'r-1',
    error: { name: 'Error', message: 'the database is away', at: [/^at /] },
    causes: [{ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:5432' }],
  });
  let parse: unknown;
  try {
    JSON.parse(`{"key": ${asHex}}`);
  } catch (error) {
    parse = error;
  }
  for (const error of [
    parse,
    new Error(`invalid input syntax: "${asBase64}"`),
    new Error(`bad ${asHex} here`),
    new Error(`open '${asHex}`),
  ]) {
    log.error({ error }, 'failed');
  }
  t.notMatch(written.join(''), new RegExp(asHex.slice(0, 20)));
  t.notOk(written.join('').includes(asBase64));
  t.match(lines()[3], { error: { message: 'bad … here' } });
});

t.test('text of clients is truncated and escaped', async (t) => {
  const { log, lines, written } = collectLines();
  log.info({ client: 'x'.repeat(10_000), peer: 'a\u001b[2Jb\nc\u202ed' }, 'y'.repeat(10_000));
  const line = lines()[0] ?? {};
  t.equal(String(line['client']).length, 257);
  t.equal(String(line['msg']).length, 257);
  t.equal(line['peer'], 'a\\u001b[2Jb\\u000ac\\u202ed');
  t.ok((written[0]?.length ?? 0) < 1_000);
});

t.test('requests are logged at debug, refused messages at info, failures at error', async (t) => {
  const answered = {
    operation: 'Get',
    version: '1.4',
    result: 'OperationFailed',
    reason: 'ItemNotFound',
    message: 'no such object',
    milliseconds: 1.23456,
    client: 'demo',
    connection: '1a',
  };
  const { log, lines } = collectLines('debug');
  const requests = logRequests(log);
  requests.answered(answered);
  requests.refused({
    version: '1.0',
    reason: 'InvalidMessage',
    message: 'no',
    client: 'demo',
    connection: '1a',
  });
  requests.requestFailed({ error: new Error('oh'), reference: 'r', client: 'demo', connection: '1a' });
  t.match(lines(), [
    { ...answered, level: 'debug', milliseconds: 1.235 },
    { level: 'info', reason: 'InvalidMessage', client: 'demo' },
    { level: 'error', reference: 'r', error: { message: 'oh' } },
  ]);
  const quiet = collectLines('info');
  logRequests(quiet.log).answered(answered);
  t.equal(quiet.lines().length, 0);
});

t.test('failed authentication is logged with the reason, and counted when there are many', async (t) => {
  let now = 1_000_000;
  const { log, lines } = collectLines('debug');
  const requests = logRequests(log, () => now);
  const peer = '192.0.2.1:1';
  const refused = { reason: 'a credential is not valid', client: 'demo', connection: '1a', peer };
  for (let n = 0; n < 1_000; n++) requests.authenticationFailed(refused);
  now += 1_000;
  requests.authenticationFailed(refused);
  t.equal(lines().length, 22);
  t.match(lines()[0], { level: 'warn', msg: 'authentication failed', ...refused });
  t.match(lines()[20], { level: 'warn', refused: 980 });
});

t.test('a permission that a role lacks is logged once a minute, with the number of refusals', async (t) => {
  let now = 1_000_000;
  const { log, lines } = collectLines('warn');
  const requests = logRequests(log, () => now);
  const refused = { client: 'vault', role: 'openbao', operation: 'Get', connection: '1a' };
  for (let n = 0; n < 1_000; n++) requests.permissionRefused(refused);
  requests.permissionRefused({ ...refused, operation: 'Locate' });
  now += 60_000;
  requests.permissionRefused(refused);
  t.match(lines(), [
    { level: 'warn', msg: 'the role of the client lacks a permission', ...refused, refused: 1 },
    { operation: 'Locate', refused: 1 },
    { ...refused, refused: 1_000 },
  ]);
  t.equal(lines().length, 3);
});

t.test(
  'refused handshakes are logged with the reason, probes at debug, and counted when there are many',
  async (t) => {
    const { log, lines } = collectLines();
    let now = 5_000;
    const listener = logListener(log, () => now);
    const refused = {
      reason: 'certificate not enrolled',
      peer: '192.0.2.1:4711',
      fingerprint: 'ab'.repeat(32),
      level: 'warn',
    } as const;
    listener.connectionOpened({
      client: 'demo',
      connection: '1',
      peer: '192.0.2.1:1',
      protocol: 'TLSv1.3',
      resumed: false,
    });
    listener.connectionClosed({ client: 'demo', connection: '1' });
    listener.handshakeRefused({
      reason: 'connection closed by the client',
      peer: '192.0.2.1:2',
      level: 'debug',
    });
    listener.connectionEnded({
      client: 'demo',
      connection: '1',
      peer: '192.0.2.1:1',
      reason: 'client disabled',
    });
    listener.handshakeRefused(refused);
    t.match(lines(), [
      { level: 'debug', client: 'demo', protocol: 'TLSv1.3', resumed: false },
      { level: 'debug', client: 'demo' },
      { level: 'debug', reason: 'connection closed by the client' },
      { level: 'warn', reason: 'client disabled', connection: '1', peer: '192.0.2.1:1' },
      {
        level: 'warn',
        reason: 'certificate not enrolled',
        fingerprint: 'ab'.repeat(32),
        peer: '192.0.2.1:4711',
      },
    ]);
    now += 1_000;
    for (let n = 0; n < 1_000; n++) listener.handshakeRefused(refused);
    now += 1_000;
    listener.handshakeRefused(refused);
    const flood = lines().slice(5);
    t.equal(flood.length, 22, '20 of the second, how many more, and the one after it');
    t.match(flood[20], { level: 'warn', refused: 980 });
  },
);

t.test('a field that the table does not list does not compile', async (t) => {
  const { log, lines } = collectLines();
  // @ts-expect-error a value could be a key
  log.info({ client: 'demo', value: asHex }, 'x');
  const event = { client: 'demo', value: asHex };
  // @ts-expect-error the same in a variable
  log.info(event, 'x');
  log.info({ client: 'demo', object: 'an-id' }, 'x');
  t.match(lines(), [{ client: 'demo' }, { client: 'demo' }, { client: 'demo', object: 'an-id' }]);
  t.ok(lines().every((line) => !('value' in line)));
});
