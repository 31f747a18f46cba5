import type { KeyBlock } from '../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import type { Change } from './closure-change.ts';
import {
  attributeChanges,
  derive,
  join,
  methods,
  registrations,
  setAttribute,
  sharing,
  split,
} from './closure-changes.ts';
import { Contexts, type Origin } from './closure-contexts.ts';
import type { Outcome } from './closure-outcomes.ts';
import { type Blob, listBlobs } from './closure-reads.ts';
import { nameAfter, type SaturatedReads } from './closure-saturated-reads.ts';
import type { Reached, Saturation } from './closure-saturation.ts';
import { isKnownTerm, kindOf } from './closure-terms.ts';
import { store, unwrap, unwrappingsOf } from './closure-unwrapping.ts';
import { materialOf, type World } from './closure-world.ts';

/** Steps that change something, with all objects that were reached. */

/** Where a step is tried, and with what. */
interface Trial {
  readonly change: Change;
  readonly key: string;
  readonly world: World;
  readonly named: readonly Reached[];
  /** Identifiers of the named objects in that world. */
  readonly ids: readonly string[];
  readonly depth: number;
  readonly extra?: string | undefined;
}

export class SaturatedChanges {
  readonly #saturation: Saturation;
  readonly #reads: SaturatedReads;
  readonly #contexts: Contexts;
  readonly #only: RegExp | undefined;
  readonly #tried = new Set<string>();
  /** Keys by which nothing was unwrapped so far, with the number of first objects that it was tried for. */
  readonly #unable = new Map<string, number>();
  /** Kinds of which something has left so that the server has recorded it. */
  readonly #recordedKinds = new Set<string>();
  #splits = 0;
  /** Successes by kind. */
  readonly done = new Map<string, number>();

  constructor(saturation: Saturation, reads: SaturatedReads, only?: RegExp) {
    this.#saturation = saturation;
    this.#reads = reads;
    this.#contexts = new Contexts(saturation);
    this.#only = only;
  }

  /** Tries every step with every choice of objects that are reached by fewer than `depth` steps. */
  async run(depth: number): Promise<void> {
    const objects = this.#saturation.objects.slice();
    const blobs = this.#listBlobs();
    for (const { how, term } of blobs)
      if (this.#reads.recorded.has(how)) this.#recordedKinds.add(kindOf(term, this.#saturation.first));
    for (const change of registrations) await this.#tryOnce(change, [], depth);
    for (const object of objects) await this.#trySingle(object, depth);
    const seeds = objects.filter(({ sample }) => sample.type === 'SecretData');
    for (const object of objects)
      for (const seed of seeds)
        for (const label of ['HMAC', 'ENCRYPT', 'NIST800_108_C'])
          await this.#tryOnce(
            derive([object.name, seed.name], [object.term, seed.term], label),
            [object, seed],
            depth,
            `derive ${label} ${object.roles.input} ${seed.roles.input}`,
          );
    const byTerm = Map.groupBy(objects, ({ term }) => term);
    for (const blob of blobs) {
      const firsts = this.#contexts.list(blob.term);
      for (const key of this.#chooseKeys(byTerm.get(blob.key) ?? [], blob.term === blob.key)) {
        await this.#tryStore(blob, key, depth);
        await this.#tryUnwrapping(blob, key, firsts, depth);
      }
    }
    const parts = objects.filter(({ sample }) => sample.type === 'SplitKey');
    for (const [at, one] of parts.entries())
      for (const two of parts.slice(at + 1)) await this.#tryJoin(one, two, depth);
  }

  /** Of the keys in each role one that chance draws; of keys that unwrap themselves all first objects too. */
  #chooseKeys(keys: readonly Reached[], isOwn: boolean): Set<Reached> {
    const chosen = new Set<Reached>();
    for (const alike of Map.groupBy(keys, ({ roles }) => roles.unwrapping).values()) {
      chosen.add(alike[this.#saturation.draw(alike.length)] as Reached);
      for (const each of alike) if (isOwn && each.sample.provenance.copyOf === undefined) chosen.add(each);
    }
    return chosen;
  }

  /** Wrapped keys; those of the same content, key and mode serve alike. */
  #listBlobs(): Blob[] {
    const { pool } = this.#saturation;
    const keyOf = ({ how, term, key, mode }: Blob) =>
      `${term} ${pool.wrapped.get(how)?.type} ${key} ${mode} ${this.#reads.recorded.has(how)}`;
    return [...new Map(listBlobs(pool).map((each) => [keyOf(each), each])).values()];
  }

  async #trySingle(object: Reached, depth: number): Promise<void> {
    for (const label of Object.keys(methods))
      await this.#tryOnce(derive([object.name], [object.term], label), [object], depth);
    for (const method of sharing) {
      const change = split(object, method);
      if (this.#tried.has(change.name)) continue;
      this.#splits += 1;
      const terms = change.terms.map((term) => term.replace(/\)$/u, `_${this.#splits}x)`));
      await this.#tryOnce({ ...change, terms }, [object], depth);
    }
    for (const what of Object.keys(attributeChanges))
      await this.#tryOnce(setAttribute(object.name, what), [object], depth);
  }

  /** Tries a step in the world of all objects, once. */
  async #tryOnce(
    change: Change,
    named: readonly Reached[],
    depth: number,
    decided?: string,
    extra?: string,
  ): Promise<void> {
    if (this.#tried.has(change.name) || this.#only?.test(change.name) === false) return;
    this.#tried.add(change.name);
    const { pool } = this.#saturation;
    const same = named.length === 2 && named[0] === named[1] ? ' itself' : '';
    const key = `${decided ?? change.decided(pool)}${same} ${extra ?? ''}`;
    const ids = named.map(({ id }) => id);
    await this.#try({ change, key, world: pool, named, ids, depth, extra });
  }

  async #try({ change, key, world, named, ids, depth, extra }: Trial): Promise<void> {
    const saturation = this.#saturation;
    const isNew = ({ made, changed }: Outcome) =>
      made.some((number, at) => !saturation.has(change.terms[at] as string, number)) ||
      !changed.every(([at]) => this.#isChangeReached(key, at, named[at] as Reached));
    if (!saturation.needs(key, isNew)) return;
    const items = [change.item(world)];
    const answered = await saturation.ask(key, items, world, {
      ...{ named: ids, classes: named.map((each) => each.class), extra },
    });
    if (!answered.isDone) return;
    this.done.set(change.kind, (this.done.get(change.kind) ?? 0) + 1);
    if (change.method !== undefined) saturation.pool.methods.add(change.method);
    const path = [...named.flatMap((each) => each.path), change.name];
    for (const [at, object] of answered.inserts.entries()) {
      const term = change.terms[at] as string;
      if (extra !== undefined) saturation.setExtra(object.id, extra);
      await saturation.add(object, { term, depth, path, before: [], extra });
    }
    for (const [at, object] of answered.updates) {
      const from = named[at] as Reached;
      const before = change.changes === from.name ? [from, ...from.before] : from.before;
      const name = nameAfter(from, saturation);
      const own = saturation.extraOf(object.id) || undefined;
      await saturation.add(object, { term: from.term, depth, path, before, name, extra: own });
    }
  }

  /** Whether what a step makes of an object is reached; false when it was not asked of one of this class. */
  #isChangeReached(key: string, at: number, object: Reached): boolean {
    const number = this.#saturation.changeOf(key, at, object.class);
    return number !== undefined && this.#saturation.has(object.term, number);
  }

  /** Registers a wrapped key as it came, to be unwrapped by a key as it is at some time. */
  async #tryStore(blob: Blob, key: Reached, depth: number): Promise<void> {
    const change = store(blob);
    const stored = this.#saturation.pool.wrapped.get(blob.how) as ManagedObjectValue;
    const block = (stored.value as { KeyBlock: KeyBlock }).KeyBlock;
    const data = block.KeyWrappingData as NonNullable<KeyBlock['KeyWrappingData']>;
    const EncryptionKeyInformation = { ...data.EncryptionKeyInformation, UniqueIdentifier: key.id };
    const KeyWrappingData = { ...data, EncryptionKeyInformation };
    const Object = {
      ...stored,
      value: { ...stored.value, KeyBlock: { ...block, KeyWrappingData } },
    } as ManagedObjectValue;
    const kind = kindOf(blob.term, this.#saturation.first);
    if (!storedModes.includes(blob.mode) || isKnownTerm(blob.term, this.#saturation.first)) return;
    const extra = `stored ${stored.type} ${blob.mode} by ${key.roles.key}`;
    const renamed: Change = {
      ...change,
      name: key.name === blob.by ? change.name : `${change.name} for ${key.name}`,
      decided: () => `register ${kind}`,
      item: (at) => {
        const { operation, request } = change.item(at);
        return { operation, request: { ...request, Object } };
      },
    };
    await this.#tryOnce(renamed, [], depth, undefined, extra);
  }

  /** Unwraps a wrapped key by a key, beside each first object that its content can have. */
  async #tryUnwrapping(
    blob: Blob,
    key: Reached,
    firsts: readonly Pick<Origin & { object: Reached }, 'object' | 'masks'>[],
    depth: number,
  ): Promise<void> {
    const { first: keys } = this.#saturation;
    if (isKnownTerm(blob.term, keys) && !knownModes.includes(blob.mode)) return;
    const forms = unwrappingsOf(blob).map((form) => unwrap(blob, key.name, form));
    const chosen = forms.filter(({ name }) => this.#only?.test(name) !== false);
    if (chosen.length === 0) return;
    for (const { object, masks } of firsts) {
      if (object.sample.id === key.sample.id && object.class !== key.class) continue;
      for (const isRecorded of this.#recordings(blob))
        await this.#tryForms(chosen, blob, key, { object, masks, isRecorded, term: blob.term }, depth);
    }
  }

  /** Whether the server knows that the content has left: always or not, or that depends on other reads. */
  #recordings(blob: Blob): boolean[] {
    const { first } = this.#saturation;
    if (this.#reads.recorded.has(blob.how)) return [true];
    return this.#recordedKinds.has(kindOf(blob.term, first)) ? [false, true] : [false];
  }

  async #tryForms(
    chosen: readonly Change[],
    blob: Blob,
    key: Reached,
    origin: Origin & { readonly object: Reached },
    depth: number,
  ): Promise<void> {
    const saturation = this.#saturation;
    const { object: first, masks, isRecorded } = origin;
    const own = first.sample.id === key.sample.id ? ' origin' : '';
    const past = first.roles.origin === 'open' ? '' : `used ${first.roles.uses | masks} ${isRecorded}`;
    const roles = `${key.roles.unwrapping}${own} origin ${first.roles.origin} ${past}`;
    const size = saturation.pool.known.get(blob.how)?.bytes.length;
    const type = `${saturation.pool.wrapped.get(blob.how)?.type} ${originSize(origin)}`;
    const content = `${type} ${size} ${blob.mode}`;
    const ability = `${blob.mode} ${key.roles.unwrapping}`;
    // What comes out does not depend on the way in, but whether anything does.
    const isAlwaysAble = this.#unable.get(ability) === -Infinity && first.roles.origin !== 'open';
    const result = `${own} by ${key.roles.unwrapped} origin ${first.roles.origin} ${past}`;
    const kind = kindOf(blob.term, saturation.first);
    const group = `${kind} ${isAlwaysAble ? `${type} ${chosen.length} ${result}` : `${content} ${roles}`}`;
    const isUnable = (this.#unable.get(ability) ?? 0) >= minRefusals;
    if ((this.#tried.has(group) || isUnable) && !saturation.isDrawn()) return;
    this.#tried.add(group);
    const { asked } = saturation.counts;
    let isAble = false;
    for (const change of chosen) {
      const form = change.name.slice(change.name.lastIndexOf(' as '));
      const trial = isAlwaysAble
        ? `unwrap ${type} ${form} ${result}`
        : `unwrap ${content} ${form} by ${roles}`;
      await this.#tryInContext({ key: trial, change, named: [key], depth }, origin, blob);
      isAble ||= saturation.memo.get(trial)?.isDone === true;
    }
    if (isAble && isUnable) saturation.contradictions.push(`${ability} unwraps after all: ${group}`);
    if (isAble) this.#unable.set(ability, -Infinity);
    else if (saturation.counts.asked > asked) this.#unable.set(ability, (this.#unable.get(ability) ?? 0) + 1);
  }

  /** Tries a step in a group where the key has that first object. */
  async #tryInContext(
    trial: Omit<Trial, 'world' | 'ids'>,
    origin: Origin,
    blob: Blob | undefined,
  ): Promise<void> {
    const saturation = this.#saturation;
    const { key, change, named } = trial;
    const known = saturation.memo.get(key);
    const isKnown =
      known?.made.every((each, at) => saturation.has(change.terms[at] as string, each)) === true &&
      known.changed.every(([at]) => this.#isChangeReached(key, at, named[at] as Reached));
    if ((known?.isDone === false || isKnown) && !saturation.needs(key, () => false)) return;
    const { world, ...context } = await this.#contexts.open(origin);
    const ids: string[] = [];
    for (const each of named) ids.push(await this.#contexts.hold(each, { world, ...context }));
    const object = blob && saturation.pool.wrapped.get(blob.how);
    if (blob !== undefined && object !== undefined) world.wrapped.set(blob.how, object);
    await this.#try({ ...trial, world, ids });
  }

  /** Joins two parts, beside the key that was divided where they are of one set. */
  async #tryJoin(one: Reached, two: Reached, depth: number): Promise<void> {
    if (one.sample.id === two.sample.id) return;
    const [set, other] = [one, two].map(({ sample }) => sample.provenance.madeWith);
    const isSet = set !== undefined && set === other;
    const source = isSet ? one.sample.provenance.share?.source : undefined;
    const origins =
      source === undefined
        ? [{ object: undefined, masks: 0 }]
        : this.#contexts.list(wholeOf(one.term)).filter(({ object }) => object.sample.id === source);
    for (const use of ['none', 'all'] as const) {
      const change = join([one, two], use);
      if (this.#only?.test(change.name) === false) continue;
      for (const { object, masks } of origins) {
        const name = `${change.name} at ${object?.name} ${masks}`;
        if (this.#tried.has(name)) continue;
        this.#tried.add(name);
        const relation = `${isSet ? 'one set' : 'two sets'} ${change.terms[0]?.startsWith('join') ? 'wrong' : 'whole'}`;
        const past =
          object === undefined || object.roles.origin === 'open' ? '' : `used ${object.roles.uses | masks}`;
        const parts = `${one.roles.part} ${two.roles.part} ${relation}`;
        const key = `join ${use} ${parts} origin ${object?.roles.origin} ${past}`;
        const origin = { object, masks, isRecorded: false, term: wholeOf(one.term) };
        await this.#tryInContext({ key, change, named: [one, two], depth }, origin, undefined);
      }
    }
  }
}

/** Modes of wrapped keys that are registered as they came: one with integrity, and one without. */
const storedModes: readonly Blob['mode'][] = ['NIST', 'CBC'];

/** Modes of wrapped keys whose content the client knows: the same. */
const knownModes = storedModes;

/** First objects after which a key that has unwrapped none is taken for one that unwraps nothing. */
const minRefusals = 5;

/** The length of the key, where it comes back. */
function originSize({ object }: Origin): number | undefined {
  return materialOf(object?.sample.value)?.length;
}

function wholeOf(term: string): string {
  return /^part [12]\((.*), \w+\)$/u.exec(term)?.[1] ?? '';
}
