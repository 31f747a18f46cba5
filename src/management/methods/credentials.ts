import {
  type ClientCredentials,
  type CredentialUse,
  hasSameFields,
  maxOneTimePasswords,
} from '../../identity/credentials.ts';
import { CredentialDirectory } from '../../protocol/authentication/credential-directory.ts';
import type { CredentialAdded, ManagementBackends, MethodsOf, ParamsOf } from '../api.ts';
import { ManagementError } from '../errors.ts';
import { requireClient } from './enrolled.ts';

/** Credentials of one client. Its record is read with every message, so it has to stay small. */
const maxCredentials = 32;

/** The methods about the credentials of clients. Verifiers and fingerprints come in, none goes out. */
export const credentialMethods: MethodsOf<'credential'> = {
  async 'credential.list'({ clients, store, vault }, { client }) {
    await requireClient(clients, client);
    const { credentials, use } = await new CredentialDirectory(store, vault).of(client);
    return {
      users: credentials.users.map(({ username, password, hashed, oneTime = [] }) => ({
        username,
        hasPassword: password !== undefined,
        isHashed: password !== undefined && hashed !== undefined,
        oneTime: oneTime.length,
        unused: withoutSpent(oneTime, use).length,
      })),
      devices: credentials.devices.map(({ fields, password }) => ({
        fields,
        hasPassword: password !== undefined,
      })),
    };
  },
  'credential.addPassword': (backends, { client, username, password, hashed }) =>
    add(backends, client, ({ users, devices }) => {
      const known = users.find((user) => user.username === username);
      const { oneTime } = known ?? {};
      const user = { username, password, ...(hashed && { hashed }), ...(oneTime && { oneTime }) };
      const next = { users: [...users.filter((each) => each !== known), user], devices };
      return { next, isReplaced: known?.password !== undefined };
    }),
  'credential.addDevice': (backends, { client, fields, password }) =>
    add(backends, client, ({ users, devices }) => {
      const others = devices.filter((device) => !hasSameFields(device.fields, fields));
      const next = { users, devices: [...others, { fields, ...(password && { password }) }] };
      return { next, isReplaced: others.length < devices.length };
    }),
  'credential.addOneTimePasswords': (backends, params) =>
    add(backends, params.client, addingOneTimePasswords(params)),
  'credential.checkOneTimePasswords': (backends, params) =>
    add(backends, params.client, addingOneTimePasswords(params), true),
  async 'credential.remove'({ clients, store, vault }, { client, username, fields = {}, all }) {
    await requireClient(clients, client);
    const directory = new CredentialDirectory(store, vault);
    const { users, devices } = (await directory.of(client)).credentials;
    const next = {
      users: all ? [] : users.filter((user) => user.username !== username),
      devices: all ? [] : devices.filter((device) => !hasSameFields(device.fields, fields)),
    };
    const left = countOf(next);
    const removed = users.length + devices.length - left;
    if (removed === 0) throw new ManagementError(`client ${client} has no such credential`);
    await directory.set(client, next);
    return { removed, left };
  },
};

const countOf = ({ users, devices }: ClientCredentials): number => users.length + devices.length;

const withoutSpent = (codes: readonly string[], { spent }: CredentialUse): readonly string[] =>
  codes.filter((code) => !spent.includes(code));

type Change = (
  credentials: ClientCredentials,
  use: CredentialUse,
) => { readonly next: ClientCredentials; readonly isReplaced: boolean };

/** Adds one-time passwords in place of those that have been used. */
function addingOneTimePasswords({ username, codes }: ParamsOf<'credential.addOneTimePasswords'>): Change {
  return ({ users, devices }, use) => {
    const known = users.find((user) => user.username === username);
    const unused = withoutSpent(known?.oneTime ?? [], use);
    if (unused.length + codes.length > maxOneTimePasswords)
      throw new ManagementError(
        `username ${username} has ${unused.length} one-time passwords already, and at most ${maxOneTimePasswords} are possible`,
      );
    const user = { ...(known ?? { username }), oneTime: [...unused, ...codes] };
    const next = { users: [...users.filter((each) => each !== known), user], devices };
    return { next, isReplaced: false };
  };
}

/**
 * Replaces the credentials of a client by those that `change` returns, unless `isTrial`.
 * @throws {ChangedMeanwhileError} when the client was changed, or has used one, meanwhile.
 */
async function add(
  { clients, store, vault }: ManagementBackends,
  client: string,
  change: Change,
  isTrial = false,
): Promise<CredentialAdded> {
  await requireClient(clients, client);
  const directory = new CredentialDirectory(store, vault);
  const { credentials, use } = await directory.of(client);
  const { next, isReplaced } = change(credentials, use);
  if (countOf(next) > maxCredentials)
    throw new ManagementError(`client ${client} has ${maxCredentials} credentials; remove one first`);
  if (!isTrial) await directory.set(client, next);
  return { isReplaced, isFirst: countOf(credentials) === 0 };
}
