import type { ManagedObject } from '../../object/managed-object.ts';
import type { TicketUses } from '../../object/usage.ts';
import type {
  Approvals,
  Attempts,
  Context,
  EarlierAnswer,
  MultiPart,
  ObjectContext,
  RenewedAccess,
} from '../../operations/context.ts';
import type { FailedAttempts } from './attempts.ts';
import type { MultiPartOperations, PartItem } from './multi-part.ts';

/** The part of the handler context that is the same for all items of a batch. */
export type BatchContext = Omit<
  Context,
  'work' | 'multiPart' | 'attempts' | 'ticketUses' | 'renewedAccess' | 'approvals' | 'answerWith'
>;

/** The use of an object of another group, as a grant permits it. */
export interface GrantedItem {
  /** The grant, see `GrantedUse`. */
  readonly rule: string;
  /** Loads the object, and no other one. */
  readonly target: { readonly work: Pick<Context['work'], 'load'> };
  /** What the handler works on beside the object. */
  readonly work: Context['work'];
  /** The context of the message for that use. */
  readonly batch: BatchContext;
}

/** State that outlives the messages of a client; the ports of an item are made from these. */
export interface ProcessState {
  readonly multiPart: MultiPartOperations;
  readonly attempts: FailedAttempts;
}

/**
 * The ports that belong to one batch item. Each is made at its first use, because most items, such as Get,
 * use none. All contexts of the item share them, also those of its repetitions.
 */
export class ItemPorts {
  /** Of the item. */
  readonly approvals: Approvals;
  readonly #item: PartItem;
  readonly #state: ProcessState;
  #multiPart: MultiPart | undefined;
  #attempts: Attempts | undefined;
  /** The answers that the handler gave instead of its own; undefined when it gave none. */
  earlierAnswers: readonly EarlierAnswer[] | undefined;
  /** Counts nothing until the item has been permitted. */
  ticketUses: TicketUses = { count() {} };

  constructor(item: PartItem, state: ProcessState, approvals: Approvals) {
    this.approvals = approvals;
    this.#item = item;
    this.#state = state;
  }

  get renewedAccess(): RenewedAccess {
    return this.#item.access;
  }

  get multiPart(): MultiPart {
    this.#multiPart ??= this.#state.multiPart.forItem(this.#item);
    return this.#multiPart;
  }

  get attempts(): Attempts {
    this.#attempts ??= this.#state.attempts.forItem(this.#item.item, this.#item.principal);
    return this.#attempts;
  }

  get answerWith(): Context['answerWith'] {
    return (answers) => {
      this.earlierAnswers = answers;
    };
  }
}

/**
 * The handler context of one batch item: the batch's context, the item's ports and the layer that it writes
 * to.
 */
export class ItemContext implements Context {
  readonly work: Context['work'];
  readonly server: Context['server'];
  readonly #batch: BatchContext;
  readonly #ports: ItemPorts;

  constructor(batch: BatchContext, ports: ItemPorts, { work, server }: Pick<Context, 'work' | 'server'>) {
    this.#batch = batch;
    this.#ports = ports;
    this.work = work;
    this.server = server;
  }

  /** Counts the item's uses of keys there, in all contexts of the item. */
  countUsesOn(ticketUses: TicketUses): void {
    this.#ports.ticketUses = ticketUses;
  }

  /** Returns the context of the same item with other views of its layer and of the server's description. */
  withViews(views: Pick<Context, 'work' | 'server'>): ItemContext {
    return new ItemContext(this.#batch, this.#ports, views);
  }

  /** Returns the context of the same item for the use of an object of another group by a grant. */
  withGrant({ batch, work }: Pick<GrantedItem, 'batch' | 'work'>): ItemContext {
    return new ItemContext(batch, this.#ports, { work, server: this.server });
  }

  /** Returns the context of the same item for a handler that works on `object`. */
  withObject(object: ManagedObject): ObjectContext {
    return new ObjectItemContext(this.#batch, this.#ports, this, object);
  }

  /** The answers that the handler gave instead of its own; undefined when it gave none. */
  get earlierAnswers(): readonly EarlierAnswer[] | undefined {
    return this.#ports.earlierAnswers;
  }

  get principal(): Context['principal'] {
    return this.#batch.principal;
  }
  get version(): Context['version'] {
    return this.#batch.version;
  }
  get now(): Context['now'] {
    return this.#batch.now;
  }
  get restorableUntil(): Context['restorableUntil'] {
    return this.#batch.restorableUntil;
  }
  get crypto(): Context['crypto'] {
    return this.#batch.crypto;
  }
  get tokenKeys(): Context['tokenKeys'] {
    return this.#batch.tokenKeys;
  }
  get isTokenRequired(): Context['isTokenRequired'] {
    return this.#batch.isTokenRequired;
  }
  get limits(): Context['limits'] {
    return this.#batch.limits;
  }
  get protection(): Context['protection'] {
    return this.#batch.protection;
  }
  get fetchable(): Context['fetchable'] {
    return this.#batch.fetchable;
  }
  get hiddenAttributes(): Context['hiddenAttributes'] {
    return this.#batch.hiddenAttributes;
  }
  get certification(): Context['certification'] {
    return this.#batch.certification;
  }
  get listedKeys(): Context['listedKeys'] {
    return this.#batch.listedKeys;
  }
  get channel(): Context['channel'] {
    return this.#batch.channel;
  }
  get enrolments(): Context['enrolments'] {
    return this.#batch.enrolments;
  }
  get sessionControl(): Context['sessionControl'] {
    return this.#batch.sessionControl;
  }
  get jobs(): Context['jobs'] {
    return this.#batch.jobs;
  }
  get randomIvUses(): Context['randomIvUses'] {
    return this.#batch.randomIvUses;
  }
  newIdentifier(): string {
    return this.#batch.newIdentifier();
  }
  setPlaceholder(id: string | undefined): void {
    this.#batch.setPlaceholder(id);
  }
  resolve(identifier: string | undefined): string {
    return this.#batch.resolve(identifier);
  }
  get multiPart(): MultiPart {
    return this.#ports.multiPart;
  }
  get attempts(): Attempts {
    return this.#ports.attempts;
  }
  get renewedAccess(): RenewedAccess {
    return this.#ports.renewedAccess;
  }
  get approvals(): Approvals {
    return this.#ports.approvals;
  }
  get ticketUses(): TicketUses {
    return this.#ports.ticketUses;
  }
  get answerWith(): Context['answerWith'] {
    return this.#ports.answerWith;
  }
}

class ObjectItemContext extends ItemContext implements ObjectContext {
  readonly object: ManagedObject;

  constructor(
    batch: BatchContext,
    ports: ItemPorts,
    views: Pick<Context, 'work' | 'server'>,
    object: ManagedObject,
  ) {
    super(batch, ports, views);
    this.object = object;
  }
}
