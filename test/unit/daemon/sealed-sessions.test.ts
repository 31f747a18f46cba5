import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import t from 'tap';
import { createAuthority, issueClient } from '../../../certs/issue.ts';
import { generateKey, openAuthority, privateKeyToPem } from '../../../certs/keys.ts';
import { BatchErrorContinuationOption } from '../../../codec/enums.ts';
import { Framer } from '../../../codec/framer.ts';
import { withBackends } from '../../../src/cli/state-directory/backends.ts';
import { initialise } from '../../../src/cli/state-directory/initialise.ts';
import { stateDirectoryAt } from '../../../src/cli/state-directory/state-directory.ts';
import { openBackends } from '../../../src/daemon/backends.ts';
import { startListeners } from '../../../src/daemon/listeners.ts';
import { loadConfig } from '../../../src/daemon/reload.ts';
import { createServices } from '../../../src/daemon/services.ts';
import { TlsMaterialSource } from '../../../src/daemon/tls-material.ts';
import { operations } from '../../../src/operations/index.ts';
import { CredentialDirectory } from '../../../src/protocol/authentication/credential-directory.ts';
import { createLog } from '../../../src/watch/log.ts';
import { Metrics } from '../../../src/watch/metrics.ts';
import { decode, encode, enumerated, type Identity, readIdentity, requestMessage } from '../../client.ts';
import { enrolClients } from '../../fixture/daemon.ts';
import { answersOf } from '../../protocol/service.ts';

/**
 * While the vault is sealed nobody knows whose a certificate is: every one of a trusted authority gets the
 * same answers. Afterwards each session is authenticated before its next message.
 */

// Every start of a daemon here locks the database, and each lock listens for the end of the process.
process.setMaxListeners(64);

const home = stateDirectoryAt(join(t.testdir(), 'home'));
await initialise(home, { settings: {}, key: 'ec' });

/** Certificates of the home's authority, and what answers Locate once the vault is unsealed; none: closed. */
const kinds = {
  enrolled: 'Success',
  'with credentials': 'AuthenticationNotSuccessful',
  disabled: undefined,
  unknown: undefined,
} as const;
type Kind = keyof typeof kinds;

const identities = new Map<string, Identity>(
  await enrolClients(
    home.directory,
    Object.keys(kinds).map((kind) => kind.replaceAll(' ', '-')),
  ),
);
await withBackends(home, undefined, async ({ clients, store, vault }) => {
  const device = { users: [], devices: [{ fields: { DeviceIdentifier: 'd' } }] };
  await new CredentialDirectory(store, vault).set('with-credentials', device);
  await clients.setDisabled('disabled', true);
  await clients.remove('unknown');
});

const rootKeyAway = `${home.rootKey}.away`;
await rename(home.rootKey, rootKeyAway);

interface Running {
  readonly ports: Readonly<Record<'ttlv' | 'https', number>>;
  readonly connections: number;
  /** Values of the metrics. */
  metric(name: string): Promise<string | undefined>;
  /** Makes the root key available to the vault. */
  unseal(): Promise<void>;
  recheck(): Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts a daemon, without its process, whose root key is missing. */
async function start(): Promise<Running> {
  const closing = new AsyncDisposableStack();
  const free = { host: '127.0.0.1', port: 0 };
  const config = loadConfig(home, { listen: free, https: free });
  const metrics = new Metrics();
  const log = createLog('fatal');
  const database = { mustStoreExist: true, isConversionConfirmed: false };
  const context = { stateDirectory: home, config, ...database, log, metrics, closing };
  const backends = await openBackends(context);
  const material = await TlsMaterialSource.load(context, config, backends);
  const services = createServices(context, backends, material, '0');
  const { connections, address, httpsAddress } = await startListeners(context, backends, services, material);
  return {
    ports: { ttlv: address.port, https: httpsAddress?.port ?? 0 },
    get connections() {
      return connections.count;
    },
    async metric(name) {
      const text = await metrics.registry.metrics();
      return new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1];
    },
    async unseal() {
      await rename(rootKeyAway, home.rootKey);
      await backends.vault.refresh();
    },
    recheck: () => connections.recheck(),
    async stop() {
      await closing.disposeAsync();
      await rename(home.rootKey, rootKeyAway).catch(() => {});
    },
  };
}

interface Session {
  readonly socket: TLSSocket;
  /** Sends a message; resolves with the answer, or undefined when the connection is closed instead. */
  ask(message: Uint8Array): Promise<Uint8Array | undefined>;
}

const httpHead = (length: number) =>
  `POST /kmip HTTP/1.1\r\nHost: kms\r\nContent-Type: application/octet-stream\r\nContent-Length: ${length}\r\n\r\n`;

/** Opens a session; closed at once when TLS refuses the certificate. `session`: to be resumed. */
async function open(
  transport: keyof Running['ports'],
  { ports }: Running,
  { ca, cert, key }: Identity,
  session?: Buffer,
): Promise<Session> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: ports[transport],
    ca,
    cert,
    key,
    ...(session && { session }),
  });
  let received: Buffer = Buffer.alloc(0);
  let check = () => {};
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    check();
  });
  socket.on('error', () => {});
  socket.on('close', () => check());
  await new Promise<void>((resolve) => socket.once('secureConnect', resolve).once('close', () => resolve()));
  const takeAnswer = (): Uint8Array | undefined => {
    const start = transport === 'ttlv' ? 0 : received.indexOf('\r\n\r\n') + 4;
    if (start === 3) return undefined;
    const [message] = [...new Framer('ResponseMessage', 1 << 24).push(received.subarray(start))];
    if (message !== undefined) received = Buffer.alloc(0);
    return message && Uint8Array.from(message);
  };
  return {
    socket,
    ask: (message) =>
      new Promise((resolve) => {
        check = () => {
          const answer = takeAnswer();
          if (answer !== undefined || socket.destroyed) resolve(answer);
        };
        if (socket.destroyed) return resolve(undefined);
        if (transport === 'https') socket.write(httpHead(message.length));
        socket.write(message);
      }),
  };
}

const openOperations = ['DiscoverVersions', 'Query', 'Ping'];
const offered = [...operations.keys()].filter((name): name is string => typeof name === 'string');
const payloads = { Query: [enumerated('QueryFunction', 1)] };
/** Every operation in one message, none of whose failures ends it. */
const everything = encode(
  requestMessage(
    '2.1',
    offered.map((operation) => ({ operation, payload: payloads[operation as 'Query'] ?? [] })),
    [enumerated('BatchErrorContinuationOption', BatchErrorContinuationOption.toNumber('Continue') ?? 0)],
  ),
);
const locate = encode(requestMessage('2.1', [{ operation: 'Locate' }]));

const outcomes = (answer: Uint8Array | undefined) =>
  answer &&
  answersOf(decode(answer)).map(({ operation, reason, status, message }) => ({
    operation,
    reason: reason ?? status,
    message,
  }));

const refusal = 'the vault is sealed: an operator has to make the root key available';
const whileSealed = offered.map((operation) =>
  openOperations.includes(operation)
    ? { operation, reason: 'Success', message: undefined }
    : { operation, reason: 'GeneralFailure', message: refusal },
);

const identityOf = (kind: Kind) => identities.get(kind.replaceAll(' ', '-')) as Identity;

for (const transport of ['ttlv', 'https'] as const)
  for (const [kind, later] of Object.entries(kinds) as [Kind, string | undefined][])
    for (const how of ['before its next message', 'by a recheck'])
      t.test(`${transport}, ${kind}: answered alike while sealed, authenticated ${how}`, async (t) => {
        const daemon = await start();
        t.teardown(() => daemon.stop());
        const first = await open(transport, daemon, identityOf(kind));
        const ticket = new Promise<Buffer>((resolve) => first.socket.once('session', resolve));
        t.same(outcomes(await first.ask(everything)), whileSealed);
        const resumed = await open(transport, daemon, identityOf(kind), await ticket);
        t.equal(resumed.socket.isSessionReused(), true);
        t.same(outcomes(await resumed.ask(everything)), whileSealed, 'a resumed session');
        await daemon.recheck();
        t.same(outcomes(await first.ask(everything)), whileSealed, 'a recheck changes nothing');

        await daemon.unseal();
        if (how === 'by a recheck') await daemon.recheck();
        for (const session of [first, resumed]) {
          const answer = outcomes(await session.ask(locate));
          t.equal(answer?.[0]?.reason, later, 'a session of before');
        }
        const anew = await open(transport, daemon, identityOf(kind));
        t.equal(outcomes(await anew.ask(locate))?.[0]?.reason, later, 'a new session');
        const left = later === undefined ? 0 : 3;
        t.equal(daemon.connections, left);
        t.equal(await daemon.metric('kmipd_connections'), `${left}`);
      });

t.test('certificates of others are refused, sealed or not', async (t) => {
  const key = await generateKey('ec');
  const stranger = openAuthority(await createAuthority('Stranger', key), key);
  const { ca } = await readIdentity(join(home.clients, 'demo'));
  const issued = await issueClient(stranger, 'enrolled');
  const foreign = { ca, cert: issued.certificate, key: privateKeyToPem(issued.key) };
  const daemon = await start();
  t.teardown(() => daemon.stop());
  for (const transport of ['ttlv', 'https'] as const)
    t.equal(await (await open(transport, daemon, foreign)).ask(everything), undefined, transport);
  await daemon.unseal();
  for (const transport of ['ttlv', 'https'] as const)
    t.equal(await (await open(transport, daemon, foreign)).ask(everything), undefined, transport);
});
