import t from 'tap';
import { Create } from '../../src/operations/creation/create.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { aes, having, outcome, succeed } from '../protocol/operations/ask.ts';
import {
  active,
  counted,
  encryptWith,
  register,
  symmetric,
} from '../protocol/operations/transfer/wrapping-keys.ts';
import {
  closedKey,
  markRecipient,
  provenanceOf,
  sensitive,
  wrapOnly,
} from '../protocol/protection/history.ts';
import { TestService } from '../protocol/service.ts';
import { startPostgres } from './embedded-postgres.ts';

/** Provenance and marks of recipients where the database is a server. */
const server = await startPostgres();
const skip = typeof server === 'string' && server;

t.test('a sensitive key leaves under closed and marked keys only', { skip }, async (t) => {
  if (typeof server === 'string') throw new Error(server);
  const service = await TestService.open({ store: await server.fresh() });
  t.teardown(() => service.close());
  const { UniqueIdentifier } = await succeed(service, '2.1', Create, {
    ObjectType: 'SymmetricKey',
    Attributes: having(...aes, sensitive),
  });
  const registered = await register(service, symmetric(counted(32)), active, wrapOnly);
  const closed = await closedKey(service);
  const under = (kek: string) => outcome(service, '2.1', Get, { UniqueIdentifier, ...encryptWith(kek) });
  t.equal(await under(registered), 'Sensitive');
  t.equal((await provenanceOf(service, UniqueIdentifier)).shown, 'never');
  t.equal(await under(closed), 'Success');
  t.equal((await provenanceOf(service, UniqueIdentifier)).shown, 'wrapped');
  await markRecipient(service, registered);
  t.equal(await under(registered), 'Success');
});

t.teardown(() => (typeof server === 'string' ? undefined : server.stop()));
