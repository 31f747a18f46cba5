import t from 'tap';
import { Authenticator, requireAuthenticated } from '../../../src/protocol/authentication/authentication.ts';
import { password, ticketOf } from './credential-headers.ts';

/** While the root key is away nothing can be checked: what needs no check is answered, the rest is not. */
const told: string[] = [];
const authenticator = new Authenticator({
  vault: { unsealed: false },
  observer: { authenticationFailed: ({ reason }: { reason: string }) => told.push(reason) },
  clock: () => 0,
  interop: false,
  principal: () => Promise.resolve(undefined),
} as never);

async function outcomes(secondFactor: boolean, ...credentials: readonly unknown[]): Promise<string[]> {
  const principal = { client: 'c', group: 'g', may: () => true, secondFactor };
  const header = credentials.length > 0 ? { Authentication: { Credential: credentials } } : {};
  const conversation = { principal, connection: '1', peer: '' };
  const { refusal } = await authenticator.authenticate(header as never, conversation, undefined as never, 0);
  return ['Query', 'DiscoverVersions', 'Create'].map((operation) => {
    try {
      requireAuthenticated(refusal, operation);
      return 'admitted';
    } catch (error) {
      return (error as { reason: string }).reason;
    }
  });
}

t.test(
  'a client that needs authentication gets open operations only while the vault is sealed',
  async (t) => {
    const all = ['admitted', 'admitted', 'admitted'];
    const open = ['admitted', 'admitted', 'GeneralFailure'];
    t.same(await outcomes(false), all, 'the vault is not needed');
    t.same(await outcomes(false, password('a', 'b')), all, 'nor for what is ignored');
    t.same(told, []);
    t.same(await outcomes(true), open);
    t.same(await outcomes(true, password('a', 'b')), open);
    t.same(await outcomes(false, ticketOf(new Uint8Array(32))), open);
    t.same(new Set(told), new Set(['the vault is sealed']));
  },
);
