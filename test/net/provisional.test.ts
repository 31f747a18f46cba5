import t from 'tap';
import type { AuthenticationResult } from '../../src/identity/certificate.ts';
import { httpsTransport } from '../../src/net/https.ts';
import { ttlvTransport } from '../../src/net/transport.ts';
import type { Conversation, MessageService } from '../../src/protocol/service.ts';
import { encode } from '../client.ts';
import { clientOf, getRequest, mirror, plain } from './https-listener-fixture.ts';
import { echo, frame, openListener, type TestListener } from './listener-fixture.ts';
import { connectPeer } from './peer-fixture.ts';

/**
 * A session whose client could not be looked up is authenticated again before each message, until it can be.
 */

const known: AuthenticationResult = { principal: { client: 'demo', group: 'test', may: () => true } };
const provisional: AuthenticationResult = {
  principal: { client: 'certificate 1', group: '', isProvisional: true, may: () => false },
};
const refused: AuthenticationResult = { refused: 'client disabled', fingerprint: '1', name: 'demo' };

/** Sends a message on a new connection, and returns how to send further ones: true when it is answered. */
type Send = () => Promise<boolean>;

const transports: Readonly<
  Record<
    string,
    {
      readonly transport: () => ReturnType<typeof ttlvTransport>;
      readonly service: MessageService;
      readonly connect: (listener: TestListener) => Promise<Send>;
    }
  >
> = {
  ttlv: {
    transport: ttlvTransport,
    service: echo,
    async connect({ port }) {
      const peer = await connectPeer(port);
      let answers = 0;
      return () => {
        answers++;
        peer.socket.write(frame(64));
        return Promise.race([peer.answers(answers).then(() => true), peer.closed.then(() => false)]);
      };
    },
  },
  https: {
    transport: httpsTransport,
    service: mirror,
    async connect({ port }) {
      const client = clientOf(port);
      return () =>
        client.send({ body: encode(getRequest), headers: plain }).then(
          ({ status }) => status === 200,
          () => false,
        );
    },
  },
};

/** How later authentications end, and what becomes of the session. */
const cases: Readonly<
  Record<
    string,
    { readonly later: () => AuthenticationResult; readonly ended?: string; readonly client?: string }
  >
> = {
  'its client is found': { later: () => known, client: 'demo' },
  'it still cannot be looked up': { later: () => provisional, client: 'certificate 1' },
  'its client is refused': { later: () => refused, ended: 'client disabled' },
  'the directory does not answer': {
    later() {
      throw new Error('away');
    },
    ended: 'client directory unavailable',
  },
};

for (const [name, { transport, service, connect }] of Object.entries(transports)) {
  for (const [what, { later, ended, client }] of Object.entries(cases))
    t.test(`${name}: ${what}`, async (t) => {
      const seen: Conversation[] = [];
      let authenticate = (): AuthenticationResult => provisional;
      const perClient = new Map<string, number>();
      const listener = await openListener({
        transport: transport(),
        perClient,
        authenticate: async () => authenticate(),
        service: {
          ...service,
          refuseFraming: (...input) => service.refuseFraming(...input),
          respond(request, conversation) {
            seen.push(conversation);
            return service.respond(request, conversation);
          },
        },
      });
      t.teardown(() => listener.close());
      const send = await connect(listener);
      t.equal(await send(), true);
      authenticate = later;
      t.equal(await send(), ended === undefined);
      const clients = ['certificate 1', ...(client === undefined ? [] : [client])];
      t.same(
        seen.map(({ principal }) => principal.client),
        clients,
        'the service sees no message of a session that is refused',
      );
      t.same([...perClient], client === undefined ? [] : [[client, 1]]);
      if (ended !== undefined) t.match(await listener.event('connectionEnded'), { reason: ended });
    });

  t.test(`${name}: it counts for its client once that is found`, async (t) => {
    let result = provisional;
    const listener = await openListener({
      transport: transport(),
      service,
      limits: { connectionsPerClient: 1 },
      authenticate: async () => result,
    });
    t.teardown(() => listener.close());
    const early = await connect(listener);
    t.equal(await early(), true);
    result = known;
    const late = await connect(listener);
    t.equal(await late(), true);
    t.equal(await early(), false);
    t.match(await listener.event('connectionEnded'), {
      reason: 'too many connections of this client',
      client: 'certificate 1',
    });
    t.equal(await late(), true);
  });
}

t.test('a session that was authenticated is not authenticated with each message', async (t) => {
  const listener = await openListener();
  t.teardown(() => listener.close());
  const send = await transports.ttlv?.connect(listener);
  for (const _ of [1, 2, 3]) t.equal(await send?.(), true);
  t.equal(listener.lookups(), 1);
});
