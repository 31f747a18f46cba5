import { Get } from '../../../src/operations/transfer/get.ts';
import type { TestService } from '../service.ts';
import { type Change, madeIds } from './closure-change.ts';
import { listChanges } from './closure-changes.ts';
import { type FirstKeys, isSecretTerm, makeKeys } from './closure-keys.ts';
import { Knowledge, type Leak } from './closure-knowledge.ts';
import { type Kind, listCipherReads, listReads, modes, type Read } from './closure-reads.ts';
import { provide } from './closure-unwrapping.ts';
import { type Item, type Reply, signatureOf, World } from './closure-world.ts';

/** Breadth-first search over sequences of changes; in every state the client reads all that it can. */

export interface SearchOptions {
  /** Steps that change something. */
  readonly maxDepth: number;
  /** States that are entered of each depth, in an order that the seed decides. */
  readonly maxStates: number;
  readonly seed: number;
  /** Selects the changes that are tried, by their names; all when left out. */
  readonly only?: RegExp | undefined;
  /** Is told of every state that is entered. */
  readonly onState?: (world: World) => Promise<void>;
}

/** A leak, and the steps before it. */
export interface FoundLeak extends Leak {
  readonly path: readonly string[];
}

interface Tally {
  done: number;
  refused: number;
  /** Not sent, because a request that the server decides alike was refused before. */
  alike: number;
}

/** What a search has done. */
export class Report {
  readonly kinds = new Map<Kind, Tally>();
  readonly leaks: FoundLeak[] = [];
  /** Of each depth the sequences that were found, those that were tried, and the states that they led to. */
  readonly depths: { depth: number; found: number; tried: number; entered: number }[] = [];
  requests = 0;
  computed = 0;
  /** Sequences that reached a state that was known. */
  merged = 0;
  /** Sequences whose last step was refused after all, because of an object that was not there before. */
  lost = 0;

  /** The counts as text. */
  get summary(): string {
    const depths = this.depths.map(
      ({ depth, found, tried, entered }) => `depth ${depth}: ${entered} states by ${tried} of ${found}`,
    );
    return `${this.requests} requests, ${this.computed} strings, ${depths.join('; ')}`;
  }

  count(kind: Kind, what: keyof Tally): void {
    const tally = this.kinds.get(kind) ?? { done: 0, refused: 0, alike: 0 };
    this.kinds.set(kind, tally);
    tally[what] += 1;
  }
}

type Path = readonly Change[];

/** Batches of reads; longer ones gain nothing. */
const batchItems = 25;
const nobody: Item = { operation: Get, request: { UniqueIdentifier: 'nobody' } };

export class Search {
  readonly report = new Report();
  readonly #service: TestService;
  readonly #first: FirstKeys;
  readonly #options: SearchOptions;
  readonly #refused = new Set<string>();
  /** Steps that are not refused, by what decides them. */
  readonly #allowed = new Set<string>();
  /** Descriptions of what a step has made, by what decides it. */
  readonly #made = new Map<string, readonly string[]>();
  readonly #entered = new Set<string>();
  #worlds = 0;
  #random: number;

  constructor(service: TestService, first: FirstKeys, options: SearchOptions) {
    this.#service = service;
    this.#first = first;
    this.#options = options;
    this.#random = options.seed;
  }

  async run(): Promise<Report> {
    let paths: Path[] = [[]];
    for (let depth = 0; depth <= this.#options.maxDepth && paths.length > 0; depth += 1) {
      const next = new Map<string, Path>();
      const count = { depth, tried: 0, found: paths.length, entered: 0 };
      this.report.depths.push(count);
      this.#shuffle(paths);
      for (const path of paths) {
        if (count.entered >= this.#options.maxStates) break;
        count.tried += 1;
        if (await this.#enter(path, next)) count.entered += 1;
      }
      paths = [...next.values()];
    }
    return this.report;
  }

  /** Brings paths into an order that the seed decides (Fisher and Yates). */
  #shuffle(paths: Path[]): void {
    for (let at = paths.length - 1; at > 0; at -= 1) {
      this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
      const other = Math.floor((this.#random / 2 ** 32) * (at + 1));
      [paths[at], paths[other]] = [paths[other] as Path, paths[at] as Path];
    }
  }

  /**
   * Repeats a path with fresh keys, reads everything, checks, and collects the paths that go on. Returns
   * whether the state is a new one.
   */
  async #enter(path: Path, next: Map<string, Path>): Promise<boolean> {
    const world = new World(this.#service, `${this.#first.name} ${this.#worlds++}`);
    await makeKeys(world, this.#first);
    const isReached = await this.#repeat(world, path);
    if (isReached) {
      await this.#options.onState?.(world);
      await this.#read(world, listReads(world));
      await this.#read(world, listCipherReads(world));
      this.#check(world, path);
      if (path.length < this.#options.maxDepth) {
        const { size } = world.known;
        await this.#tryChanges(world, path, next);
        if (world.known.size > size) this.#check(world, [...path, undefined]);
      }
    }
    this.report.requests += world.sent;
    return isReached;
  }

  /** Returns whether the path leads to a state that was not entered before. */
  async #repeat(world: World, path: Path): Promise<boolean> {
    for (const change of path) {
      const decided = change.decided(world);
      const reply = (await provide(world, change)) ? (await world.send([change.item(world)]))[0] : undefined;
      if (reply?.isDone !== true) {
        this.report.lost += 1;
        return false;
      }
      if (change.method !== undefined) world.methods.add(change.method);
      const ids = change.terms.length === 0 ? [] : madeIds(reply);
      const names = ids.map((id, at) => world.hold(id, change.terms[at] as string).name);
      await world.look();
      const changed = change.changes === undefined ? names : [change.changes];
      this.#made.set(
        decided,
        changed.map((name) => world.descriptions.get(name) as string),
      );
    }
    const { signature } = world;
    if (this.#entered.has(signature)) {
      this.report.merged += 1;
      return false;
    }
    this.#entered.add(signature);
    return true;
  }

  async #read(world: World, reads: readonly Read[]): Promise<void> {
    const open = reads.filter(({ kind, decided }) => {
      const isRefused = this.#refused.has(decided);
      if (isRefused) this.report.count(kind, 'alike');
      return !isRefused;
    });
    for (let at = 0; at < open.length; at += batchItems) {
      const batch = open.slice(at, at + batchItems);
      const replies = await world.send(batch.map(({ item }) => item));
      for (const [index, read] of batch.entries()) {
        const reply = replies[index] as Reply;
        this.report.count(read.kind, reply.isDone ? 'done' : 'refused');
        if (reply.isDone) read.keep(reply, world);
        else this.#refused.add(read.decided);
      }
    }
  }

  /** Looks for pieces of secrets in the closure of what the client has seen. */
  #check(world: World, path: readonly (Change | undefined)[]): void {
    const secrets = [...world.values].filter(([term]) => isSecretTerm(term, this.#first));
    const knowledge = new Knowledge(new Map(secrets), world.methods);
    const steps = path.map((step) => step?.name ?? 'Undo');
    for (const leak of knowledge.close([...world.known.values()]))
      this.report.leaks.push({ ...leak, path: steps });
    this.report.computed += knowledge.computed;
  }

  /** Tries every change and undoes it, and keeps the paths that lead to new states. */
  async #tryChanges(world: World, path: Path, next: Map<string, Path>): Promise<void> {
    const { only } = this.#options;
    for (const change of listChanges(world)) {
      if (only?.test(change.name) === false) continue;
      const decided = change.decided(world);
      if (this.#refused.has(decided)) {
        this.report.count(change.kind, 'alike');
        continue;
      }
      if (!this.#allowed.has(decided) && !(await this.#tryOne(world, change, decided))) continue;
      const after = new Map(world.descriptions);
      if (change.changes !== undefined) after.delete(change.changes);
      const made = this.#made.get(decided) ?? [decided];
      const signature = signatureOf([...after.values(), ...made]);
      if (next.has(signature) || this.#entered.has(signature)) this.report.merged += 1;
      else next.set(signature, [...path, change]);
    }
  }

  /**
   * Sends a change with requests for the value in a batch that fails at last and undoes it; the client has
   * the answers.
   */
  async #tryOne(world: World, change: Change, decided: string): Promise<boolean> {
    if (!(await provide(world, change))) return false;
    const id = change.changes === undefined ? undefined : world.objects.get(change.changes)?.id;
    const ways = [undefined, world.objects.get('C')].map((key) => ({
      how: key === undefined ? 'get' : `get by ${key.name}`,
      request: { UniqueIdentifier: id, ...(key && wrappedBy(key.id)) },
    }));
    for (const { how, request } of ways) {
      const items = [change.item(world), { operation: Get, request }, nobody];
      const [done, answer] = await world.send(items, 'undo');
      if (how === 'get') this.report.count(change.kind, done?.isDone ? 'done' : 'refused');
      if (done?.isDone !== true) {
        this.#refused.add(decided);
        return false;
      }
      this.report.count('Undo', answer?.isDone ? 'done' : 'refused');
      this.#keepAnswer(world, `${how} of ${change.name}, undone`, answer);
    }
    this.#allowed.add(decided);
    return true;
  }

  #keepAnswer(world: World, how: string, reply: Reply | undefined): void {
    const block = reply?.payload?.Object?.value?.KeyBlock;
    const bytes = block?.KeyValue?.KeyMaterial ?? block?.KeyValue;
    const sort = block?.KeyWrappingData === undefined ? 'plain' : 'wrapped';
    if (bytes instanceof Uint8Array) world.learn({ how, bytes, sort });
  }
}

function wrappedBy(UniqueIdentifier: string) {
  const { parameters: CryptographicParameters, EncodingOption } = modes.KWP;
  const EncryptionKeyInformation = { UniqueIdentifier, CryptographicParameters };
  const how = { WrappingMethod: 'Encrypt', EncodingOption, EncryptionKeyInformation, AttributeName: [] };
  return { KeyWrappingSpecification: how };
}
