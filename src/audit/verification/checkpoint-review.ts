import { type Checkpoint, decodeCheckpoint, hashCheckpoint } from '../checkpoints/checkpoint.ts';
import { readCheckpointTexts } from '../checkpoints/checkpoint-texts.ts';
import { isCertified, type PublicSigningKey } from '../checkpoints/signing-key.ts';
import { ProblemList } from './problem-list.ts';
import { type StatedPosition, StatedPositions } from './stated-positions.ts';

/** Whether a source of checkpoints is the node's own, which may have served other databases too. */
export type CheckpointOwner = 'own' | 'given';

/** A chain that a checkpoint has named, and the next one has not. */
export interface DroppedChain {
  readonly chain: string;
  /** Time of the first checkpoint without it. */
  readonly time: string;
}

/** What a review has found. */
export interface CheckpointFindings {
  /** Of the checkpoints that count. */
  readonly positions: StatedPositions;
  readonly dropped: readonly DroppedChain[];
  /** Names of the database, the present one first, with those that checkpoints say it had before. */
  readonly stores: readonly string[];
  readonly problems: readonly string[];
  readonly unlisted: number;
  /** What an operator may want to know and is no fault, a line each. */
  readonly notes: readonly string[];
}

/** What is kept of a genuine checkpoint until it is known which ones count. */
interface Candidate extends Pick<Checkpoint, 'store' | 'formerly'> {
  readonly time: string;
  readonly place: string;
  readonly owner: CheckpointOwner;
  readonly key: string;
  readonly positions: readonly StatedPosition[];
  readonly dropped: readonly string[];
}

/**
 * Reviews checkpoints: whether they are genuine, signed by keys of a trusted chain, and about the database.
 * Of each it keeps the positions that it states.
 */
export class CheckpointReview {
  readonly #problems = new ProblemList();
  readonly #notes: string[] = [];
  readonly #candidates: Candidate[] = [];
  /** All keys that were seen, by the key in hexadecimal, and whether the certificate is right. */
  readonly #keys = new Map<string, { readonly key: PublicSigningKey; readonly isCertified: boolean }>();
  readonly #trusted: Set<string>;
  /** The last checkpoint of each node, and its hash, of the own files or of a given one. */
  readonly #last = new Map<string, { readonly hash: string; readonly chains: ReadonlySet<string> }>();

  /** Hashes of all that were reviewed: a copy of a file says nothing new. */
  readonly #hashes = new Set<string>();

  /** @param trusted fingerprints of first keys */
  constructor(trusted: Iterable<string>) {
    this.#trusted = new Set(trusted);
  }

  /** Trusts a first key. */
  trust(fingerprint: string): void {
    this.#trusted.add(fingerprint);
  }

  /** Learns public keys. */
  addKeys(keys: readonly PublicSigningKey[]): void {
    for (const key of keys) this.#addKey(key);
  }

  /**
   * Reviews the checkpoints of a file.
   * @throws {UnusableFileError} or the system's error, with `code` and `path`
   */
  addFile(file: string, owner: CheckpointOwner): void {
    // The own ones go on from file to file.
    if (owner === 'given') this.#last.clear();
    let gaps = 0;
    for (const found of readCheckpointTexts(file)) {
      const place = `${file} line ${found.line}`;
      if (found.kind === 'checkpoint') gaps += this.addText(found.text, place, owner) ? 0 : 1;
      else if (found.kind === 'key') this.#addKey(found.key);
      else if (found.kind === 'damaged')
        this.#problems.add(`${place}: this is no checkpoint, or a damaged one`);
      else this.#notes.push(`${place}: the last checkpoint is not complete, as after a power cut`);
    }
    if (gaps > 0)
      this.#notes.push(`${file}: in ${gaps} places checkpoints are missing between two that are there`);
  }

  /** Reviews one checkpoint. Returns whether it follows the last one of its node, or is the first. */
  addText(text: string, place: string, owner: CheckpointOwner): boolean {
    const checkpoint = decodeCheckpoint(text);
    if (checkpoint === undefined) {
      this.#problems.add(`${place}: the checkpoint was altered: its signature is wrong`);
      return true;
    }
    const { store, formerly, node, previous, lanes, key } = checkpoint;
    this.#addKey(key);
    const positions = lanes.flatMap(({ chain }) =>
      chain === undefined ? [] : [{ chain: chain.id, count: chain.entries, head: chain.head.toHex() }],
    );
    const last = this.#last.get(node);
    const isLinked = last !== undefined && previous === last.hash;
    const chains = new Set(positions.map(({ chain }) => chain));
    const hash = hashCheckpoint(text);
    this.#last.set(node, { hash, chains });
    if (!this.#hashes.has(hash))
      this.#candidates.push({
        ...{ store, formerly, time: new Date(checkpoint.time).toISOString(), place, owner, positions },
        key: key.key.toHex(),
        dropped: isLinked ? [...last.chains.difference(chains)] : [],
      });
    this.#hashes.add(hash);
    return isLinked || last === undefined;
  }

  #addKey(key: PublicSigningKey): void {
    const name = key.key.toHex();
    if (this.#keys.get(name)?.isCertified !== true)
      this.#keys.set(name, { key, isCertified: isCertified(key) });
  }

  /**
   * Chooses the checkpoints that count.
   * @param stores names of the database
   */
  finish(stores: readonly string[]): CheckpointFindings {
    const positions = new StatedPositions();
    const dropped: DroppedChain[] = [];
    const trustedKeys = new Set([...this.#keys.keys()].filter((name) => this.#isTrusted(name)));
    const trusted = this.#candidates.filter(({ key }) => trustedKeys.has(key));
    this.#reportKeys(trustedKeys);
    const known = withEarlierNames(stores, trusted);
    let others = 0;
    for (const candidate of trusted) {
      const { store, time, place, owner } = candidate;
      if (!known.has(store)) {
        if (owner === 'own') others += 1;
        else this.#problems.add(`${place}: the checkpoint is of another database, ${store}`);
        continue;
      }
      for (const { chain, count, time: other } of positions.add(candidate))
        this.#problems.add(
          `${place}: chain ${chain} has other ${count} entries than in the checkpoint of ${other}: the log was forked`,
        );
      dropped.push(...candidate.dropped.map((chain) => ({ chain, time })));
    }
    if (others > 0) this.#notes.push(`${others} checkpoints are of other databases`);
    const { listed, unlisted } = this.#problems;
    return { positions, dropped, stores: [...known], problems: listed, unlisted, notes: this.#notes };
  }

  /** Names each chain of keys that is not trusted, and each key that cannot be traced to its first one. */
  #reportKeys(trusted: ReadonlySet<string>): void {
    const first = new Set<string>();
    for (const [name, { key, isCertified }] of this.#keys) {
      if (trusted.has(name)) continue;
      if (!isCertified)
        this.#problems.add(`the signing key of ${key.day} is not certified by the key before it`);
      else if (this.#trusted.has(key.first))
        this.#problems.add(
          `the signing key of ${key.day} cannot be traced to its first key: a checkpoint of a day between is missing; give the file signing-keys of its node, too`,
        );
      else first.add(key.first);
    }
    for (const fingerprint of first)
      this.#problems.add(
        `a chain of signing keys begins with ${fingerprint}, which nothing vouches for; if it is yours: --trust ${fingerprint}`,
      );
  }

  /** Whether a key leads to a trusted first one by certificates. */
  #isTrusted(name: string): boolean {
    const passed = new Set<string>();
    let at = name;
    while (!passed.has(at)) {
      passed.add(at);
      const { key, isCertified } = this.#keys.get(at) ?? {};
      if (key === undefined || isCertified !== true) return false;
      if (key.signedBy === undefined) return this.#trusted.has(key.first);
      const before = key.signedBy.key.toHex();
      if (this.#keys.get(before)?.key.first !== key.first) return false;
      at = before;
    }
    return false;
  }
}

/** Adds the names that checkpoints say the database had before. */
function withEarlierNames(stores: readonly string[], checkpoints: readonly Candidate[]): ReadonlySet<string> {
  const known = new Set(stores);
  for (let size = -1; size !== known.size; ) {
    size = known.size;
    for (const { store, formerly } of checkpoints)
      if (formerly !== undefined && known.has(store)) known.add(formerly);
  }
  return known;
}
