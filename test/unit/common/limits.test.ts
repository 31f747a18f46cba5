import t from 'tap';
import { defaultLimits, type LimitName, limitNames } from '../../../src/common/limits.ts';

/** What each limit bounds: a total of all clients has a bound of each client. */
const bounds: Readonly<Record<LimitName, 'each' | { readonly ofClient: LimitName }>> = {
  requestBytes: 'each',
  responseBytes: 'each',
  depth: 'each',
  structureItems: 'each',
  batchItems: 'each',
  referenceBytes: 'each',
  handshakeMilliseconds: 'each',
  messageMilliseconds: 'each',
  idleMilliseconds: 'each',
  writeMilliseconds: 'each',
  answerMilliseconds: 'each',
  drainMilliseconds: 'each',
  connections: { ofClient: 'connectionsPerClient' },
  connectionsPerClient: 'each',
  locateItems: 'each',
  countedItems: 'each',
  searchRows: 'each',
  searchMilliseconds: 'each',
  ticketSeconds: 'each',
  announcements: 'each',
  parts: { ofClient: 'partsPerClient' },
  partsPerClient: 'each',
  partsMilliseconds: 'each',
  partsTotalMilliseconds: 'each',
  partsBytes: 'each',
  partsBytesPerClient: 'each',
  partsTotalBytes: { ofClient: 'partsBytesPerClient' },
  jobs: { ofClient: 'jobsPerClient' },
  jobsPerClient: 'each',
  jobBytes: 'each',
  jobAnswerSeconds: 'each',
  reservedNameSeconds: 'each',
  failedDecryptions: 'each',
};

t.test('no client takes more than a quarter of what all share, by default', async (t) => {
  t.same(Object.keys(bounds), limitNames, 'every limit is in the table, in its order');
  for (const name of limitNames) {
    const bound = bounds[name];
    if (bound === 'each') continue;
    t.ok(defaultLimits[bound.ofClient] * 4 <= defaultLimits[name], `${bound.ofClient} of ${name}`);
  }
});
