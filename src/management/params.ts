import { versions } from '../../codec/version.ts';
import type { EntryFilter } from '../audit/entry-filter.ts';
import { formatAddress, parseAddress } from '../common/address.ts';
import { isPlainName } from '../common/plain-name.ts';
import { administratorRoles } from '../identity/administrator.ts';
import {
  type DeviceFields,
  deviceFields,
  isCredentialText,
  maxCredentialText,
  maxOneTimePasswords,
} from '../identity/credentials.ts';
import type { HashedPasswordVerifier, PasswordVerifier } from '../identity/passwords.ts';
import { totpHashes } from '../identity/totp.ts';
import type { EndpointSettings } from '../protocol/endpoints/endpoint-settings.ts';
import { numberedTables } from '../store/store.ts';
import type { NewCredential } from './administrator-api.ts';
import type { MethodName, ParamsOf } from './api.ts';
import { type LoginSubject, loginMethod } from './call-observer.ts';
import { certificateParam } from './certificate-param.ts';
import { RequestError } from './errors.ts';
import type { GranteeChoice } from './grant-api.ts';
import { pinAttribute } from './plain-params.ts';
import {
  base64Param,
  choiceParam,
  flagParam,
  integerParam,
  listParam,
  nullableParam,
  objectParam,
  optionalParam,
  type Reader,
  textParam,
} from './readers.ts';

/** The readers of the requests that come over the socket. */

/** Days for which a revocation list may be valid: revoked certificates stay on it so long after their end. */
export const maxRevocationListDays = 30;
const secondsADay = 86_400;

const plainName = textParam(64, isPlainName);
const credentialText = textParam(maxCredentialText, isCredentialText);
/** Roles of the configuration are texts of the operator. */
const role = textParam(255);
/** Clients may choose any text. */
const identifier = textParam(1_024, () => true);
const hexadecimal = (digits: number): Reader<string> =>
  textParam(digits, (value) => value.length % 2 === 0 && /^[0-9a-f]+$/.test(value));
const fingerprint = textParam(64, (value) => /^[0-9a-f]{64}$/.test(value));

/** As `passwordVerifier` makes it: other parameters of scrypt could cost any amount of memory. */
const password = objectParam<PasswordVerifier>({
  N: choiceParam([2 ** 15]),
  r: choiceParam([8]),
  p: choiceParam([1]),
  salt: base64Param(16),
  hash: base64Param(32),
});
const hashed = objectParam<HashedPasswordVerifier>({
  SHA_256: objectParam({ s1: base64Param(32), s2Hash: base64Param(32) }),
  SHA_384: objectParam({ s1: base64Param(48), s2Hash: base64Param(48) }),
  SHA_512: objectParam({ s1: base64Param(64), s2Hash: base64Param(64) }),
});
const fields = objectParam<DeviceFields>(
  Object.fromEntries(deviceFields.map((name) => [name, optionalParam(credentialText)])) as never,
  (given) => Object.keys(given).length > 0,
);
const settings = objectParam<EndpointSettings>({
  put: flagParam,
  to: optionalParam(
    objectParam(
      { host: textParam(255), port: integerParam(0, 65_535) },
      (to) => parseAddress(formatAddress(to)) !== undefined,
    ),
  ),
  version: optionalParam(choiceParam(versions)),
});

const base64Text = textParam(8_192, (value) => /^[A-Za-z0-9+/]+=*$/.test(value));
const rootUriText = textParam(4_096);
/** A PIN would get into the audit log and into requests for approval. */
const rootUri: Reader<string> = (value, name) => {
  const uri = rootUriText(value, name);
  if (!pinAttribute.test(uri)) return uri;
  throw new RequestError(`${name} must not contain a PIN (pin-value): name a file by pin-source=file:PATH`);
};
const natural = integerParam(0, Number.MAX_SAFE_INTEGER);
const empty = objectParam<ParamsOf<'client.list'>>({});
const named = objectParam({ name: plainName });
const client = plainName;
const oneTimePasswords = objectParam({
  client,
  username: credentialText,
  codes: listParam(base64Param(32), maxOneTimePasswords),
});

const entryFilter = objectParam<EntryFilter>({
  client: optionalParam(plainName),
  object: optionalParam(identifier),
  operation: optionalParam(textParam(64)),
  isSuccess: optionalParam(flagParam),
  since: optionalParam(natural),
  until: optionalParam(natural),
});
const requestId = textParam(12, (value) => /^[0-9a-f]{12}$/.test(value));
const newCredential = objectParam<NewCredential>(
  {
    ...{ certificate: optionalParam(certificateParam), password: optionalParam(password) },
    totp: optionalParam(objectParam({ hash: choiceParam(totpHashes), secret: base64Text })),
  },
  (given) => ['certificate', 'password,totp'].includes(Object.keys(given).toSorted().join()),
);

const hasOneGrantee = ({ client: one, group }: GranteeChoice): boolean =>
  (one === undefined) !== (group === undefined);

const readers: { readonly [M in MethodName]: Reader<ParamsOf<M>> } = {
  'client.list': empty,
  'client.find': objectParam<ParamsOf<'client.find'>>(
    { name: optionalParam(plainName), fingerprint: optionalParam(fingerprint) },
    (given) => Object.keys(given).length === 1,
  ),
  'client.show': named,
  'client.add': objectParam({
    name: plainName,
    group: plainName,
    role,
    certificate: certificateParam,
  }),
  'client.setDisabled': objectParam({ name: plainName, disabled: flagParam }),
  'client.remove': named,
  'client.endpoint': named,
  'client.setEndpoint': objectParam({ name: plainName, settings: nullableParam(settings) }),
  'credential.list': objectParam({ client }),
  'credential.addPassword': objectParam({
    client,
    username: credentialText,
    password,
    hashed: optionalParam(hashed),
  }),
  'credential.addDevice': objectParam({ client, fields, password: optionalParam(password) }),
  'credential.addOneTimePasswords': oneTimePasswords,
  'credential.checkOneTimePasswords': oneTimePasswords,
  'credential.remove': objectParam<ParamsOf<'credential.remove'>>(
    {
      client,
      username: optionalParam(credentialText),
      fields: optionalParam(fields),
      all: optionalParam(flagParam),
    },
    (given) => Object.keys(given).length === 2,
  ),
  'object.show': objectParam({ id: identifier }),
  'object.mark': objectParam({ id: identifier, fingerprint }),
  'object.unmark': objectParam({ id: identifier }),
  'object.purge': objectParam({ after: natural, destroyedUntil: natural, dryRun: flagParam }),
  'object.restorable': objectParam({ after: natural }),
  'object.restore': objectParam({ id: identifier }),
  'audit.list': objectParam({ from: natural, isBackward: flagParam, filter: entryFilter }),
  'policy.explain': objectParam<ParamsOf<'policy.explain'>>({
    ...{ client, operation: textParam(64), object: optionalParam(identifier) },
  }),
  'grant.add': objectParam<ParamsOf<'grant.add'>>(
    {
      ...{ object: identifier, client: optionalParam(plainName), group: optionalParam(plainName) },
      ...{ operations: listParam(textParam(64), 64), until: optionalParam(natural) },
    },
    hasOneGrantee,
  ),
  'grant.list': objectParam<ParamsOf<'grant.list'>>({ object: optionalParam(identifier) }),
  'grant.remove': objectParam<ParamsOf<'grant.remove'>>(
    { object: identifier, client: optionalParam(plainName), group: optionalParam(plainName) },
    hasOneGrantee,
  ),
  'quota.set': objectParam({ group: plainName, objects: natural }),
  'quota.list': empty,
  'quota.remove': objectParam({ group: plainName }),
  'node.list': empty,
  'node.renew': empty,
  'node.remove': objectParam<ParamsOf<'node.remove'>>({ name: plainName, commits: optionalParam(natural) }),
  'vault.status': empty,
  'vault.receiver': empty,
  'vault.tokenLogin': empty,
  'vault.rotate': objectParam({ renewsSecrets: flagParam }),
  'vault.rewrap': objectParam({
    ...{ table: choiceParam(numberedTables), after: natural, dryRun: flagParam },
  }),
  'vault.values': empty,
  'vault.retire': objectParam({ epoch: natural }),
  'vault.prepareRoot': objectParam<ParamsOf<'vault.prepareRoot'>>({
    ...{ uri: nullableParam(rootUri), isMade: flagParam, publicKey: nullableParam(base64Text) },
  }),
  'vault.addRoot': objectParam({ uri: rootUri, mayBeLive: flagParam }),
  'vault.keepRoot': objectParam({ id: textParam(16, (value) => /^[0-9a-f]{16}$/.test(value)) }),
  'tokenKey.list': empty,
  'tokenKey.objects': objectParam({ after: natural }),
  'tokenKey.remove': objectParam({
    ...{ id: textParam(32, (value) => /^[0-9a-f]{32}$/.test(value)), token: textParam(64) },
  }),
  'vault.unseal': objectParam({ input: base64Text }),
  'approval.list': empty,
  'approval.approve': objectParam({ id: requestId }),
  'approval.reject': objectParam({ id: requestId }),
  'approval.outcome': objectParam({ id: requestId }),
  'admin.list': empty,
  'admin.show': named,
  'admin.add': objectParam({
    ...{ name: plainName, role: choiceParam(administratorRoles), credential: newCredential },
  }),
  'admin.reset': objectParam({ name: plainName, credential: newCredential }),
  'admin.setDisabled': objectParam({ name: plainName, disabled: flagParam }),
  'admin.remove': named,
  'crl.issuers': empty,
  'crl.make': objectParam({
    issuer: identifier,
    seconds: integerParam(secondsADay, maxRevocationListDays * secondsADay),
  }),
  'crl.revoke': objectParam({ issuer: identifier, serial: hexadecimal(40) }),
};

/** The one method that the socket answers itself: which daemon this is. */
export const describeMethod = 'service.describe';

/** The method that begins a login. */
export const challengeMethod = 'service.challenge';

const names = [
  ...(Object.keys(readers) as MethodName[]),
  ...([describeMethod, challengeMethod, loginMethod] as const),
] as const;

/** A request, as it was sent. */
export interface SentRequest {
  readonly id: number;
  readonly method: (typeof names)[number];
  /** Of any form, see `readParams`. */
  readonly params: unknown;
  /** By the key of an administrator, in Base64; see `SignedRequest`. */
  readonly signature?: string | undefined;
}

/**
 * Reads a request.
 * @throws {RequestError} when it has another form, or names no method.
 */
export const readRequest = (message: unknown): SentRequest =>
  objectParam<SentRequest>({
    ...{ id: natural, method: choiceParam(names), params: (value) => value },
    signature: optionalParam(base64Text),
  })(message, 'request');

/** What is sent to log in: the code and the password, encrypted, or null where the request is signed. */
export interface LoginParams extends LoginSubject {
  readonly input: string | null;
}

/**
 * Reads the parameters of a login.
 * @throws {RequestError} when they are of another form.
 */
export const readLogin = (params: unknown): LoginParams =>
  objectParam<LoginParams>({ name: plainName, input: nullableParam(base64Text) })(params, 'params');

/** Returns the number by which a request wants to be answered; null when it has none. */
export function idOf(message: unknown): number | null {
  try {
    return natural((message as { id?: unknown } | null)?.id, 'id');
  } catch {
    return null;
  }
}

/**
 * Reads the parameters of a method.
 * @throws {RequestError} when they are of another form.
 */
export function readParams<M extends MethodName>(method: M, params: unknown): ParamsOf<M> {
  return readers[method](params, 'params') as ParamsOf<M>;
}
