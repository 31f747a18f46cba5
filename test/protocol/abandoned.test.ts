import t from 'tap';
import { children, enumerated, integer, structure } from '../client.ts';
import { gatedOperation, poll, submit, waitForJobs } from './jobs.ts';
import { createAesPayload1x, outline, TestService } from './service.ts';

/** Work for a client whose connection closes meanwhile. */

const step = gatedOperation('RNGSeed');
step.open();
const service = await TestService.open({ extra: [step.operation] });
t.teardown(() => service.close());

const seed = { operation: 'RNGSeed' };
const create = { operation: 'Create', payload: createAesPayload1x() };
const countKeys = async () => {
  const { payload } = await service.call('1.4', 'Locate');
  return children(payload, 'UniqueIdentifier').length;
};

/** The connection closes when `RNGSeed` begins for the next time. */
function closeWithSeed(): void {
  const before = step.runs;
  service.connectionState = { isOpen: () => step.runs === before };
}

t.afterEach(() => {
  service.connectionState = {};
});

for (const [option, number] of [
  ['Continue', 1],
  ['Stop', 2],
  ['Undo', 3],
] as const)
  t.test(
    `a batch ends between two items when its client has left, and changes nothing (${option})`,
    async (t) => {
      const keys = await countKeys();
      closeWithSeed();
      const header = [enumerated('BatchErrorContinuationOption', number)];
      const answers = await service.batch('1.4', [create, seed, create, create], header);
      t.equal(
        outline(answers),
        'Create:OperationUndone RNGSeed:OperationUndone Create:OperationCanceledByRequester',
      );
      service.connectionState = {};
      t.equal(await countKeys(), keys);
      t.equal(outline(await service.batch('1.4', [create, seed, create], header)).includes('Undone'), false);
      t.equal(await countKeys(), keys + 2);
    },
  );

t.test('a batch whose client leaves during its last item commits', async (t) => {
  const keys = await countKeys();
  closeWithSeed();
  t.equal(outline(await service.batch('1.4', [create, seed])), 'Create:Success RNGSeed:Success');
  service.connectionState = {};
  t.equal(await countKeys(), keys + 1);
});

t.test('slow cryptography does not begin once the client has left, and is done in a job', async (t) => {
  const keys = await countKeys();
  service.connectionState = { isOpen: () => false };
  const common = structure(
    'CommonAttributes',
    enumerated('CryptographicAlgorithm', 4),
    integer('CryptographicLength', 2048),
  );
  const usage = (name: 'PrivateKeyAttributes' | 'PublicKeyAttributes', mask: number) =>
    structure(name, integer('CryptographicUsageMask', mask));
  const payload = [common, usage('PrivateKeyAttributes', 1), usage('PublicKeyAttributes', 2)];
  const item = { operation: 'CreateKeyPair', payload };
  const [refused] = await service.batch('2.1', [item]);
  t.equal(refused?.reason, 'OperationCanceledByRequester');
  const { values } = await submit(service, '2.1', [item]);
  await waitForJobs(service);
  t.equal(outline([await poll(service, '2.1', values[0])]), 'CreateKeyPair:Success');
  service.connectionState = {};
  t.equal(await countKeys(), keys + 2);
});
