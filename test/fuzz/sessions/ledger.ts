import type { Attribute } from '../../../codec/attribute.ts';
import { CryptographicUsageMask } from '../../../codec/masks.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import type { KeyWrappingData } from '../../../codec/structures/key-block.ts';
import { Knowledge } from './knowledge.ts';
import {
  dataIn,
  type IssuedTicket,
  identifiersIn,
  idIn,
  isWrappedNow,
  type Observation,
  type Result,
  rowAfter,
  rowBefore,
  valueIn,
  wrappingIn,
} from './observation.ts';
import { type ObjectView, viewOf } from './rows.ts';

/** The past of an object, of which only the harness keeps all. */
export interface History {
  /** The value that it had when this history began. */
  readonly encoded: Uint8Array | undefined;
  /** The operation that made it; undefined where no answer told. */
  readonly origin: string | undefined;
  readonly isBornSensitive: boolean;
  readonly isBornNotExtractable: boolean;
  /** Whether it was ever Sensitive, and ever not Extractable. */
  isSensitive: boolean;
  isNotExtractable: boolean;
  /** All bits that its Cryptographic Usage Mask ever had. */
  mask: number;
  /** Whether it was shown in the clear, or under a key that is not closed. */
  isShown: boolean;
  /** Uses that have left the server since its Usage Limits were set. */
  uses: bigint;
}

/** The uses that tell a client nothing about what a key has wrapped. */
const wrappingBits = (['WrapKey', 'UnwrapKey', 'Export'] as const).reduce(
  (mask, bit) => mask | CryptographicUsageMask.bit(bit),
  0,
);

/** Operations whose new key comes from the server's generator. */
const generating: ReadonlySet<unknown> = new Set(['Create', 'CreateKeyPair', 'ReKey', 'ReKeyKeyPair']);

/** Remembers everything about a session that its invariants need. */
export class Ledger {
  readonly knowledge = new Knowledge();
  readonly histories = new Map<string, History>();
  /** The keys that were stored, also those that have been destroyed since. */
  readonly keys = new Map<string, ObjectView>();
  readonly tickets: IssuedTicket[] = [];
  /** Requests answered and uses given out by ticket. */
  readonly spent = new Map<IssuedTicket, { requests: number; uses: bigint }>();
  /** Block Cipher Modes of data in parts, by Correlation Value. */
  readonly modes = new Map<string, string | undefined>();
  /** Items of jobs whose answers have been fetched. */
  readonly fetched = new Set<string>();

  /** Whether a key is closed: no client can know it or use it to open what it wraps. */
  isClosed(id: string): boolean {
    const history = this.histories.get(id);
    if (history === undefined) return false;
    const { origin, isBornSensitive, isShown, mask } = history;
    const isMade = origin === undefined || generating.has(origin);
    return isMade && isBornSensitive && !isShown && (mask & ~wrappingBits) === 0;
  }

  /** Counts what a message has used, before its invariants are checked. */
  count(observation: Observation): void {
    const { ticket, results, client } = observation;
    const changed = new Set<string>();
    for (const result of results) {
      if (result.answer.status === 'Success' && changesLimits(result)) changed.add(idIn(result) ?? '');
      this.#countUse(result, observation, changed);
      if (result.job !== undefined) this.fetched.add(result.job);
      const sent = result.request['Object'];
      if (client !== 'owner' && sent !== undefined) this.knowledge.learnValue(sent as never);
    }
    const isAuthenticated = results.some(({ answer: { status } }) => status !== 'OperationFailed');
    if (ticket !== undefined && isAuthenticated) this.#spend(ticket).requests += 1;
  }

  /** Takes up a message, after its invariants have been checked. */
  async record(observation: Observation): Promise<void> {
    const { after, results, client } = observation;
    for (const [id, row] of after.objects) {
      if (observation.before.objects.get(id) === row) continue;
      const view = viewOf(row);
      this.#recordRow(view, observation);
      if (view.key !== undefined) this.keys.set(id, view);
    }
    for (const result of results) this.#recordResult(result, observation);
    if (client !== 'owner') this.knowledge.search(observation.response);
    await this.knowledge.conclude();
  }

  #recordRow(view: ObjectView, { results }: Observation): void {
    const known = this.histories.get(view.id);
    const history = known?.encoded !== undefined && isReplaced(known, view) ? undefined : known;
    const isSensitive = view.attributes.get('Sensitive') === true;
    const isNotExtractable = view.attributes.get('Extractable') === false;
    const mask = view.attributes.get('CryptographicUsageMask') ?? 0;
    if (history !== undefined) {
      history.isSensitive ||= isSensitive;
      history.isNotExtractable ||= isNotExtractable;
      history.mask |= mask;
      return;
    }
    const own = results.filter(({ payload }) => identifiersIn(payload).includes(view.id));
    const maker = own.find(({ operation }) => makes.has(operation));
    const isTightened = own.some(isTightening);
    this.histories.set(view.id, {
      encoded: view.encoded,
      origin: maker?.operation,
      isBornSensitive: isSensitive && (!isTightened || statesSensitive(maker)),
      isBornNotExtractable: isNotExtractable && !isTightened,
      isSensitive,
      isNotExtractable,
      mask,
      isShown: false,
      uses: 0n,
    });
    const material = view.type === 'PublicKey' ? view.key?.KeyMaterial : undefined;
    if (material instanceof Uint8Array) this.knowledge.release(material);
    for (const secret of view.secrets) {
      if (!isSensitive && !isNotExtractable) this.knowledge.release(secret);
      else if (!isTightened && maker !== undefined && this.#isMadeSecretly(maker))
        this.knowledge.keepSecret(view.id, secret);
    }
  }

  /** Whether nobody can make the same object from objects that are open. */
  #isMadeSecretly(maker: Result): boolean {
    const sources = maker.operation === 'ReKey' ? [] : sourcesOf(maker);
    const secrets = sources.flatMap((id) => this.keys.get(id)?.secrets ?? []);
    return sources.length === 0 || secrets.some((secret) => this.knowledge.isSecret(secret));
  }

  /**
   * Counts the use of a key with Usage Limits whose output the answer contains. `changed`: keys whose limits
   * the message has changed before; the server allows that only to keys that were not used.
   */
  #countUse(result: Result, observation: Observation, changed: ReadonlySet<string>): void {
    const use = useIn(result);
    if (use === undefined || this.#isFetchedAgain(result)) return;
    const used = this.histories.get(use.id);
    const limits = rowBefore(observation, use.id)?.attributes.get('UsageLimits');
    if (used !== undefined && limits !== undefined && !changed.has(use.id))
      used.uses += limits.UsageLimitsUnit === 'Object' ? 1n : BigInt(use.bytes);
    if (result.ticket !== undefined && use.isCounted) this.#spend(result.ticket).uses += 1n;
  }

  #isFetchedAgain({ job }: Result): boolean {
    return job !== undefined && this.fetched.has(job);
  }

  #spend(ticket: IssuedTicket): { requests: number; uses: bigint } {
    const spent = this.spent.get(ticket) ?? { requests: 0, uses: 0n };
    this.spent.set(ticket, spent);
    return spent;
  }

  #recordResult(result: Result, observation: Observation): void {
    const { client } = observation;
    this.#recordStream(result, observation);
    this.#recordFetch(result, client !== 'owner');
    if (client === 'owner') return;
    const data = dataIn(result);
    if (data !== undefined) this.knowledge.learn(data);
    this.#recordDerivation(result, observation);
  }

  #recordFetch(result: Result, isAttacker: boolean): void {
    const value = valueIn(result);
    const id = idIn(result);
    if (value === undefined || id === undefined) return;
    const wrapping = wrappingIn(result);
    const history = this.histories.get(id);
    const wrappingKey = wrapping?.EncryptionKeyInformation?.UniqueIdentifier;
    if (history !== undefined && (wrappingKey === undefined || !this.isClosed(wrappingKey)))
      history.isShown = true;
    if (!isAttacker) return;
    if (wrapping === undefined) this.knowledge.learnValue(value);
    else if (isWrappedNow(result)) this.#recordWrapped(value, wrapping);
  }

  #recordWrapped(value: NonNullable<ReturnType<typeof valueIn>>, wrapping: KeyWrappingData): void {
    const { EncryptionKeyInformation: information, IVCounterNonce: iv, EncodingOption } = wrapping;
    const wrappingKey = this.keys.get(information?.UniqueIdentifier ?? '');
    const data = (value.value as { KeyBlock: { KeyValue: unknown } }).KeyBlock.KeyValue;
    if (wrappingKey?.key === undefined || !(data instanceof Uint8Array)) return;
    const parameters: CryptographicParameters = information?.CryptographicParameters ?? {};
    const isEncoded = EncodingOption !== 'NoEncoding';
    this.knowledge.learnWrapped({
      wrappingKey: wrappingKey.key,
      parameters: { BlockCipherMode: 'NISTKeyWrap', ...parameters },
      data: data.slice(),
      iv,
      isEncoded,
      type: value.type,
    });
  }

  #recordDerivation(result: Result, observation: Observation): void {
    const id = idIn(result);
    const derived = id === undefined ? undefined : rowAfter(observation, id);
    if (result.operation !== 'DeriveKey' || derived === undefined) return;
    const sources = sourcesOf(result).map((source) => this.keys.get(source));
    const secrets = sources.map((source) => source?.secrets[0]);
    const [key] = secrets;
    const [own] = derived.secrets;
    if (own === undefined || key === undefined) return;
    if (secrets.every((each) => each !== undefined && this.knowledge.isKnown(each))) {
      this.knowledge.release(own);
      this.knowledge.learn(own);
    }
    if (result.request['DerivationMethod'] === 'ENCRYPT') this.knowledge.learnDerived({ key, derived: own });
  }

  #recordStream(result: Result, observation: Observation): void {
    const value = result.payload?.['CorrelationValue'] as Uint8Array | undefined;
    if (value === undefined || result.request['CorrelationValue'] !== undefined) return;
    this.modes.set(Buffer.from(value).toString('hex'), modeOf(result, observation));
  }
}

/** The Block Cipher Mode of a request: its own, else the first of the key. */
export function modeOf(result: Result, observation: Observation): string | undefined {
  const stated = result.request['CryptographicParameters'] as CryptographicParameters | undefined;
  const id = idIn(result);
  const key = id === undefined ? undefined : (rowBefore(observation, id) ?? rowAfter(observation, id));
  const mode = stated?.BlockCipherMode ?? key?.attributes.get('CryptographicParameters')?.BlockCipherMode;
  return mode === undefined ? undefined : String(mode);
}

function isReplaced({ encoded }: History, view: ObjectView): boolean {
  return view.encoded !== undefined && Buffer.compare(encoded as Uint8Array, view.encoded) !== 0;
}

/** Operations that make objects. */
const makes: ReadonlySet<string> = new Set([
  'Create',
  'CreateKeyPair',
  'Register',
  'DeriveKey',
  'CreateSplitKey',
  'JoinSplitKey',
  'ReKey',
  'ReKeyKeyPair',
  'Import',
  'Certify',
]);

/** Identifiers of the objects that a new one is made from. */
export function sourcesOf({ operation, request }: Result): readonly string[] {
  const ids = request['UniqueIdentifier'] as string | readonly string[] | undefined;
  switch (operation) {
    case 'DeriveKey':
    case 'JoinSplitKey':
    case 'CreateSplitKey':
    case 'ReKey':
      return ids === undefined ? [] : [ids].flat();
    case 'ReKeyKeyPair':
      return [request['PrivateKeyUniqueIdentifier'] as string];
    default:
      return [];
  }
}

/** A use of a key whose output an answer contains. */
export interface Use {
  readonly id: string;
  /** Bytes that it is counted for. */
  readonly bytes: number;
  /** Whether the limits of a ticket count it too. */
  readonly isCounted: boolean;
}

const protecting: ReadonlySet<string> = new Set(['Encrypt', 'Sign', 'MAC']);

/** Returns the use of a key that protects data and whose output the answer contains. */
export function useIn(result: Result): Use | undefined {
  if (protecting.has(result.operation) && dataIn(result) !== undefined) {
    const data = result.request['Data'] as Uint8Array | undefined;
    return { id: idIn(result) ?? '', bytes: data?.length ?? 0, isCounted: true };
  }
  const wrapping = isWrappedNow(result) ? wrappingIn(result) : undefined;
  const id = wrapping?.EncryptionKeyInformation?.UniqueIdentifier;
  return id === undefined ? undefined : { id, bytes: 1, isCounted: false };
}

function changesLimits({ operation, request }: Result): boolean {
  const given = request['NewAttribute'] ?? request['AttributeReference'];
  return operation.endsWith('Attribute') && (given as { name?: string } | undefined)?.name === 'UsageLimits';
}

/** Whether an item may have made an object Sensitive or not Extractable. */
function isTightening({ operation, request }: Result): boolean {
  const changed = request['NewAttribute'] as { readonly name: string; readonly value: unknown } | undefined;
  if (changed === undefined) return operation.endsWith('Attribute');
  return (
    (changed.name === 'Sensitive' && changed.value === true) ||
    (changed.name === 'Extractable' && changed.value === false)
  );
}

/** Whether the request that made an object asked for a Sensitive one. */
function statesSensitive(maker: Result | undefined): boolean {
  const stated = maker?.request['Attributes'] as { readonly attributes?: readonly Attribute[] } | undefined;
  return stated?.attributes?.some(({ name, value }) => name === 'Sensitive' && value === true) ?? false;
}
