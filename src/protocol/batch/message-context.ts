import { randomUUIDv7 } from 'node:crypto';
import type { Enrolments } from '../../identity/enrolment.ts';
import type { Context, Jobs, RenewedAccess, TokenKeyStorage } from '../../operations/context.ts';
import { fetchableBy } from '../authentication/rights.ts';
import type { Conversation } from '../service.ts';
import type { BatchIdentifiers } from './identifiers.ts';
import type { BatchContext } from './item-context.ts';
import type { PartItem } from './multi-part.ts';

/** What the context of a message is made of; the functions are called at the first use of what they make. */
export interface MessageParts
  extends Pick<
    BatchContext,
    | 'principal'
    | 'version'
    | 'now'
    | 'crypto'
    | 'isTokenRequired'
    | 'server'
    | 'limits'
    | 'protection'
    | 'certification'
    | 'listedKeys'
    | 'randomIvUses'
    | 'hiddenAttributes'
    | 'restorableUntil'
  > {
  readonly identifiers: BatchIdentifiers;
  /** Absent in a job. */
  readonly conversation: Conversation | undefined;
  readonly enrolments: Enrolments | undefined;
  openJobs(): Jobs;
  openTokenKeys(): TokenKeyStorage | undefined;
}

/**
 * The part of the handler context that is the same for all items of a message.
 *
 * It is a class for its getters: V8 makes a map of its own for every object literal that has one, and maps
 * are never young, so that each message would stay in memory until the next full collection.
 */
export class MessageContext implements BatchContext {
  readonly principal: Context['principal'];
  readonly version: Context['version'];
  readonly now: Context['now'];
  readonly crypto: Context['crypto'];
  readonly isTokenRequired: Context['isTokenRequired'];
  readonly server: Context['server'];
  readonly limits: Context['limits'];
  readonly protection: Context['protection'];
  readonly certification: Context['certification'];
  readonly listedKeys: Context['listedKeys'];
  readonly randomIvUses: Context['randomIvUses'];
  readonly hiddenAttributes: Context['hiddenAttributes'];
  readonly restorableUntil: Context['restorableUntil'];
  readonly #parts: MessageParts;
  #jobs: Jobs | undefined;
  #tokenKeys: TokenKeyStorage | undefined;

  constructor(parts: MessageParts) {
    this.#parts = parts;
    this.principal = parts.principal;
    this.version = parts.version;
    this.now = parts.now;
    this.crypto = parts.crypto;
    this.isTokenRequired = parts.isTokenRequired;
    this.server = parts.server;
    this.limits = parts.limits;
    this.protection = parts.protection;
    this.certification = parts.certification;
    this.listedKeys = parts.listedKeys;
    this.randomIvUses = parts.randomIvUses;
    this.hiddenAttributes = parts.hiddenAttributes;
    this.restorableUntil = parts.restorableUntil;
  }

  /** Returns the context of the same message with other parts in the place of its own. */
  withParts(parts: Partial<MessageParts>): MessageContext {
    return new MessageContext({ ...this.#parts, ...parts });
  }

  get channel(): Context['channel'] {
    return this.#parts.conversation?.channel;
  }

  get enrolments(): Context['enrolments'] {
    return this.#parts.conversation && this.#parts.enrolments;
  }

  get sessionControl(): Context['sessionControl'] {
    return this.#parts.conversation?.sessionControl;
  }

  get fetchable(): Context['fetchable'] {
    return fetchableBy(this.principal, this.now);
  }

  get jobs(): Jobs {
    this.#jobs ??= this.#parts.openJobs();
    return this.#jobs;
  }

  get tokenKeys(): TokenKeyStorage | undefined {
    this.#tokenKeys ??= this.#parts.openTokenKeys();
    return this.#tokenKeys;
  }

  /** Ordered by time, so that new rows land at the end of the store's index: half as many pages to write. */
  newIdentifier(): string {
    return randomUUIDv7();
  }

  setPlaceholder(id: string | undefined): void {
    this.#parts.identifiers.placeholder = id;
  }

  resolve(identifier: string | undefined): string {
    return this.#parts.identifiers.resolve(identifier);
  }
}

/** Makes the parts of an item that few items need, each at its first use. */
export interface ItemParts {
  message(): PartItem['message'];
  access(): RenewedAccess;
}

/** One item of a batch, as what outlives its message sees it. */
export class MessageItem implements PartItem {
  readonly item: PartItem['item'];
  readonly principal: PartItem['principal'];
  readonly afterCommit: PartItem['afterCommit'];
  readonly #parts: ItemParts;
  #access: RenewedAccess | undefined;

  constructor(of: Pick<PartItem, 'item' | 'principal' | 'afterCommit'>, parts: ItemParts) {
    this.item = of.item;
    this.principal = of.principal;
    this.afterCommit = of.afterCommit;
    this.#parts = parts;
  }

  get message(): PartItem['message'] {
    return this.#parts.message();
  }

  get access(): RenewedAccess {
    this.#access ??= this.#parts.access();
    return this.#access;
  }
}
