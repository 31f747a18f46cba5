import type { Infer, Struct } from '../../codec/schema.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import type { Version } from '../../codec/version.ts';
import type { Reason } from '../common/errors.ts';
import type { Context, ObjectContext, OperationName } from './context.ts';
import type { Work } from './work.ts';

/**
 * How an operation is defined: its name and versions, the schemas of its payloads, its target, and a handler.
 * The codec reads and writes the payloads by the schemas, and `protocol/batch/execute.ts` finds and checks
 * the target, so that a handler starts with typed fields and a usable object. A complete operation
 * (lifecycle/activate.ts):
 *
 *     export const Activate = operation({
 *       name: 'Activate',
 *       since: '1.0',
 *       request: struct({ UniqueIdentifier: maybe(identifier) }),
 *       response: struct({ UniqueIdentifier: one(text) }),
 *       target: object(),
 *       limitedRight: 'objects',
 *       handle(_request, { object: target, now }) {
 *         target.activate(now);
 *         return { UniqueIdentifier: target.id };
 *       },
 *     });
 *
 * The unit of work stores the changed object. A handler refuses a request with `fail(reason, message)`,
 * naming the reason of the newest version; common/errors.ts translates it for older clients.
 */

/** Operations about the server itself; they work while the vault is sealed. */
export interface ServerTarget {
  readonly kind: 'server';
}

/** Operations that make objects; their identifier becomes the ID Placeholder. */
export interface CreationTarget {
  readonly kind: 'creation';
}

/** Operations about many objects or none. */
export interface ConversationTarget {
  readonly kind: 'conversation';
}

/** Operations on one existing object, named in the request or by the ID Placeholder. */
export interface ObjectTarget {
  readonly kind: 'object';
  /** Object types the operation accepts; all when left out. */
  readonly types?: readonly ObjectTypeName[];
  /** Reason that 1.x clients get for an object of another type; Illegal Operation when left out. */
  readonly legacyReason?: Reason;
  /** Accepts archived objects too. */
  readonly archived?: boolean;
  /** Accepts destroyed objects too, of which only attributes are left. */
  readonly destroyed?: boolean;
  /** Request field that names the object. */
  readonly identifiedBy?: 'UniqueIdentifier' | 'PrivateKeyUniqueIdentifier';
}

/** The things an operation works on, which decide the checks before its handler runs. */
export type OperationTarget = ServerTarget | CreationTarget | ConversationTarget | ObjectTarget;

/** Target of an operation about the server itself. */
export function server(): ServerTarget {
  return { kind: 'server' };
}

/** Target of an operation that makes objects. */
export function creation(): CreationTarget {
  return { kind: 'creation' };
}

/** Target of an operation about many objects or none. */
export function conversation(): ConversationTarget {
  return { kind: 'conversation' };
}

/** Target of an operation on one existing object, which its handler gets as `context.object`. */
export function object(options: Omit<ObjectTarget, 'kind'> = {}): ObjectTarget {
  return { kind: 'object', ...options };
}

/**
 * What a Right of a ticket allows of an operation when it is limited to objects or Object Groups (KMIP 2.1
 * §9.19). Each operation has to state it: what belongs to the whole group or to its clients is not among the
 * objects of a Right.
 *
 * - `objects`: work on the objects of the Right; new objects have to be in one of its Object Groups.
 * - `new-objects`: the operation only makes objects, so the Right needs Object Groups.
 * - `own-jobs`: asynchronous requests that were sent with the same ticket.
 * - `public`: the answer does not depend on the group and changes nothing of it.
 * - `nothing`: the operation is refused.
 */
export type LimitedRight = 'objects' | 'new-objects' | 'own-jobs' | 'public' | 'nothing';

type ContextOf<T extends OperationTarget> = T extends ObjectTarget ? ObjectContext : Context;

/** An operation: `Q` is the schema of its request payload, `R` that of its response payload. */
export interface OperationDefinition<
  Q extends Struct = Struct,
  R extends Struct = Struct,
  T extends OperationTarget = OperationTarget,
> {
  readonly name: OperationName;
  /** First version that offers the operation. */
  readonly since: Version;
  /** Last version that offers the operation; all later ones too when left out. */
  readonly until?: Version;
  readonly request: Q;
  readonly response: R;
  readonly target: T;
  /** What a Right allows of the operation that is limited to objects or Object Groups. */
  readonly limitedRight: LimitedRight;
  /**
   * `unused`: the operation needs the attributes of objects alone, so that values in direct mode are not
   * opened, and it works while the token is away. Opened when left out.
   */
  readonly values?: 'unused' | undefined;
  /** Sent by the server only: Query names the operation, a client that requests it is refused. */
  readonly direction?: 'server-to-client';
  /**
   * Whether the request may take longer than clients wait; a client that allows it then gets a pending
   * answer.
   */
  slow?(request: Infer<Q>, work: Work): boolean | Promise<boolean>;
  /** Executes the request and returns the response payload. Throws KmipError for a refusal. */
  handle(request: Infer<Q>, context: ContextOf<T>): Promise<Infer<R>> | Infer<R>;
}

/**
 * Defines an operation; the types of request, response and context follow from the schemas and the target.
 */
export function operation<Q extends Struct, R extends Struct, T extends OperationTarget>(
  definition: OperationDefinition<Q, R, T>,
): OperationDefinition<Q, R, T> {
  return definition;
}

/** Defines an operation that the server sends to its clients. */
export function serverToClient<Q extends Struct, R extends Struct>(
  definition: Pick<OperationDefinition<Q, R>, 'name' | 'since' | 'request' | 'response'>,
): OperationDefinition<Q, R, ConversationTarget> {
  return {
    ...definition,
    direction: 'server-to-client',
    target: conversation(),
    limitedRight: 'nothing',
    handle() {
      throw new TypeError(`${definition.name} is never performed here`);
    },
  };
}

/** An operation whose payload types have been erased, as tables hold it. */
// biome-ignore lint/suspicious/noExplicitAny: the table mixes all request and response types
export type AnyOperation = OperationDefinition<any, any, any>;
