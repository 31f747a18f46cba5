import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import t from 'tap';
import { defaultLimits } from '../../src/common/limits.ts';
import { ClientTrust } from '../../src/daemon/client-trust.ts';
import { authenticate, fingerprintOf, principalByName } from '../../src/identity/certificate.ts';
import { RolePolicy } from '../../src/identity/policy.ts';
import type { Client, ClientDirectory, Principal } from '../../src/identity/principal.ts';
import { trustAnchors } from '../../src/identity/trust.ts';
import { OutgoingConnections } from '../../src/net/outgoing.ts';
import { reauthenticate } from '../../src/net/reauthentication.ts';
import type { OpenReverseChannel } from '../../src/protocol/endpoints/endpoints.ts';
import { Arrivals } from './arrivals.ts';
import { authority, demo, material, stranger } from './certificates-fixture.ts';

/**
 * An open connection is authorised anew, whichever side has opened it, and so is work that is done for a
 * client without a connection.
 */

const certificate = new X509Certificate(demo.cert as string);
const enrolled: Client = {
  ...{ name: 'demo', group: 'test', role: 'full', fingerprint: fingerprintOf(certificate) },
  ...{ disabled: false, enrolledAt: 1_000, certificate: certificate.toString(), hasCredentials: false },
};

/** What the server knows of the client, which the changes below change. */
class World {
  client: Client | undefined = enrolled;
  authorities: readonly string[] = [authority.certificate];
  now = new Date();
  readonly roles = new RolePolicy();
  readonly #trust = new ClientTrust(() => this.authorities);
  readonly #problemOf = (client: Client) => this.#trust.problemOf(client);
  readonly #directory = {
    byFingerprint: async () => this.client,
    byName: async () => this.client,
  } as unknown as ClientDirectory;

  authenticate = (shown: X509Certificate) =>
    authenticate(shown, this.#directory, this.roles, this.now, this.#problemOf);

  byName = () => principalByName('demo', this.#directory, this.roles, this.now, this.#problemOf);

  material = () => {
    const ca = trustAnchors(this.authorities, this.client === undefined ? [] : [this.client]);
    return { ...material, ca };
  };
}

/** Changes, and what is left of the authorisation: none, or a role without Get. */
const changes: Readonly<
  Record<string, { readonly change: (world: World) => void; readonly left: 'all' | 'none' | 'no Get' }>
> = {
  nothing: { change() {}, left: 'all' },
  'the certificate ends': {
    change: (world) => (world.now = new Date(certificate.validToDate.getTime() + 1_000)),
    left: 'none',
  },
  'the client is disabled': {
    change: (world) => (world.client = { ...enrolled, disabled: true }),
    left: 'none',
  },
  'the client is removed': { change: (world) => (world.client = undefined), left: 'none' },
  'the authority is withdrawn': {
    change: (world) => (world.authorities = [stranger.certificate]),
    left: 'none',
  },
  'another authority is added': {
    change: (world) => (world.authorities = [stranger.certificate, authority.certificate]),
    left: 'all',
  },
  'the role is changed': {
    change: (world) => (world.client = { ...enrolled, role: 'openbao' }),
    left: 'no Get',
  },
  'the role is narrowed': {
    change(world) {
      world.client = { ...enrolled, role: 'mine' };
      world.roles.replace({ mine: ['Locate'] });
    },
    left: 'no Get',
  },
  'the role is gone': { change: (world) => (world.client = { ...enrolled, role: 'gone' }), left: 'no Get' },
  'the group is changed': {
    change: (world) => (world.client = { ...enrolled, group: 'other' }),
    left: 'none',
  },
  'the certificate is another client’s': {
    change: (world) => (world.client = { ...enrolled, name: 'other' }),
    left: 'none',
  },
};

const leftOf = (principal: Principal | undefined) => {
  if (principal === undefined) return 'none';
  return principal.may('Get') ? 'all' : 'no Get';
};

t.test('a connection that the client has opened is authorised anew', async (t) => {
  for (const [what, { change, left }] of Object.entries(changes)) {
    const world = new World();
    const first = await world.authenticate(certificate);
    if ('refused' in first) throw new Error(first.refused);
    change(world);
    const result = await reauthenticate({ principal: first.principal, certificate }, world.authenticate);
    t.equal(leftOf('principal' in result ? result.principal : undefined), left, what);
  }
});

t.test('work without a connection is authorised anew', async (t) => {
  // Its caller compares name and group with those of the work.
  for (const [what, { change, left }] of Object.entries(changes)) {
    const world = new World();
    change(world);
    const principal = await world.byName();
    const isOwn = principal?.client === 'demo' && principal.group === 'test';
    t.equal(leftOf(isOwn ? principal : undefined), left, what);
  }
});

/** Waits until a socket that was destroyed has closed. */
async function passTurns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}

t.test('a connection that the server has opened is authorised anew, and ended', async (t) => {
  const { cert, key } = demo as { cert: string; key: string };
  const server = createServer({ cert, key, ca: authority.certificate, requestCert: true });
  server.on('secureConnection', (socket) => socket.on('error', () => {}).resume());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  for (const [what, { change, left }] of Object.entries(changes)) {
    const world = new World();
    const channels = new Arrivals<OpenReverseChannel>();
    const ends: string[] = [];
    const outgoing = new OutgoingConnections({
      material: world.material,
      profile: 'intermediate',
      limits: defaultLimits,
      endpoints: {
        async serve(open) {
          channels.add(open);
          await open.channel.closed.catch(() => {});
        },
      },
      observer: {
        unreachable: ({ reason }) => ends.push(reason),
        failed: ({ error }) => t.error(error as Error),
      },
      authenticate: world.authenticate,
    });
    const { fingerprint } = enrolled;
    const target = { client: 'demo', group: 'test', role: 'full', fingerprint, host: '127.0.0.1', port };
    outgoing.update([{ ...target, version: '1.4' }]);
    const open = await channels.nth(1);
    t.equal(leftOf(await open.authorise()), 'all');
    change(world);
    t.equal(leftOf(await open.authorise()), left, what);
    await outgoing.recheck();
    if (left === 'none') await t.rejects(open.channel.closed, { code: 'CHANNEL_CLOSED' }, `${what}: ended`);
    await passTurns();
    t.equal(ends.length, left === 'none' ? 1 : 0, `${what}: ${ends}`);
    outgoing.close();
  }
});
