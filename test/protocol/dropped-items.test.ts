import t, { type Test } from 'tap';
import { type TagName, tagName } from '../../codec/tags.ts';
import type { Version } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import { operations } from '../../src/operations/index.ts';
import { Login } from '../../src/operations/sessions/login.ts';
import { StoreUnavailableError } from '../../src/store/store.ts';
import {
  children,
  decode,
  encode,
  enumerated,
  integer,
  item,
  type RequestItem,
  requestMessage,
  structure,
  text,
  valueOf,
} from '../client.ts';
import { type Entry, readEntries, registrations } from '../fuzz/corpus.ts';
import { type Kind, makeObjects, withIdentifiers } from '../fuzz/objects.ts';
import { ticketNode } from './credentials/credential-headers.ts';
import { correlationField, mandatory, submit, waitForJobs } from './jobs.ts';
import { succeed } from './operations/ask.ts';
import { type Authority, authority, certified, keyPair } from './operations/certificates/authority.ts';
import { answersOf, createAesPayload1x, createAesPayload2x, TestService, uid } from './service.ts';

/**
 * Requests of every operation, in every way in which an item can be dropped after it ran: nothing of its
 * output is disclosed, and its uses count as often as those of an item that is kept
 * (docs/decisions/25-undo-and-output.md).
 */

t.setTimeout(900_000);
const service = await TestService.open({ interop: true, limits: { jobsPerClient: 1_000 } });
t.teardown(() => service.close());
const entries = readEntries('corpus');
const makers = registrations(entries);

/** Batch Error Continuation Option: 1 is Continue, 3 is Undo. */
const option = (value: 1 | 3) => enumerated('BatchErrorContinuationOption', value);

/** Tags that the answer to a dropped item may hold. */
const identifiers: ReadonlySet<TagName | undefined> = new Set<TagName>([
  'ObjectType',
  'UniqueIdentifier',
  'PrivateKeyUniqueIdentifier',
  'PublicKeyUniqueIdentifier',
]);
const limits = structure(
  'NewAttribute',
  structure(
    'UsageLimits',
    item('UsageLimitsTotal', 'LongInteger', 1_000_000n),
    enumerated('UsageLimitsUnit', 2),
  ),
);
let own = new Map<Kind, string>();
/** The objects that the tally reads. */
let watched: string[] = [];

/** Makes objects of every kind, the keys with Usage Limits. */
async function renew(): Promise<void> {
  own = await makeObjects((message) => service.send(message), makers);
  watched = [...own.values()];
  const limited = [...own].filter(([kind]) => /key$/.test(kind) && !/destroyed|archived/.test(kind));
  const items = limited.map(([, id]) => ({ operation: 'SetAttribute', payload: [uid(id), limits] }));
  await service.batch('2.1', items, [option(1)]);
}

/** The uses left of all objects, and the number of objects that were never shown. */
async function tally(): Promise<{ left: bigint; fresh: number }> {
  const names = [text('AttributeName', 'Usage Limits'), text('AttributeName', 'Fresh')];
  const asked = watched.map((id) => ({ operation: 'GetAttributes', payload: [uid(id), ...names] }));
  const answers = await service.batch('1.4', asked, [option(1)]);
  let left = 0n;
  let fresh = 0;
  for (const { payload } of answers) {
    for (const attribute of payload === undefined ? [] : children(payload, 'Attribute')) {
      const count = valueOf(attribute, 'AttributeValue', 'UsageLimitsCount') as bigint | undefined;
      if (count !== undefined) left += count;
      if (valueOf(attribute, 'AttributeValue') === true) fresh += 1;
    }
  }
  return { left, fresh };
}

/** A message of the corpus for the objects of now, and its parts. */
interface Question {
  readonly version: Version;
  readonly items: readonly Node[];
}

function questionOf({ bytes: message, label }: Entry): Question {
  const node = decode(withIdentifiers(message, own));
  return { version: label.slice(-3) as Version, items: children(node, 'BatchItem') };
}

const failing: RequestItem = { operation: 'Get', payload: [uid('nobody')] };
const creating1x: RequestItem = { operation: 'Create', payload: createAesPayload1x() };
const creating2x: RequestItem = { operation: 'Create', payload: createAesPayload2x() };

/** Sends the items of a question with others around them and further fields of the header. */
async function send(
  { version, items }: Question,
  header: readonly Node[],
  { before = [], after = [] }: { before?: RequestItem[]; after?: RequestItem[] } = {},
): Promise<Node> {
  const frame = requestMessage(version, [...before, ...items.map(() => failing), ...after], header);
  const [head, ...others] = (frame as Node & { type: 'Structure' }).value as [Node, ...Node[]];
  const value = [
    head,
    ...others.slice(0, before.length),
    ...items,
    ...others.slice(before.length + items.length),
  ];
  return decode(await service.send(encode({ ...frame, value } as Node)));
}

/** Checks that the answers hold no output. */
function checkWithheld(t: Test, message: Node, which: string): void {
  for (const { payload } of answersOf(message)) {
    if (payload === undefined || payload.type !== 'Structure') continue;
    const others = payload.value.map(({ tag }) => tagName(tag)).filter((tag) => !identifiers.has(tag));
    if (others.length > 0) t.fail(`${which} holds ${others.join(', ')}`);
  }
}

async function withCommits<T>(first: () => Promise<'conflict'>, sending: () => Promise<T>): Promise<T> {
  const { store } = service;
  const commit = store.commit.bind(store);
  let isFirst = true;
  store.commit = (unit) => {
    if (!isFirst) return commit(unit);
    isFirst = false;
    return first();
  };
  try {
    return await sending();
  } finally {
    store.commit = commit;
  }
}

/** Has space for an item without a payload, so that the item runs and its answer is discarded. */
const tooSmall = integer('MaximumResponseSize', 128);

/**
 * The ways in which an item is dropped after it ran; each returns the response to it, or undefined where the
 * request does not take that way.
 */
const ways: Record<string, (asked: Question) => Promise<Node | undefined>> = {
  Undo: (asked) => send(asked, [option(3)], { after: [failing] }),
  'Maximum Response Size': (asked) => send(asked, [option(1), tooSmall]),
  'Undo for Maximum Response Size': (asked) => send(asked, [option(3), tooSmall]),
  async 'Undo in a job'(asked) {
    if (asked.version < '2.0') return undefined;
    const submitted = await send(asked, [...mandatory, option(3)], { after: [failing] });
    const value = valueOf(submitted, 'BatchItem', 'AsynchronousCorrelationValue') as Uint8Array | undefined;
    if (value === undefined) return undefined;
    await waitForJobs(service);
    return service.exchange('2.1', [{ operation: 'Poll', payload: [correlationField(value)] }]);
  },
};

/** Sends the items to be kept, after a conflict at the first commit. */
const keep = (asked: Question) =>
  withCommits(
    () => Promise.resolve('conflict'),
    () => send(asked, [option(1)]),
  );

/** Operations that leave the objects as they were, except for counts. */
const leavesObjects =
  /^(Encrypt|Decrypt|Sign|SignatureVerify|MAC|MACVerify|Hash|RNG.*|Get.*|Export|Locate|Check|Query|ObtainLease|Create|Validate|DeriveKey)$/;
/** Operations that may change Usage Limits otherwise than by using an object. */
const changesLimits = /^(Add|Modify|Set|Delete|Adjust)Attribute$|^Import$/;

const dropped = new Set<string>();
/** Requests that succeed of one operation and version: the corpus has many variants of some. */
const maxSuccesses = 5;
const successes = new Map<string, number>();

/**
 * Checks one request in every way, the dropping ones first, because they leave the objects as they were.
 * Returns whether the request succeeds and has been kept in the end.
 */
async function check(t: Test, name: string, label: string, asked: Question): Promise<boolean> {
  const first = await tally();
  const undone = await send(asked, [option(3)], { after: [failing] });
  if (answersOf(undone)[0]?.status !== 'OperationUndone') return false;
  dropped.add(name);
  checkWithheld(t, undone, `${label}: Undo`);
  const shown = await tally();
  const uses = first.left - shown.left;
  let before = shown;
  const compare = async (way: string, expected: bigint) => {
    const after = await tally();
    t.same([before.left - after.left, after.fresh], [expected, shown.fresh], `${label}: ${way}`);
    before = after;
  };
  for (const [way, drop] of Object.entries(ways)) {
    const message = await drop(asked);
    if (message === undefined) continue;
    checkWithheld(t, message, `${label}: ${way}`);
    await compare(way, uses);
  }
  const refused = await withCommits(
    () => Promise.reject(new StoreUnavailableError('full')),
    () => send(asked, [option(1)], { before: [asked.version < '2.0' ? creating1x : creating2x] }),
  );
  checkWithheld(t, refused, `${label}: failed commit`);
  await compare('failed commit', 0n);
  await keep(asked);
  if (leavesObjects.test(name)) await compare('kept after a conflict', uses);
  else if (changesLimits.test(name)) t.equal(uses, 0n, label);
  return true;
}

t.test(
  'no dropped request of the corpus discloses its output or goes uncounted',
  { timeout: 800_000 },
  async (t) => {
    await renew();
    for (const entry of entries) {
      if (!/ (1\.4|2\.1)$/.test(entry.label)) continue;
      const [name = ''] = entry.label.split(' ');
      if (!operations.has(name)) continue;
      const kind = `${name} ${entry.label.slice(-3)}`;
      const checked = successes.get(kind) ?? 0;
      if (checked === maxSuccesses || !(await check(t, name, entry.label, questionOf(entry)))) continue;
      successes.set(kind, checked + 1);
      if (!leavesObjects.test(name)) await renew();
    }
  },
);

/** Requests that need more than the objects of the corpus. */
const others: Record<string, () => Promise<RequestItem>> = {
  Query: async () => ({ operation: 'Query', payload: [enumerated('QueryFunction', 1)] }),
  Logout: async () => {
    const { Ticket } = await succeed(service, '2.1', Login, {});
    return { operation: 'Logout', payload: [ticketNode(Ticket.TicketValue.slice())] };
  },
  Poll: async () => ({ operation: 'Poll', payload: [correlationField(await finishedJob())] }),
  Process: async () => ({ operation: 'Process', payload: [correlationField(await finishedJob())] }),
  ReKeyKeyPair: async () => {
    const { privateKey } = await keyPair(service);
    return { operation: 'ReKeyKeyPair', payload: [text('PrivateKeyUniqueIdentifier', privateKey)] };
  },
  Certify: async () => {
    const issuer = await limitedAuthority();
    const { publicKey } = await keyPair(service);
    return { operation: 'Certify', payload: [uid(publicKey), namedBy(issuer)] };
  },
  ReCertify: async () => {
    const leaf = await certified(service, await limitedAuthority(), 'leaf');
    return { operation: 'ReCertify', payload: [uid(leaf.certificate)] };
  },
};

/** Makes a job that has fetched a key; returns its correlation value. */
async function finishedJob(): Promise<Uint8Array> {
  const { values } = await submit(service, '2.1', [
    { operation: 'Get', payload: [uid(own.get('AES key') as string)] },
  ]);
  await waitForJobs(service);
  return values[0] as Uint8Array;
}

let authorities = 0;
/** Creates an authority whose key has Usage Limits and belongs to the tally. */
async function limitedAuthority(): Promise<Authority> {
  authorities += 1;
  const issuer = await authority(service, `Root ${authorities}`);
  await service.call('2.1', 'SetAttribute', [uid(issuer.privateKey), limits]);
  watched.push(issuer.privateKey);
  return issuer;
}

const namedBy = ({ certificate }: Authority): Node =>
  structure(
    'Attributes',
    text('CertificateSubjectCN', 'leaf'),
    structure('Link', enumerated('LinkType', 0x101), text('LinkedObjectIdentifier', certificate)),
  );

t.test('no other dropped request discloses its output or goes uncounted', { timeout: 120_000 }, async (t) => {
  await renew();
  for (const [name, make] of Object.entries(others)) {
    const request = await make();
    const items = children(requestMessage('2.1', [request]), 'BatchItem');
    await check(t, name, name, { version: '2.1', items });
  }
});

/** Operations that clients cannot request here: the server sends them, or no certificate can be replaced. */
const elsewhere: ReadonlySet<string> = new Set(['Notify', 'Put', 'ReProvision']);

t.test('every operation was dropped after it had succeeded', async (t) => {
  const missing = Array.from(operations.keys(), String).filter(
    (name) => !dropped.has(name) && !elsewhere.has(name),
  );
  t.same(missing, []);
});
