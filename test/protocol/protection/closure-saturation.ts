import { ManagedObject } from '../../../src/object/managed-object.ts';
import { wrappedValueKind } from '../../../src/operations/transfer/wrapped-values.ts';
import { type FirstKeys, isSecretTerm, makeKeys } from './closure-keys.ts';
import { Knowledge } from './closure-knowledge.ts';
import { changeKey, comparable, type Outcome, outcomeOf, type Shared } from './closure-outcomes.ts';
import {
  type Captured,
  type CapturingService,
  plantedId,
  type Sample,
  sampleOf,
} from './closure-planting.ts';
import { type Roles, rolesOf } from './closure-roles.ts';
import type { FoundLeak } from './closure-search.ts';
import { isKnownTerm, kindOf } from './closure-terms.ts';
import { describeAs, type Held, type Item, materialOf, type Reply, World } from './closure-world.ts';

/**
 * The objects that sequences of steps can lead to, all of them at once. A step is asked of the server with
 * every choice of objects that were reached, in whatever sequences, and what it makes is reached too. So the
 * set has the objects of every sequence, and those of no sequence besides: it errs on the safe side. The
 * answer to a question is kept by what decides it (`closure-roles.ts`), and is asked again where it would
 * reach an object or a byte string that is new, or where chance draws it.
 */

/** An object that is reached. */
export interface Reached extends Held {
  readonly sample: Sample;
  readonly kind: string;
  /** Number of everything by which the server decides. */
  readonly class: number;
  readonly roles: Roles;
  /** Steps that lead to it, at least. */
  readonly depth: number;
  readonly path: readonly string[];
  /** The objects from which changes of attributes have led here. */
  readonly before: readonly Reached[];
}

/** An answer to a question, with the objects that it gives. */
export interface Answered extends Outcome {
  readonly replies: readonly Reply[];
  readonly inserts: readonly ManagedObject[];
  readonly updates: readonly (readonly [number, ManagedObject])[];
}

/** Objects of one kind and class that are kept with different values: no request names more of them. */
const maxAlike = 2;

/** The objects that a request names, by their identifiers. */
interface Asked {
  readonly named: readonly string[];
  /** Their classes, of a step that may change them. */
  readonly classes?: readonly number[] | undefined;
  readonly extra?: string | undefined;
  /** Of a read, which changes no more than that: those that have not left in the clear. */
  readonly unshown?: readonly string[] | undefined;
}

/** Stands for the class of an object that differs from before in that it has left in the clear. */
const shownClear = -1;

export class Saturation {
  readonly first: FirstKeys;
  readonly server: CapturingService;
  readonly objects: Reached[] = [];
  /** All objects at once, and what the client knows. */
  readonly pool: World;
  readonly memo: Map<string, Outcome>;
  /** Classes that steps give objects: roles decide that a step changes one, its class what becomes of it. */
  readonly #changes: Map<string, number>;
  /** Questions whose answer was known, and came out differently. */
  readonly contradictions: string[] = [];
  readonly counts = { asked: 0, alike: 0, checked: 0, contexts: 0 };
  /** Distinct values, by names that start with their terms. */
  readonly secrets = new Map<string, Uint8Array>();
  #places = 0;
  #made = 0;
  readonly #byKind = new Map<string, Reached[]>();
  readonly #classes: Map<string, number>;
  readonly #extras = new Map<string, string>();
  #random = 1;

  private constructor(server: CapturingService, first: FirstKeys, shared: Shared, group: string) {
    this.server = server;
    this.first = first;
    this.memo = shared.memo;
    this.#changes = shared.changes;
    this.#classes = shared.classes;
    this.pool = new World(server.service, group);
  }

  /** Makes the first keys, and begins with them. */
  static async begin(server: CapturingService, first: FirstKeys, shared: Shared): Promise<Saturation> {
    const origin = new World(server.service, `${first.name}, made ${shared.worlds++}`);
    await makeKeys(origin, first);
    const self = new Saturation(server, first, shared, `${first.name}, all ${shared.worlds++}`);
    for (const known of origin.known.values()) self.pool.learn(known);
    const held = [...origin.objects.values()];
    const { store, vault } = server.service;
    const rows = await store.load(
      origin.group,
      held.map(({ id }) => id),
    );
    for (const { name, id, term } of held) {
      const row = rows.find((each) => each.id === id);
      if (row === undefined) throw new Error(`${name} is not in the store`);
      await self.add(ManagedObject.fromStored(row, vault), { term, depth: 0, path: [], before: [], name });
    }
    return self;
  }

  /** A number that no other place has. */
  nextPlace(): number {
    this.#places += 1;
    return this.#places;
  }

  /** Number of what decides about an object: as it is described, but for what its kind says already. */
  classOf(object: ManagedObject, extra = ''): number {
    const { share } = object.provenance;
    const plain = { ...object.provenance, share: undefined };
    const part = share === undefined ? '' : JSON.stringify([share.type, share.mask]);
    const text = `${describeAs(object, plain, this.server.service.now / 1_000)} ${part} ${extra}`;
    const known = this.#classes.get(text);
    if (known !== undefined) return known;
    const number = this.#classes.size;
    this.#classes.set(text, number);
    return number;
  }

  get classTexts(): readonly string[] {
    return [...this.#classes.keys()];
  }

  /** Whether an object of that term and class brings nothing new. */
  has(term: string, number: number): boolean {
    const kind = kindOf(term, this.first);
    const alike = this.#byKind.get(`${kind} ${number}`) ?? [];
    const max = kind.includes('known') ? 1 : maxAlike;
    return alike.length >= max || alike.some((each) => each.term === term);
  }

  /** Adds an object unless others serve alike. */
  async add(
    object: ManagedObject,
    made: Pick<Reached, 'term' | 'depth' | 'path' | 'before'> & { name?: string; extra?: string | undefined },
  ): Promise<Reached | undefined> {
    const { term, depth, path, before } = made;
    await object.openValue();
    const number = this.classOf(object, made.extra);
    if (this.has(term, number)) return undefined;
    const kind = kindOf(term, this.first);
    const sample = sampleOf(object);
    const place = this.nextPlace();
    await this.server.plant(this.pool.group, sample, place);
    const name = made.name ?? `o${3 + this.#made++}`;
    this.pool.hold(plantedId(sample.id, place), term, name);
    this.pool.descriptions.set(name, `#${number}`);
    const bytes = materialOf(sample.value);
    if (bytes !== undefined) this.#keepValue(term, bytes);
    if (bytes !== undefined && isKnownTerm(term, this.first))
      this.pool.learn({ how: `value of ${name}`, bytes, sort: 'plain' });
    const reached = {
      ...{ name, id: plantedId(sample.id, place), term, sample, kind, class: number },
      ...{ depth, path, before, roles: rolesOf(object, this.server.service.now / 1_000, made.extra ?? '') },
    };
    const alike = this.#byKind.get(`${kind} ${number}`) ?? [];
    this.#byKind.set(`${kind} ${number}`, [...alike, reached]);
    this.objects.push(reached);
    return reached;
  }

  #keepValue(term: string, bytes: Uint8Array): void {
    if (!this.pool.values.has(term)) this.pool.values.set(term, bytes);
    if (!isSecretTerm(term, this.first)) return;
    if ([...this.secrets.values()].some((each) => Buffer.compare(each, bytes) === 0)) return;
    const others = [...this.secrets.keys()].filter((name) => name === term || name.startsWith(`${term}'`));
    this.secrets.set(others.length === 0 ? term : `${term}'${others.length}`, bytes);
  }

  /**
   * Whether a question needs to be asked: its answer is not known, or gives something new to these objects,
   * or it is drawn for a check.
   */
  needs(key: string, isNew: (outcome: Outcome) => boolean): boolean {
    const known = this.memo.get(key);
    if (known === undefined) return true;
    if (known.isDone && isNew(known)) return true;
    this.counts.alike += 1;
    if (!this.isDrawn()) return false;
    this.counts.checked += 1;
    return true;
  }

  /** The class that the object of a position gets by a step of that key; undefined when it was not asked. */
  changeOf(key: string, at: number, from: number): number | undefined {
    return this.#changes.get(changeKey(key, at, from));
  }

  #noteChanges(key: string, { changed }: Outcome, classes: readonly number[]): void {
    for (const [at, number] of changed) {
      const own = changeKey(key, at, classes[at] as number);
      const known = this.#changes.get(own);
      this.#changes.set(own, number);
      if (known !== undefined && known !== number)
        this.contradictions.push(`${own}: class ${known}, then ${number}`);
    }
  }

  /** Draws by chance what is checked again. */
  isDrawn(): boolean {
    return this.#fraction() < checkedShare;
  }

  /** Draws an integer below `count`. */
  draw(count: number): number {
    return Math.floor(this.#fraction() * count);
  }

  #fraction(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#random / 2 ** 32;
  }

  /** Asks and compares with what is known. `named`: identifiers of the objects that the request names. */
  async ask(
    key: string,
    items: readonly Item[],
    world: World,
    { named, classes, extra, unshown }: Asked,
  ): Promise<Answered> {
    this.counts.asked += 1;
    const captured = await this.server.capture(() => world.send(items));
    const answered = this.#summarise(captured, { named, extra, unshown });
    const known = this.memo.get(key);
    if (known === undefined) this.memo.set(key, outcomeOf(answered));
    else {
      const [before, after] = [known, answered].map((each) => comparable(each, classes !== undefined));
      const message = answered.replies[0]?.message;
      if (before !== after) this.contradictions.push(`${key}: ${before}, then ${after}: ${message}`);
    }
    if (classes !== undefined) this.#noteChanges(key, answered, classes);
    return answered;
  }

  #summarise(
    { result, inserts, updates, records }: Captured & { readonly result: readonly Reply[] },
    { named, extra, unshown }: Asked,
  ): Answered {
    const isDone = result[0]?.isDone === true;
    const isAnew = ({ id, provenance }: ManagedObject) =>
      provenance.shown === 'clear' && unshown?.includes(id);
    const seen = updates.filter((each) => unshown === undefined || isAnew(each));
    const positioned = seen.map((each) => [named.indexOf(each.id), each] as const);
    const changed = positioned.map(([at, each]) => {
      if (unshown !== undefined) return [at, shownClear] as const;
      return [at, this.classOf(each, this.extraOf(each.id))] as const;
    });
    return {
      isDone,
      made: inserts.map((each) => this.classOf(each, extra)),
      changed: changed.toSorted(([one], [other]) => one - other),
      isRecorded: records.includes(wrappedValueKind),
      replies: result,
      inserts,
      updates: positioned,
    };
  }

  /** What decides beside the object itself, of one that was registered wrapped. */
  extraOf(id: string): string {
    return this.#extras.get(id.replace(/\/\d+$/u, '')) ?? '';
  }

  setExtra(id: string, extra: string): void {
    this.#extras.set(id, extra);
  }

  /** The counts as text. */
  get summary(): string {
    const { asked, alike, checked, contexts } = this.counts;
    return [
      `${this.objects.length} objects`,
      `${asked} questions`,
      `${alike} answered alike`,
      `${checked} of these asked again`,
      `${contexts} groups`,
      `${this.pool.known.size} strings known`,
      `${this.contradictions.length} contradictions`,
    ].join(', ');
  }

  /** Whether objects like this one are reached, of those that were registered wrapped by whatever key. */
  contains(object: ManagedObject, term: string): boolean {
    const kind = kindOf(term, this.first);
    const number = this.classOf(object);
    if (!term.startsWith('stored ')) return this.#byKind.has(`${kind} ${number}`);
    const texts = this.classTexts;
    const start = texts[number] as string;
    return this.objects.some((each) => each.kind === kind && texts[each.class]?.startsWith(start));
  }

  /** The pieces of secrets in the closure of what the client knows, with steps that lead to them. */
  findLeaks(): { leaks: readonly FoundLeak[]; computed: number } {
    const knowledge = new Knowledge(this.secrets, this.pool.methods, [
      ...this.pool.values.values(),
      ...this.secrets.values(),
    ]);
    const leaks = knowledge.close([...this.pool.known.values()]);
    const byName = new Map(this.objects.map((each) => [each.name, each]));
    const found = leaks.map(({ secret, how }) => {
      const names = new Set(how.match(/\b(?:[A-C]|o\d+)(?:~\d+)?/gu));
      const path = [...names].flatMap((name) => byName.get(name)?.path ?? []);
      return { secret, how: how.replace(/~\d+/gu, ''), path: [...new Set(path)] };
    });
    return { leaks: found, computed: knowledge.computed };
  }
}

/** Share of the questions with a known answer that are asked again. */
const checkedShare = Number(process.env.KMIPD_SATURATION_CHECKED ?? 0.02);
