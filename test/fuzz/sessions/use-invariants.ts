import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { hasKeyBlock } from '../../../codec/structures/managed-objects.ts';
import { StoreUnavailableError } from '../../../src/store/store.ts';
import { modeOf } from './ledger.ts';
import {
  dataIn,
  type IssuedTicket,
  identifiersIn,
  idIn,
  type Observation,
  parametersIn,
  type Result,
  rowAfter,
  rowBefore,
  valueIn,
} from './observation.ts';
import { hasRecord, type ObjectView, viewOf } from './rows.ts';

/** Invariants about the lifecycle, parameters of keys, Rights and groups. */

const compromisedStates: readonly string[] = ['Compromised', 'DestroyedCompromised'];

/** A compromised object stays compromised, and an Active one is not replaced. */
export function lifecycleGoesOn({ before, after, now, results }: Observation): string | undefined {
  for (const [id, row] of before.objects) {
    const changed = after.objects.get(id);
    if (changed === undefined || changed === row) continue;
    const [was, is] = [viewOf(row), viewOf(changed)];
    const date = was.attributes.get('CompromiseDate');
    if (date !== undefined) {
      if (!compromisedStates.includes(is.state(now))) return `${id} was compromised, and is ${is.state(now)}`;
      if (is.attributes.get('CompromiseDate') !== date) return `${id} has lost its Compromise Date`;
    }
    if (was.encoded === undefined || is.encoded === undefined) continue;
    if (Buffer.compare(was.encoded, is.encoded) === 0) continue;
    const isChanged = (operations: RegExp): boolean =>
      results.some((result) => operations.test(result.operation) && idIn(result) === id);
    // A Revoke of the same message or job comes first, and the replacement keeps the state that it leaves.
    const isRevoked = !['Active', 'PreActive'].includes(is.state(now));
    if (was.state(now) === 'Active' && !isRevoked) return `${id} was Active and was replaced`;
    if (usesLeft(is) > usesLeft(was) && !isChanged(/Attribute$/))
      return `${id} has more uses left since it was replaced`;
  }
  return undefined;
}

/** Uses that the limits leave, where they count objects; without limits as many as there can be. */
function usesLeft({ attributes }: ObjectView): bigint {
  const limits = attributes.get('UsageLimits');
  if (limits?.UsageLimitsUnit !== 'Object') return limits === undefined ? 2n ** 63n : 0n;
  return limits.UsageLimitsCount ?? limits.UsageLimitsTotal;
}

const bound: ReadonlySet<string> = new Set(['Encrypt', 'Decrypt', 'Sign', 'MAC']);

/** A key gives output under its own parameters only. */
export function parametersBind(observation: Observation): string | undefined {
  for (const result of observation.results) {
    const { id, stated } = boundUse(result);
    if (result.job !== undefined || result.payload === undefined || stated === undefined) continue;
    const own = [rowBefore(observation, id), rowAfter(observation, id)].filter((each) => each !== undefined);
    if (own.length > 0 && !own.some((view) => isAllowed(view, stated)))
      return `${result.operation} by ${id} under ${JSON.stringify(stated)}`;
  }
  return undefined;
}

/** The key that an item has used, and the parameters that its request states for that. */
function boundUse(result: Result): { id: string; stated: CryptographicParameters | undefined } {
  if (bound.has(result.operation)) return { id: idIn(result) ?? '', stated: parametersIn(result) };
  const value = result.request['Object'] as ReturnType<typeof valueIn>;
  const unwrapped =
    result.request['KeyWrapType'] === 'NotWrapped' && value !== undefined && hasKeyBlock(value)
      ? value.value.KeyBlock.KeyWrappingData
      : undefined;
  // Export of a destroyed object answers without a value, so that nothing is wrapped.
  const wrapped =
    valueIn(result) === undefined
      ? undefined
      : (result.request['KeyWrappingSpecification'] as typeof unwrapped);
  const information = (wrapped ?? unwrapped)?.EncryptionKeyInformation;
  return { id: information?.UniqueIdentifier ?? '', stated: information?.CryptographicParameters };
}

function isAllowed({ attributes }: ObjectView, stated: CryptographicParameters): boolean {
  const own = attributes.values('CryptographicParameters').map(fieldsOf);
  const asked = new Map(fieldsOf(stated));
  return (
    own.length === 0 ||
    own.some((fields) =>
      fields.every(([name, value]) => !asked.has(name) || asked.get(name) === value || name === 'RandomIV'),
    )
  );
}

const fieldsOf = (parameters: CryptographicParameters): [string, unknown][] =>
  Object.entries(parameters).filter(([, value]) => value !== undefined);

/** Clients choose no Initialization Vector where the key says Random IV, and no short one. */
export function vectorsAreUnique(observation: Observation): string | undefined {
  for (const result of observation.results) {
    const iv =
      result.job === undefined ? (result.request['IVCounterNonce'] as Uint8Array | undefined) : undefined;
    const id = idIn(result) ?? '';
    if (result.operation !== 'Encrypt' || result.payload === undefined || iv === undefined) continue;
    const own = [rowBefore(observation, id), rowAfter(observation, id)].filter((each) => each !== undefined);
    const isRandom = ({ attributes }: ObjectView): boolean =>
      attributes.values('CryptographicParameters').some(({ RandomIV }) => RandomIV === true);
    if (own.length > 0 && own.every(isRandom)) return `the client's vector was used with ${id}`;
    const mode = modeOf(result, observation);
    const isCipher = own.every(({ type }) => type === 'SymmetricKey');
    if (isCipher && iv.length < 8 && (mode === 'GCM' || mode === 'CCM'))
      return `a vector of ${iv.length} bytes was used with ${id}`;
  }
  return undefined;
}

/** Encryptions by GCM under vectors of the server are counted. */
export function vectorsAreCounted(observation: Observation): string | undefined {
  for (const result of observation.results) {
    const id = idIn(result) ?? '';
    if (result.operation !== 'Encrypt' || result.payload?.['IVCounterNonce'] === undefined) continue;
    if (result.request['IVCounterNonce'] !== undefined || modeOf(result, observation) !== 'GCM') continue;
    if (!hasRecord(observation.after, 'random-iv-uses', id)) return `a vector of ${id} is not counted`;
  }
  return undefined;
}

const authenticatedModes: readonly unknown[] = ['GCM', 'CCM', 'ChaCha20Poly1305'];

/** Decryption in parts releases nothing before the tag has verified. */
export function partsAreVerified(observation: Observation): string | undefined {
  for (const result of observation.results) {
    const value = result.payload?.['CorrelationValue'] as Uint8Array | undefined;
    if (result.operation !== 'Decrypt' || value === undefined || dataIn(result) === undefined) continue;
    const isFirst = result.request['CorrelationValue'] === undefined;
    const mode = isFirst
      ? modeOf(result, observation)
      : observation.ledger.modes.get(Buffer.from(value).toString('hex'));
    // GCM is the default of a cipher that has it.
    if (authenticatedModes.includes(mode ?? 'GCM')) return `unverified data of ${idIn(result)} by ${mode}`;
  }
  return undefined;
}

const isSuccess = ({ answer: { status } }: Result): boolean => status === 'Success';

/** Operations on what belongs to the whole group, which no Right to some objects includes. */
const wholeGroup: ReadonlySet<string> = new Set([
  'SetDefaults',
  'SetConstraints',
  'PKCS_11',
  'Log',
  'ReProvision',
]);

/** Under a ticket of limited Rights nothing outside them changes or appears. */
export function rightsBind(observation: Observation): string | undefined {
  const { ticket, before, after } = observation;
  for (const result of observation.results) {
    if (result.ticket?.rights === undefined || !isSuccess(result)) continue;
    const refusal = reachProblem(result, result.ticket, observation);
    if (refusal !== undefined) return refusal;
  }
  if (ticket?.rights === undefined) return undefined;
  const { rights } = ticket;
  if (rights.some(({ objects, groups }) => objects === undefined && groups === undefined)) return undefined;
  for (const [id, row] of after.objects) {
    const was = before.objects.get(id);
    if (was === row) continue;
    const wasView = was === undefined ? viewOf(row) : viewOf(was);
    if (!isReached(ticket, wasView)) return `${id} was changed or made by a ticket`;
    if (groupsOf(wasView) !== groupsOf(viewOf(row)))
      return `the Object Groups of ${id} were changed by a ticket`;
  }
  const kinds = new Set([
    'ticket',
    'job',
    'job-message',
    'job-waiting',
    'job-waiting-count',
    'job-done',
    'job-answers',
    'job-holders',
    'issued',
    'issued-revoked',
    'revoked-part',
    'compromised-key',
    'issuer-name',
    'key-copies',
    'wrapped-value',
    'value-key',
    'random-iv-uses',
  ]);
  for (const [key, row] of after.records) {
    if (before.records.get(key) !== row && !kinds.has(row.kind)) return `${row.kind} was changed by a ticket`;
  }
  return undefined;
}

function reachProblem(result: Result, ticket: IssuedTicket, observation: Observation): string | undefined {
  const { operation } = result;
  const granted = (ticket.rights ?? []).filter(({ operations }) => operations?.includes(operation) ?? true);
  if (granted.length === 0) return `no Right of the ticket includes ${operation}`;
  if (isReplacement(observation, result)) return 'a ticket with Rights has replaced an object';
  if (granted.some(({ objects, groups }) => objects === undefined && groups === undefined)) return undefined;
  if (wholeGroup.has(operation)) return `a Right to some objects included ${operation}`;
  const limited = { ...ticket, rights: granted };
  for (const id of identifiersIn(result.payload)) {
    const was = rowBefore(observation, id);
    if (
      was !== undefined &&
      !isReached(limited, was) &&
      !isReached(limited, rowAfter(observation, id) ?? was)
    )
      return `${operation} of ${id} is outside of the Rights`;
  }
  return undefined;
}

const groupsOf = ({ attributes }: ObjectView): string =>
  JSON.stringify(attributes.values('ObjectGroup').toSorted());

function isReached({ rights = [] }: IssuedTicket, { id, attributes }: ObjectView): boolean {
  return rights.some(
    ({ objects, groups = [] }) =>
      objects?.includes(id) === true ||
      attributes.values('ObjectGroup').some((group) => groups.includes(group)),
  );
}

/** Whether an item has put an object in the place of another. */
function isReplacement({ before }: Observation, result: Result): boolean {
  const { operation, request, job } = result;
  if (operation !== 'Import' || request['ReplaceExisting'] !== true || job !== undefined) return false;
  return isSuccess(result) && before.objects.has(idIn(result) ?? '');
}

/** A client does what its role includes, at the time of the answer, and nothing else. */
export function rolesBind(observation: Observation): string | undefined {
  const { client, results, denied, ticket } = observation;
  // By a ticket of Delegated Login a client acts in the role of the one that has issued it.
  if (client !== 'insider' || ticket?.rights !== undefined) return undefined;
  if (denied.has('ImportReplace') && results.some((each) => isReplacement(observation, each)))
    return 'an object was replaced, which the role does not include';
  const result = results.find((each) => each.payload !== undefined && denied.has(each.operation));
  return result && `${result.operation} was answered, which the role no longer includes`;
}

/** Without a ticket nothing of another group is reached. */
export function groupsAreApart(observation: Observation): string | undefined {
  const { client, ticket, group, before, after, results } = observation;
  if (client !== 'outsider' || ticket !== undefined) return undefined;
  for (const [id, row] of before.objects) {
    if (row.group === group && after.objects.get(id) !== row) return `${id} was changed from another group`;
  }
  for (const result of results) {
    const id = idIn(result);
    const row = id === undefined ? undefined : before.objects.get(id);
    if (row?.group === group && result.ticket === undefined && result.payload !== undefined)
      return `${result.operation} of ${id} from another group`;
  }
  return undefined;
}

/** No error is a surprise but those that the harness causes. */
export function nothingIsUnexpected({ unexpected }: Observation): string | undefined {
  const error = unexpected.find((each) => !(each instanceof StoreUnavailableError));
  if (error === undefined) return undefined;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
