import t from 'tap';
import { restrictionNames } from '../../src/common/role-restrictions.ts';
import { describeRoles, presets } from '../../src/identity/policy.ts';
import type { RoleTable } from '../../src/identity/role-table.ts';
import { operations } from '../../src/operations/index.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { explain } from '../../src/protocol/explanation.ts';
import { enrolForExplanation } from './explained.ts';
import { ask } from './operations/ask.ts';
import { type Asked, namedAlgorithms, namedTypes, requests } from './requests.ts';
import { everything, inPolicy } from './restricted.ts';
import { TestService } from './service.ts';

/**
 * Every operation under every built-in role and every restriction, on an object of the own group, of another
 * one, and on none: the table below says what each cell answers, the server answers it, and `explain`
 * foresees it. An operation, a role or a restriction that has no row fails.
 */

t.setTimeout(600_000);

/** What a restriction changes: the answers of the kinds of requests that it concerns. */
type Effect = 'none' | 'unreached' | 'format' | 'wrapping' | 'state';

/** Each restriction with values that the objects meet, and with others. */
const restricted: Readonly<Record<string, readonly [Partial<RoleTable>, Effect]>> = {
  unrestricted: [{}, 'none'],
  'its types': [{ objectTypes: namedTypes }, 'none'],
  'other types': [{ objectTypes: ['PGPKey'] }, 'unreached'],
  'its algorithms': [{ algorithms: namedAlgorithms }, 'none'],
  'other algorithms': [{ algorithms: ['ChaCha20'] }, 'unreached'],
  'its formats': [{ formats: ['Raw'] }, 'none'],
  'other formats': [{ formats: ['PKCS_8'] }, 'format'],
  'any wrapping': [{ wrapping: 'optional' }, 'none'],
  'wrapped only': [{ wrapping: 'required' }, 'wrapping'],
  'its states': [{ states: ['Active'] }, 'none'],
  'other states': [{ states: ['Deactivated', 'Compromised'] }, 'state'],
};
const owners = ['own', 'foreign', 'missing'] as const;
type Owner = (typeof owners)[number];

const service = await TestService.open({ limits: { jobsPerClient: 1_000 } });
t.teardown(() => service.close());
const tables = Object.fromEntries(
  Object.entries(restricted).map(([name, [table]]) => [name, { operations: everything, ...table }]),
);
const roles = [...Object.keys(presets), ...Object.keys(restricted), 'undefined'];
const asked = {
  clients: service.clients,
  store: service.store,
  vault: service.vault,
  roles: () => describeRoles(tables),
};

const isClients = ({ name, direction }: AnyOperation) => direction === undefined && name !== 'Interop';
const offered = [...operations.values()].filter(isClients);

/** What a cell answers: the reason, and the message where it must not differ from that of another cell. */
interface Outcome {
  readonly reason: string;
  readonly message: string | undefined;
}

async function outcomeOf(operation: AnyOperation, request: object, ids: readonly string[]): Promise<Outcome> {
  const { reason, status, message } = await ask(service, '2.1', operation, request as never);
  if (status === 'Success') for (const owner of owners) prepared.delete(`${operation.name} ${owner}`);
  const said = ids.reduce((text, id) => text?.replaceAll(id, 'ID'), message);
  return { reason: reason ?? status, message: said };
}

const groups: Readonly<Record<Owner, string>> = { own: 'g', foreign: 'h', missing: 'g' };

/** Objects that requests have left as they were. */
const prepared = new Map<string, readonly string[]>();

async function identifiers(name: string, owner: Owner): Promise<readonly string[]> {
  if (owner === 'missing') return (await identifiers(name, 'own')).map(() => crypto.randomUUID());
  const known = prepared.get(`${name} ${owner}`);
  if (known !== undefined) return known;
  service.sender = { group: groups[owner] };
  const ids = await (requests[name] as Asked).prepare(service);
  prepared.set(`${name} ${owner}`, ids);
  return ids;
}

/** Answers without restrictions, by operation and owner. */
const unrestricted = new Map<string, Outcome>();
const answerOf = (name: string, owner: Owner) => unrestricted.get(`${name} ${owner}`) as Outcome;

t.test(
  'the requests succeed on own objects and fail on others when nothing restricts the client',
  async (t) => {
    t.same(
      offered.map(({ name }) => name).filter((name) => requests[name] === undefined),
      [],
      'every operation has a request',
    );
    for (const operation of offered) {
      const row = requests[operation.name] as Asked;
      for (const owner of owners) {
        const ids = await identifiers(operation.name, owner);
        service.sender = inPolicy(tables, 'unrestricted');
        const outcome = await outcomeOf(operation, row.request(ids), ids);
        unrestricted.set(`${operation.name} ${owner}`, outcome);
        if (owner === 'own')
          t.equal(
            outcome.reason === 'Success',
            row.isRefused !== true,
            `${operation.name}: ${outcome.message}`,
          );
      }
      t.same(answerOf(operation.name, 'foreign'), answerOf(operation.name, 'missing'), operation.name);
    }
  },
);

t.test('each restriction has rows that objects meet, and rows that they do not', async (t) => {
  const rows = Object.values(restricted);
  for (const name of restrictionNames)
    for (const isMet of [true, false])
      t.ok(
        rows.some(([table, effect]) => name in table && (effect === 'none') === isMet),
        `${name}, ${isMet ? 'met' : 'not met'}`,
      );
});

/** The table: what a role whose operations include that of the request answers. */
function expectedOf(name: string, owner: Owner, effect: Effect): Outcome {
  const { kind, usesValueOf } = requests[name] as Asked;
  const unchanged = answerOf(name, owner);
  const refused = (reason: string): Outcome => ({ reason, message: undefined });
  const isValue = kind === 'value' || kind === 'leaves' || usesValueOf !== undefined;
  switch (effect) {
    case 'none':
      return unchanged;
    case 'unreached':
      if (kind === 'makes') return refused('PermissionDenied');
      return kind === 'open' || kind === 'finds' ? unchanged : answerOf(name, 'missing');
    case 'format':
      return kind === 'leaves' && owner === 'own' ? refused('KeyFormatTypeNotSupported') : unchanged;
    case 'wrapping':
      return kind === 'leaves' && owner === 'own' ? refused('Sensitive') : unchanged;
    case 'state':
      return isValue && owner === 'own' ? refused('WrongKeyLifecycleState') : unchanged;
  }
}

const includes = (role: string, name: string) =>
  ['DiscoverVersions', 'Query', 'Ping'].includes(name) ||
  role in restricted ||
  (presets[role] ?? []).includes(name);

/** Operations that need a permission of `everything` beside their own. */
const needsMore: readonly string[] = ['SetDefaults', 'SetConstraints'];

for (const role of roles)
  t.test(`the server answers each operation under the role ${role} as the table says`, async (t) => {
    const [, effect] = restricted[role] ?? [{}, 'none'];
    await enrolForExplanation(service, role);
    for (const operation of offered) {
      const { name } = operation;
      const row = requests[name] as Asked;
      for (const owner of owners) {
        const isIncluded = includes(role, name);
        const ids = isIncluded ? await identifiers(name, owner) : ['none'];
        const { kind, usesValueOf } = row;
        const isAbout = isIncluded && !['open', 'makes', 'finds'].includes(kind);
        const object = isAbout ? ids[0] : undefined;
        const query = { client: role, operation: name, object };
        const last = (await explain(query, asked, new Date(service.now))).at(-1);
        service.sender = inPolicy(tables, role);
        const outcome = await outcomeOf(operation, row.request(ids), ids);
        const cell = `${name} ${owner}: ${outcome.reason}: ${outcome.message}`;
        if (role === 'full' && needsMore.includes(name)) {
          t.match(outcome, { reason: 'PermissionDenied', message: /does not include GroupPolicy/ }, cell);
          continue;
        }
        if (!isIncluded) {
          t.match(outcome, { reason: 'PermissionDenied', message: /does not include/ }, cell);
          t.match(last, { subject: 'role', isAllowed: false }, cell);
          continue;
        }
        const expected = expectedOf(name, owner, effect);
        t.equal(outcome.reason, expected.reason, cell);
        if (expected.message !== undefined) t.equal(outcome.message, expected.message, cell);
        if (object === undefined) continue;
        const isState = expected.reason === 'WrongKeyLifecycleState' && usesValueOf !== 'issuer';
        const isForeseen = owner !== 'own' || effect === 'unreached' || isState;
        t.equal(last?.isAllowed, !isForeseen, `explain: ${cell}: ${last?.reason}`);
      }
    }
  });
