import type { Version } from '../../../codec/version.ts';
import type { CommitFault } from '../../memory-store.ts';
import { describeStep } from './describe.ts';
import type { Ciphertext, Material, OpenStream, PlainRequest } from './draw.ts';
import { Draw } from './draw.ts';
import { answersIn, encodeStep, type PlainAnswer, payloadOf } from './exchange.ts';
import { type InvariantName, invariantNames, invariants } from './invariants.ts';
import { Ledger } from './ledger.ts';
import {
  dataIn,
  type IssuedTicket,
  idIn,
  type Observation,
  type Result,
  valueIn,
  wrappingIn,
} from './observation.ts';
import { viewOf } from './rows.ts';
import type { SessionServer } from './server.ts';
import { recipeOf, type Step, versionFor } from './steps.ts';
import { ticketIn } from './tickets.ts';

/** An invariant does not hold after a message. */
export class FindingError extends Error {
  override readonly name = 'FindingError';
  readonly code = 'FINDING';
  readonly invariant: InvariantName;
  /** The session up to there, one line for each item. */
  readonly lines: readonly string[];

  constructor(invariant: InvariantName, what: string, lines: readonly string[]) {
    super(`${invariant}: ${what}`);
    this.invariant = invariant;
    this.lines = lines;
  }
}

/** An item of a message that was answered as pending. */
interface PendingItem extends PlainRequest {
  readonly version: Version;
  readonly ticket: IssuedTicket | undefined;
}

const faults: Partial<Record<Step['trouble'], readonly CommitFault[]>> = {
  conflict: ['conflict'],
  unavailable: ['unavailable'],
  lost: ['lost'],
};

/** One session: its messages, what they offer to later ones, and the invariants after each. */
export class Session {
  readonly ledger = new Ledger();
  /** Results of items by operation and status. */
  readonly tally = new Map<string, number>();
  readonly #server: SessionServer;
  readonly #ignored: ReadonlySet<InvariantName>;
  /** Describe the messages, when there is somebody to read that. */
  readonly #descriptions: (() => readonly string[])[] = [];
  #ciphertexts: Ciphertext[] = [];
  #streams: OpenStream[] = [];
  readonly #jobs = new Map<string, PendingItem>();
  #unique = 0;

  constructor(server: SessionServer, ignored: ReadonlySet<InvariantName>) {
    this.#server = server;
    this.#ignored = ignored;
    server.begin();
  }

  /**
   * Sends the messages.
   * @throws {FindingError} when an invariant does not hold
   */
  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.#runStep(step);
    this.#server.store.release();
    await this.#server.finishJobs();
  }

  async #runStep(step: Step): Promise<void> {
    const server = this.#server;
    server.now += 1000;
    const requests = this.#requestsOf(step);
    if (requests.length === 0) return;
    const version = versionFor(
      step,
      requests.map(({ operation }) => operation),
    );
    const ticket = this.ledger.tickets[step.ticket - 1];
    const before = server.store.snapshot();
    // Process answers only when its job has ended.
    const isWaiting = requests.some(({ operation }) => operation === 'Process');
    if (isWaiting) server.store.release();
    const wasHolding = server.store.isHolding;
    if (step.trouble === 'hold' && !isWaiting) server.store.holdJobs();
    server.store.faults = [...(faults[step.trouble] ?? [])];
    const message = encodeStep(step, version, requests, ticket?.value);
    const response = await server.send(step.client, message);
    server.store.faults = [];
    if (!wasHolding) await server.finishJobs();
    const answers = answersIn(response);
    const presented = ticket === undefined ? 0 : step.ticket;
    this.#descriptions.push(() => describeStep({ step, version, ticket: presented }, requests, answers));
    const observation = {
      client: step.client,
      group: server.groupOf('insider'),
      ticket,
      before,
      after: server.store.snapshot(),
      now: server.seconds,
      results: this.#resultsOf(requests, answers, version, ticket),
      response,
      denied: server.denied,
      ledger: this.ledger,
      unexpected: server.unexpected,
    };
    await this.#check(observation);
    if (wasHolding) await this.#finishHeldJobs(observation);
    if (step.trouble === 'deny') server.denied.add(permissionOf(requests[0]));
  }

  /** Lets the jobs of an earlier message end; their effects are not those of this message. */
  async #finishHeldJobs(observation: Observation): Promise<void> {
    this.#server.store.release();
    await this.#server.finishJobs();
    const before = observation.after;
    const nothing = { results: [], ticket: undefined, response: new Uint8Array(0) };
    const after = this.#server.store.snapshot();
    await this.#check({ ...observation, ...nothing, client: 'owner', before, after });
  }

  #requestsOf(step: Step): readonly PlainRequest[] {
    const material = this.#materialFor(step);
    return step.actions.flatMap((action) => recipeOf(action)(new Draw(action.numbers), material) ?? []);
  }

  #materialFor({ client, subject }: Step): Material {
    const group = this.#server.groupOf('insider');
    const rows = [...this.#server.store.snapshot().objects.values()].filter((row) => row.group === group);
    return {
      now: this.#server.seconds,
      objects: rows.map(viewOf).reverse(),
      subject,
      ciphertexts: this.#ciphertexts,
      jobs: [...this.#jobs.keys()].reverse().map((hex) => Uint8Array.fromHex(hex)),
      streams: this.#streams,
      isOwner: client === 'owner',
      unique: (length) => {
        this.#unique += 1;
        const bytes = crypto.getRandomValues(new Uint8Array(length));
        return bytes;
      },
    };
  }

  #resultsOf(
    requests: readonly PlainRequest[],
    answers: readonly PlainAnswer[],
    version: Version,
    ticket: IssuedTicket | undefined,
  ): readonly Result[] {
    if (answers.length > requests.length) return [];
    return answers.flatMap((answer, at): Result[] => {
      const own = requests[at];
      if (own === undefined || answer.operation === '0') return [];
      this.#count(answer);
      const correlation = answer.correlationValue?.toHex();
      if (answer.status === 'OperationPending' && correlation !== undefined && own.operation !== 'Poll')
        this.#jobs.set(correlation, { ...own, version, ticket });
      const job = own.operation === 'Poll' ? correlationIn(own) : undefined;
      const pending = job === undefined || answer.operation === 'Poll' ? undefined : this.#jobs.get(job);
      const item = pending ?? { ...own, version, ticket };
      return [
        {
          operation: item.operation,
          request: item.request,
          version: item.version,
          answer,
          payload: payloadOf(answer, item.operation, item.version),
          ticket: item.ticket,
          job: pending === undefined ? undefined : job,
        },
      ];
    });
  }

  #count({ operation, status, reason }: PlainAnswer): void {
    const key = `${operation} ${reason ?? status}`;
    this.tally.set(key, (this.tally.get(key) ?? 0) + 1);
  }

  async #check(observation: Observation): Promise<void> {
    this.ledger.count(observation);
    for (const name of invariantNames) {
      if (name !== 'secretsAreUnknown') this.#hold(name, observation);
    }
    await this.ledger.record(observation);
    this.#hold('secretsAreUnknown', observation);
    for (const result of observation.results) this.#offer(result, observation);
  }

  #hold(name: InvariantName, observation: Observation): void {
    if (this.#ignored.has(name)) return;
    const what = invariants[name](observation);
    if (what === undefined) return;
    throw new FindingError(
      name,
      what,
      this.#descriptions.flatMap((describe) => describe()),
    );
  }

  /** Keeps what later messages can build upon. */
  #offer(result: Result, { client }: Observation): void {
    const id = idIn(result) ?? '';
    const ticket = client === 'outsider' ? undefined : ticketIn(result);
    if (ticket !== undefined && result.answer.status === 'Success') this.ledger.tickets.push(ticket);
    const data = dataIn(result);
    if (result.operation === 'Encrypt' && data !== undefined) {
      const { IVCounterNonce: iv, AuthenticatedEncryptionTag: tag } = result.payload as Partial<Ciphertext> &
        Readonly<Record<string, Uint8Array | undefined>>;
      this.#ciphertexts = [{ key: id, data, iv, tag }, ...this.#ciphertexts].slice(0, 6);
    }
    const value = valueIn(result);
    const wrapping = wrappingIn(result);
    const key = wrapping?.EncryptionKeyInformation?.UniqueIdentifier;
    if (value !== undefined && wrapping !== undefined && key !== undefined) {
      const wrapped = (value.value as { KeyBlock?: { KeyValue?: unknown } }).KeyBlock?.KeyValue;
      if (wrapped instanceof Uint8Array) {
        const iv = wrapping.IVCounterNonce;
        const kept = { key, data: wrapped, iv, wrapping, type: value.type };
        this.#ciphertexts = [kept, ...this.#ciphertexts].slice(0, 6);
      }
    }
    const stream = result.payload?.['CorrelationValue'] as Uint8Array | undefined;
    if (stream !== undefined) {
      const others = this.#streams.filter(({ value: each }) => Buffer.compare(each, stream) !== 0);
      this.#streams = [{ operation: result.operation, id, value: stream }, ...others].slice(0, 4);
    }
  }
}

function correlationIn({ request }: PlainRequest): string | undefined {
  return (request['AsynchronousCorrelationValue'] as Uint8Array | undefined)?.toHex();
}

/** The permission that a request needs: Import in the place of an object needs one of its own. */
function permissionOf(request: PlainRequest | undefined): string {
  return request?.request['ReplaceExisting'] === true ? 'ImportReplace' : (request?.operation ?? '');
}
