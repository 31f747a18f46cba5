import type { ChainedEntry } from '../audit/audit.ts';
import type { TokenKeyReference } from '../crypto/token-device.ts';
import type { EndpointSettings } from '../protocol/endpoints/endpoint-settings.ts';
import type { ExplanationStep } from '../protocol/explanation.ts';
import type { ListedRestorable, RestoredObject } from '../protocol/restorable-directory.ts';
import type { ListedTokenKey, TokenKeyObject } from '../protocol/token-key-list.ts';
import type { EpochStatus } from '../vault/vault-status.ts';
import type { AdministratorDetails, AdministratorSummary } from './administrator-api.ts';
import type {
  ClientDetails,
  ClientSummary,
  CredentialAdded,
  CredentialList,
  ManagedToken,
  ManagedVaultStatus,
  MethodName,
  ResultOf,
  ServiceDescription,
} from './api.ts';
import type { ApprovalOutcome, ApprovalSummary, RequestingClient } from './approval-api.ts';
import type { GrantSummary } from './grant-api.ts';
import type { NodeSummary } from './managed-nodes.ts';
import type { KeySummary } from './object-api.ts';
import type { QuotaSummary, SetQuota } from './quota-api.ts';
import type { LoginChallenge } from './session.ts';

/** Tells whether what came over the socket has the form of a result. */
export type ResultCheck<T> = (value: unknown) => value is T;

const text = (value: unknown): value is string => typeof value === 'string';
const flag = (value: unknown): value is boolean => typeof value === 'boolean';
const natural = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Checks a text whose choices are only printed. */
const word = <T extends string>(): ResultCheck<T> => text as ResultCheck<T>;

const nullable =
  <T>(check: ResultCheck<T>): ResultCheck<T | null> =>
  (value): value is T | null =>
    value === null || check(value);

const optional =
  <T>(check: ResultCheck<T>): ResultCheck<T | undefined> =>
  (value): value is T | undefined =>
    value === undefined || check(value);

const list =
  <T>(check: ResultCheck<T>): ResultCheck<readonly T[]> =>
  (value): value is readonly T[] =>
    Array.isArray(value) && value.every(check);

/** Checks an object with these fields, and perhaps others, which are not read. */
const record =
  <T extends object>(checks: { readonly [K in keyof T]-?: ResultCheck<T[K]> }): ResultCheck<T> =>
  (value): value is T =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.entries<ResultCheck<unknown>>(checks).every(([key, check]) =>
      check(Object.hasOwn(value, key) ? value[key as never] : undefined),
    );

const deviceFields: ResultCheck<Record<string, string>> = (value): value is Record<string, string> =>
  record({})(value) && Object.values(value).every(text);

const summary = {
  ...{ name: text, group: text, role: text, fingerprint: text },
  ...{ disabled: flag, enrolledAt: natural, notAfter: natural },
};
const client = record<ClientDetails>({ ...summary, certificate: text });
const empty = record({});
const added = record<CredentialAdded>({ isReplaced: flag, isFirst: flag });
const key = record<KeySummary>({
  ...{ id: text, group: text, type: text, born: word(), shown: word(), fingerprint: nullable(text) },
  ...{ algorithm: optional(text), bits: optional(natural), names: list(text) },
  ...{ isClosed: flag, isMarked: flag, problem: optional(text) },
});

const tokenKey = record<TokenKeyReference>({ id: text, token: text });

const node = record<NodeSummary>({
  ...{ name: text, isOwn: flag, lanes: list(text), commits: natural, keyring: natural },
  ...{ oldestEpoch: natural, roots: list(text) },
  writtenAt: nullable(natural),
});

const vaultStatus = record<ManagedVaultStatus>({
  ...{ sealedBecause: nullable(text), configured: list(text), generation: nullable(natural) },
  ...{ atHand: list(text), rootProblems: list(text), values: word<ManagedVaultStatus['values']>() },
  prepared: nullable(record({ uri: text, isReady: flag })),
  roots: list(record({ id: text, kind: text, uri: text, createdAt: natural })),
  indexEpochs: list(natural),
  epochs: list(
    record<EpochStatus>({ epoch: natural, state: word(), createdAt: natural, seals: nullable(natural) }),
  ),
  tokens: list(record<ManagedToken>({ uri: text, state: word(), reason: text, since: natural })),
  nodes: list(node),
});

const administrator = {
  ...{ name: text, role: word<AdministratorSummary['role']>(), disabled: flag, createdAt: natural },
  credential: word<AdministratorSummary['credential']>(),
  ...{ fingerprint: nullable(text), notAfter: nullable(natural) },
};

const anything = (_: unknown): _ is unknown => true;
const approval = record<ApprovalSummary>({
  ...{ id: text, method: text, params: anything, requester: text, askedAt: natural, expiresAt: natural },
  client: optional(record<RequestingClient>({ group: text, role: text, bearer: optional(text) })),
  ...{ state: word<ApprovalSummary['state']>(), decidedBy: optional(text), problem: optional(text) },
});

const checks: { readonly [M in MethodName]: ResultCheck<ResultOf<M>> } = {
  'client.list': list(record<ClientSummary>(summary)),
  'client.find': nullable(client),
  'client.show': client,
  'client.add': empty,
  'client.setDisabled': record({ isChanged: flag }),
  'client.remove': record({ group: text }),
  'client.endpoint': nullable(
    record<EndpointSettings>({
      put: flag,
      to: optional(record({ host: text, port: natural })),
      version: optional(word()),
    }),
  ),
  'client.setEndpoint': empty,
  'credential.list': record<CredentialList>({
    users: list(
      record({ username: text, hasPassword: flag, isHashed: flag, oneTime: natural, unused: natural }),
    ),
    devices: list(record({ fields: deviceFields, hasPassword: flag })),
  }),
  'credential.addPassword': added,
  'credential.addDevice': added,
  'credential.addOneTimePasswords': added,
  'credential.checkOneTimePasswords': added,
  'credential.remove': record({ removed: natural, left: natural }),
  'object.show': key,
  'object.mark': key,
  'object.unmark': empty,
  'object.purge': record({ count: natural, ids: list(text), next: nullable(natural) }),
  'object.restorable': record({
    objects: list(
      record<ListedRestorable>({
        ...{ id: text, group: text, type: text, client: text, destroyedAt: natural, until: natural },
      }),
    ),
    next: nullable(natural),
  }),
  'object.restore': record<RestoredObject>({ group: text, state: word() }),
  'audit.list': record({
    entries: list(record<ChainedEntry>({ chain: text, number: natural, text })),
    ...{ unreadable: natural, start: natural, next: natural, isLast: flag },
  }),
  'policy.explain': list(record<ExplanationStep>({ subject: word(), isAllowed: flag, reason: text })),
  'grant.add': record({ group: text, isReplaced: flag, unpermitted: list(text) }),
  'grant.list': list(
    record<GrantSummary>({
      ...{ object: text, owner: text, client: nullable(text), group: nullable(text) },
      ...{ operations: list(text), until: nullable(natural), grantedAt: natural, state: word() },
    }),
  ),
  'grant.remove': empty,
  'quota.set': record<SetQuota>({ isReplaced: flag, objects: natural, hasClients: flag }),
  'quota.list': list(record<QuotaSummary>({ group: text, limit: natural, objects: natural, setAt: natural })),
  'quota.remove': empty,
  'node.list': list(node),
  'node.remove': node,
  'node.renew': record({ isRenewed: flag }),
  'vault.status': vaultStatus,
  'vault.receiver': record({ publicKey: text }),
  'vault.tokenLogin': record({ sealedBecause: nullable(text) }),
  'vault.rotate': record({ epoch: natural }),
  'vault.rewrap': record({
    ...{ older: natural, misplaced: natural, rewrapped: natural, broken: list(text) },
    ...{ next: nullable(natural), highest: natural },
  }),
  'vault.values': record({
    ...{ direct: list(record({ root: text, count: natural })), envelope: natural, misplaced: natural },
  }),
  'vault.prepareRoot': record({ shares: list(text) }),
  'vault.addRoot': record({ id: text }),
  'vault.keepRoot': empty,
  'vault.retire': record({ retired: nullable(list(natural)), waitSeconds: natural }),
  'vault.unseal': record({ given: natural, needed: natural, sealedBecause: nullable(text) }),
  'tokenKey.list': list(record<ListedTokenKey>({ reference: tokenKey, made: natural, isReleased: flag })),
  'tokenKey.objects': record({
    objects: list(record<TokenKeyObject>({ object: text, group: text, reference: tokenKey })),
    ...{ broken: list(text), rows: natural, total: natural, next: nullable(natural) },
  }),
  'tokenKey.remove': empty,
  'approval.list': list(approval),
  'approval.approve': record({ request: approval, result: anything }),
  'approval.reject': record({ request: approval }),
  'approval.outcome': record<ApprovalOutcome>({
    ...{ state: word<ApprovalOutcome['state']>(), decidedBy: nullable(text), result: anything },
    problem: nullable(text),
  }),
  'admin.list': list(record<AdministratorSummary>(administrator)),
  'admin.show': record<AdministratorDetails>({ ...administrator, certificate: nullable(text) }),
  'admin.add': empty,
  'admin.reset': empty,
  'admin.setDisabled': record({ isChanged: flag }),
  'admin.remove': empty,
  'crl.issuers': list(record({ id: text, group: text, subject: text, notAfter: natural })),
  'crl.make': record({ der: text, number: natural, entries: natural, nextUpdate: natural }),
  'crl.revoke': record({ subject: text }),
};

/** Returns the check of the results of a method. */
export const checkOf = <M extends MethodName>(method: M): ResultCheck<ResultOf<M>> => checks[method];

export const isDescription: ResultCheck<ServiceDescription> = record({ process: natural, store: text });

export const isChallenge: ResultCheck<LoginChallenge> = record({ challenge: text, publicKey: text });

export const isLogin: ResultCheck<{ readonly role: string }> = record({ role: text });

/** An answer of the socket; its result is of any form. */
export interface Answer {
  readonly id: number | null;
  readonly result?: unknown;
  readonly error?: { readonly message: string } | undefined;
  /** The request was stored, and another administrator has to approve it. */
  readonly pending?: { readonly request: string; readonly expiresAt: number } | undefined;
  /** What the operator has to know although the method was run: one line. */
  readonly warning?: string | undefined;
}

export const isAnswer: ResultCheck<Answer> = record({
  id: nullable(natural),
  result: anything,
  pending: optional(record({ request: text, expiresAt: natural })),
  error: optional(record({ message: text })),
  warning: optional(text),
});
