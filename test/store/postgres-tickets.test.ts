import t from 'tap';
import { DelegatedLogin } from '../../src/operations/sessions/delegated-login.ts';
import { Login } from '../../src/operations/sessions/login.ts';
import type { RequestItem } from '../client.ts';
import { sendAs, setCredentials, ticketOf, user } from '../protocol/credentials/credential-headers.ts';
import { succeed } from '../protocol/operations/ask.ts';
import { createAesPayload2x, TestService } from '../protocol/service.ts';
import { startPostgres } from './embedded-postgres.ts';

/**
 * What a message uses up is used once, whoever else uses it meanwhile, where the database is a server as
 * well.
 */
const server = await startPostgres();
const skip = typeof server === 'string' && server;
const create: RequestItem = { operation: 'Create', payload: createAesPayload2x() };

async function open(): Promise<TestService> {
  if (typeof server === 'string') throw new Error(server);
  const service = await TestService.open({ store: await server.fresh() });
  t.teardown(() => service.close());
  service.sender = { fingerprint: 'f1' };
  return service;
}

/** How often 64 messages at once came to each outcome. */
async function tally(ask: (number: number) => Promise<{ reasons: string }>): Promise<Record<string, number>> {
  const all = await Promise.all(Array.from({ length: 64 }, (_, number) => ask(number)));
  const counts: Record<string, number> = {};
  for (const { reasons } of all) counts[reasons] = (counts[reasons] ?? 0) + 1;
  return counts;
}

t.test('a ticket allows ten requests when 64 messages use it at once', { skip }, async (t) => {
  const service = await open();
  const { Ticket: own } = await succeed(service, '2.1', Login, { RequestCount: 10 });
  const ticket = ticketOf(own.TicketValue.slice());
  t.same(await tally(() => sendAs(service, '2.1', [create], ticket)), {
    Success: 10,
    UsageLimitExceeded: 54,
  });
  const asked = { RequestCount: 10, Rights: { Right: [{}] } };
  const { Ticket: given } = await succeed(service, '2.1', DelegatedLogin, asked);
  const delegated = ticketOf(given.TicketValue.slice());
  service.otherClients.set('tester', { client: 'tester', group: 'g', fingerprint: 'f1', may: () => true });
  const counts = await tally((number) => {
    service.sender = { client: `c${number}`, group: `g${number}` };
    return sendAs(service, '2.1', [create], delegated);
  });
  t.same(counts, { Success: 10, UsageLimitExceeded: 54 }, 'of as many groups');
});

t.test('a one-time password is accepted once when 64 messages use it at once', { skip }, async (t) => {
  const service = await open();
  await setCredentials(service, { users: [await user('alice', 'right', ['one'])], devices: [] });
  const code = {
    CredentialType: 'OneTimePassword',
    CredentialValue: { Username: 'alice', OneTimePassword: 'one' },
  } as const;
  const counts = await tally(() => sendAs(service, '2.1', [create], code));
  t.same(counts, { Success: 1, AuthenticationNotSuccessful: 63 });
});

t.teardown(() => (typeof server === 'string' ? undefined : server.stop()));
