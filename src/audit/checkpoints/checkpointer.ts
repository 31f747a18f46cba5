import { mkdirSync } from 'node:fs';
import type { Vault } from '../../vault/vault.ts';
import { type AuditItem, type AuditOutlet, signingKeyBegun } from '../audit.ts';
import {
  addSignature,
  type Checkpoint,
  type CheckpointLane,
  encodeCheckpoint,
  hashCheckpoint,
} from './checkpoint.ts';
import { CheckpointFiles } from './checkpoint-files.ts';
import { dayOf, encodeKeyLine } from './signing-key.ts';
import { SigningKeys } from './signing-keys.ts';

export interface CheckpointerOptions {
  /** Directory of the audit log in the state directory. */
  readonly directory: string;
  /** Name of the node. */
  readonly node: string;
  readonly outlet?: Pick<AuditOutlet, 'acceptCheckpoint'> | undefined;
  readonly observer: CheckpointObserver;
  /** Records what happened to the signing key. */
  record(item: AuditItem): void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Is told what is wrong with checkpoints. */
export interface CheckpointObserver {
  /** No checkpoint can be made, from now on. */
  failed(reason: string): void;
  /** They can again. */
  recovered(): void;
  /** A chain of keys has begun; a first key has no `problem`. */
  keyBegun(event: { readonly fingerprint: string; readonly problem: string | undefined }): void;
}

/** What checkpoints tell about. */
export interface CheckpointSource {
  readonly vault: Vault;
  /** Returns all lanes as they are durable. */
  listLanes(): Promise<readonly CheckpointLane[]>;
  /** Whether an entry of the log says that the chain of a lane has ended, with at least those entries. */
  hasEnded(lane: CheckpointLane, since: number): Promise<boolean>;
  /** Moves entries that wait in the journal into the database. */
  flush(): Promise<unknown>;
}

const intervalMilliseconds = 60_000;
/** How often it is looked at whether the day or the epoch has changed. */
const tickMilliseconds = 1_000;
/** Entries after which a checkpoint is made before its time. */
const manyEntries = 10_000;

/** Signs checkpoints: each minute when there is something new, and when it is asked to. */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  readonly #files: CheckpointFiles;
  readonly #now: () => number;
  #source: CheckpointSource | undefined;
  #keys: SigningKeys | undefined;
  /** The newest checkpoint of the database, and the hash of the last one of the file. */
  #newest: Checkpoint | undefined;
  #previous: string | undefined;
  #isOpen = false;
  #hasFailed = false;
  #entries = 0;
  /** Day, epoch and time of the last attempt. */
  #attempt = { day: '', epoch: 0, at: Number.NEGATIVE_INFINITY };
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#files = new CheckpointFiles(options.directory);
    this.#now = options.now ?? Date.now;
  }

  /** Begins to make checkpoints; while the vault is sealed, none is made. */
  start(source: CheckpointSource): void {
    this.#source = source;
    this.#timer = setInterval(() => this.#tick(source.vault), tickMilliseconds).unref();
    this.#tick(source.vault);
  }

  /** Counts entries that have become durable. */
  noteEntries(count: number): void {
    this.#entries += count;
    if (this.#entries >= manyEntries) void this.soon();
  }

  /**
   * Makes a checkpoint of the log as it is by now, if it has got any further. Resolves when that is durable,
   * or has failed, which the observer is told.
   */
  soon(): Promise<void> {
    this.#queued ??= this.#running.then(() => {
      this.#queued = undefined;
      this.#running = this.#run();
      return this.#running;
    });
    return this.#queued;
  }

  /** Makes the last checkpoint; to be called when the last entry is durable. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.soon();
    this.#source = undefined;
  }

  #tick({ unsealed, currentEpoch }: Vault): void {
    if (!unsealed) return;
    const { day, epoch, at } = this.#attempt;
    const now = performance.now();
    const isDue = now - at >= intervalMilliseconds || dayOf(this.#now()) !== day || currentEpoch !== epoch;
    if (!isDue) return;
    this.#attempt = { day: dayOf(this.#now()), epoch: currentEpoch, at: now };
    void this.soon();
  }

  async #run(): Promise<void> {
    const source = this.#source;
    if (source === undefined || !source.vault.unsealed) return;
    try {
      this.#entries = 0;
      await this.#make(source);
      if (this.#hasFailed) this.#options.observer.recovered();
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) this.#options.observer.failed((error as Error).message);
      this.#hasFailed = true;
    }
  }

  async #make(source: CheckpointSource): Promise<void> {
    const keys = this.#prepareKeys(source.vault);
    await source.flush();
    if (!this.#isOpen) await this.#open(source.vault);
    const lanes = await this.#nameLanes(source);
    const checkpoint = this.#compose(source.vault, keys, lanes);
    if (this.#newest !== undefined && isSame(checkpoint, this.#newest)) return;
    const signed = encodeCheckpoint(checkpoint);
    const text = addSignature(signed, keys.sign(signed));
    await this.#files.append(text);
    [this.#newest, this.#previous] = [checkpoint, hashCheckpoint(text)];
    this.#options.outlet?.acceptCheckpoint(text);
  }

  #prepareKeys(vault: Vault): SigningKeys {
    const { directory, record, observer } = this.#options;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#keys ??= new SigningKeys(directory, vault);
    if (this.#keys.prepare(this.#now()) !== 'begun') return this.#keys;
    const { reason, current } = this.#keys;
    const fingerprint = current.first;
    record({ operation: signingKeyBegun, result: 'Success', details: { fingerprint, reason } });
    const problem = reason === 'first' ? undefined : `the file of the signing key was ${reason}`;
    observer.keyBegun({ fingerprint, problem });
    return this.#keys;
  }

  async #open(vault: Vault): Promise<void> {
    const { newest, last } = await this.#files.open(vault.storeNames);
    this.#newest = newest;
    this.#previous = last && hashCheckpoint(last);
    this.#isOpen = true;
  }

  /** Returns the lanes, and those that were named before and whose chain has not ended as far as is known. */
  async #nameLanes(source: CheckpointSource): Promise<readonly CheckpointLane[]> {
    const lanes = await source.listLanes();
    const present = new Map(lanes.map((lane) => [lane.name, lane]));
    const missing: CheckpointLane[] = [];
    for (const known of this.#newest?.lanes ?? []) {
      const lane = present.get(known.name);
      const isOfChain = lane?.chain !== undefined && lane.chain.id === known.chain?.id;
      if (isOfChain && lane.chain.entries < known.chain.entries)
        throw new Error(
          `lane ${lane.name} states ${lane.chain.entries} entries; the last checkpoint has ${known.chain.entries}: the database was put back`,
        );
      if (isOfChain || known.chain === undefined) continue;
      if (!(await source.hasEnded(known, this.#newest?.time ?? 0))) missing.push(known);
    }
    return [...lanes, ...missing].toSorted((one, other) => (one.name < other.name ? -1 : 1));
  }

  #compose(vault: Vault, keys: SigningKeys, lanes: readonly CheckpointLane[]): Checkpoint {
    const [store = ''] = vault.storeNames;
    const before = this.#newest?.store;
    return {
      ...{ store, formerly: before === store ? undefined : before, node: this.#options.node },
      ...{ keyring: vault.generation, time: this.#now(), previous: this.#previous, lanes, key: keys.current },
    };
  }
}

/** Whether a checkpoint would tell nothing new. */
function isSame(one: Checkpoint, other: Checkpoint): boolean {
  const contentOf = ({ keyring, store, lanes, key }: Checkpoint) =>
    JSON.stringify([keyring, store, encodeKeyLine(key), ...lanes.map(describeLane)]);
  return contentOf(one) === contentOf(other);
}

function describeLane({ name, seq, state, chain }: CheckpointLane): string {
  return [name, seq, state.toHex(), chain?.id, chain?.entries, chain?.head.toHex()].join(' ');
}
