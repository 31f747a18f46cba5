import { execFile } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import type { Credential } from '../../codec/structures/credentials.ts';
import {
  bytes,
  type Client,
  connect,
  enumerated,
  integer,
  type RequestItem,
  readIdentity,
  structure,
  valueOf,
} from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { mainFile } from '../fixture/kmipd.ts';
import {
  authenticationHeader,
  hashedPassword,
  password,
  ticketNode,
  ticketOf,
} from '../protocol/credentials/credential-headers.ts';
import { answersOf } from '../protocol/service.ts';
import { found, page, type Secret, written } from './secrets.ts';

// The processes take long on a loaded machine.
t.setTimeout(900_000);

/** The commands about credentials beside a running daemon that is killed once, and the data that remain. */

const word = 'staple-of-alice-90125';
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const locate: RequestItem = { operation: 'Locate' };
const login: RequestItem = { operation: 'Login' };

function kmipd(home: string, words: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [mainFile, ...words, '--home', home], (error, output) =>
      error === null ? resolve(output) : reject(error),
    );
    child.stdin?.end(input);
  });
}

type Shown = Credential[];

async function outcome(client: Client, item: RequestItem, ...shown: Shown): Promise<string> {
  const [answer] = answersOf(
    await client.request('2.1', [item], shown.length > 0 ? [authenticationHeader(...shown)] : []),
  );
  return answer?.reason ?? answer?.status ?? '';
}

async function ticket(client: Client, item: RequestItem, ...shown: Shown): Promise<Uint8Array> {
  const header = shown.length > 0 ? [authenticationHeader(...shown)] : [];
  const [answer] = answersOf(await client.request('2.1', [item], header));
  const value = valueOf(answer?.payload as never, 'Ticket', 'TicketValue');
  if (!(value instanceof Uint8Array)) throw new Error(answer?.message);
  return value.slice();
}

/** Asks repeatedly until the answer is the expected one; a daemon needs a moment to observe a change. */
async function until(wanted: string, ask: () => Promise<string>): Promise<string> {
  let came = await ask();
  for (const end = Date.now() + 60_000; came !== wanted && Date.now() < end; came = await ask())
    await new Promise((resolve) => setTimeout(resolve, 20));
  return came;
}

t.test(
  'credentials and tickets survive a kill and end when they are removed',
  { timeout: 900_000 },
  async (t) => {
    const server = await Daemon.prepare({
      config: '[log]\nlevel = "trace"\n',
      args: ['--metrics', '127.0.0.1:0'],
    });
    t.teardown(() => server.remove());
    const { home } = server;
    await kmipd(home, ['client', 'add', 'other', '--group', 'elsewhere', '--role', 'read-only']);
    await server.start();
    const refused = 'AuthenticationNotSuccessful';
    let demo = await server.connect();
    t.equal(await outcome(demo, locate), 'Success');
    await kmipd(
      home,
      ['client', 'credential', 'add', 'demo', '--username', 'alice', '--hashed'],
      `${word}\n`,
    );
    t.equal(await until(refused, () => outcome(demo, locate)), refused, 'an open connection is asked too');
    t.equal(await outcome(demo, { operation: 'DiscoverVersions' }), 'Success');
    t.equal(await outcome(demo, locate, password('alice', word)), 'Success');
    t.equal(await outcome(demo, locate, password('alice', `${word}!`)), refused);

    const printed = await kmipd(home, [
      'client',
      'credential',
      'add',
      'demo',
      '--username',
      'alice',
      '--one-time',
      '2',
    ]);
    const [code = '', unused = ''] = printed.split('\n');
    const oneTime = (OneTimePassword: string) =>
      ({
        CredentialType: 'OneTimePassword',
        CredentialValue: { Username: 'alice', OneTimePassword },
      }) as const;
    const hashed = hashedPassword('alice', word, BigInt(Date.now()) * 1000n);
    t.equal(await outcome(demo, locate, oneTime(code)), 'Success');
    t.equal(await outcome(demo, locate, hashed.credential), 'Success');
    const counted = await ticket(
      demo,
      { operation: 'Login', payload: [integer('RequestCount', 2)] },
      password('alice', word),
    );
    t.equal(await outcome(demo, locate, ticketOf(counted)), 'Success');

    await server.end('SIGKILL');
    await server.start();
    demo = await server.connect();
    t.equal(await outcome(demo, locate, oneTime(code)), refused, 'spent for good');
    t.equal(await outcome(demo, locate, hashed.credential), refused, 'the time has been for good');
    t.equal(await outcome(demo, locate, ticketOf(counted)), 'Success', 'the last of its two requests');
    t.equal(await outcome(demo, locate, ticketOf(counted)), 'UsageLimitExceeded');

    const rights = structure(
      'Rights',
      structure('Right', structure('Operations', enumerated('Operation', 8))),
    );
    const given = await ticket(
      demo,
      { operation: 'DelegatedLogin', payload: [rights] },
      password('alice', word),
    );
    const own = await ticket(demo, login, password('alice', word));
    const identity = await readIdentity(join(home, 'clients', 'other'));
    const other = await connect({ port: server.port, ...identity });
    t.equal(await outcome(other, locate, ticketOf(given)), 'Success', 'in the place of demo');
    t.equal(await outcome(other, login, ticketOf(given)), 'NotAuthorised');
    t.equal(await outcome(other, locate, ticketOf(own)), 'InvalidTicket');
    await kmipd(home, ['client', 'disable', 'demo']);
    t.equal(await outcome(other, locate, ticketOf(given)), 'InvalidTicket');
    await kmipd(home, ['client', 'enable', 'demo']);
    t.equal(await outcome(other, locate, ticketOf(given)), 'Success');
    demo = await server.connect();
    const logout: RequestItem = { operation: 'Logout', payload: [ticketNode(given)] };
    t.equal(await outcome(demo, logout, ticketOf(own)), 'Success');
    t.equal(await outcome(other, locate, ticketOf(given)), 'InvalidTicket');
    t.equal(
      await outcome(demo, { operation: 'Get', payload: [bytes('TicketValue', own)] }, ticketOf(own)),
      'InvalidField',
    );

    await kmipd(home, ['client', 'credential', 'remove', 'demo', '--all']);
    t.equal(
      await until('Success', () => outcome(demo, locate)),
      'Success',
      'the certificate is enough again',
    );
    const metricsAt = [...server.output.matchAll(/metrics on (127\.0\.0\.1:\d+)/g)].at(-1)?.[1];
    const metrics = await page(`http://${metricsAt}/metrics`);
    for (const reason of ['a one-time password is shown again', 'the ticket is unknown or has ended'])
      t.ok(metrics.includes(`kmipd_credentials_refused_total{reason="${reason}"} 1`), reason);
    t.match(
      server.output,
      /"client":"demo","connection":"\w+","peer":"[\d.:]+","msg":"authentication failed"/,
    );
    const secrets: Secret[] = [
      { name: 'the password', bytes: ascii(word) },
      { name: 'a one-time password', bytes: ascii(code) },
      { name: 'one that was not used', bytes: ascii(unused) },
      { name: 'a ticket', bytes: counted },
      { name: 'a delegated ticket', bytes: given },
      { name: 'the other ticket', bytes: own },
      { name: 'what the server answers to a hashed password', bytes: Uint8Array.fromHex(hashed.answer) },
    ];
    for (const [name, content] of await written(server, metrics)) t.same(found(content, secrets), [], name);
    await other.close();
    await demo.close();
    t.equal(await server.end(), 0);
  },
);
