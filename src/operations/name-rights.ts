import { fail, MissingPermissionError } from '../common/errors.ts';
import { readJson, writeJson } from '../common/json.ts';
import type { AttributeSet } from '../object/attribute-set.ts';
import { isMaker, type Maker } from '../object/maker.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { namesOf, nameTexts } from '../object/names.ts';
import type { Context } from './context.ts';
import { identifierIn } from './record-identifiers.ts';

/**
 * Who decides on Names: the client that made an object, as long as it is enrolled, and clients with the
 * permission `ForeignNames` (docs/decisions/41-names-and-their-makers.md).
 */

/** Kind of the records of Names that are reserved to a client, by group and Name. */
export const reservedNameKind = 'reserved-name';

/** Whether the client may decide on the Names of what `maker` has made. */
async function mayChangeNamesOf(
  maker: Maker | undefined,
  { principal, renewedAccess }: Context,
): Promise<boolean> {
  if (maker === undefined || isMaker(maker, principal)) return true;
  // The Rights of a ticket name operations only, so a ticket with Rights has no permission beside them.
  if (principal.rights === undefined && principal.may('ForeignNames')) return true;
  return !(await renewedAccess.isEnrolled(maker));
}

/**
 * Refuses a client that may not decide on the Names of the object.
 * @throws {KmipError} PermissionDenied
 */
export async function requireMayChangeNames({ maker }: ManagedObject, context: Context): Promise<void> {
  if (await mayChangeNamesOf(maker, context)) return;
  const { client, rights } = context.principal;
  if (rights !== undefined)
    fail(
      'PermissionDenied',
      'with Rights of a ticket Names of the objects of other clients stay as they are',
    );
  throw new MissingPermissionError(client, 'ForeignNames', ', and another client made the object');
}

/**
 * Refuses to destroy a Template with a Name to a client that may not decide on its Names: another Template of
 * the Name, of that client perhaps, would take its place without a word.
 * @throws {KmipError} PermissionDenied
 */
export async function requireMayDestroy(target: ManagedObject, context: Context): Promise<void> {
  if (target.type === 'Template' && nameTexts(target.attributes).size > 0)
    await requireMayChangeNames(target, context);
}

/**
 * Refuses Names and Alternative Names that a request adds when it replaces an object of another client: the
 * replacement belongs to the same client.
 * @throws {KmipError} PermissionDenied
 */
export async function requireMayAddNames(
  replaced: ManagedObject,
  attributes: AttributeSet,
  context: Context,
): Promise<void> {
  const added = namesOf(attributes).difference(namesOf(replaced.attributes));
  if (added.size > 0) await requireMayChangeNames(replaced, context);
}

function idOf(name: string, { crypto, principal }: Context): string {
  return identifierIn(principal.group, name, crypto);
}

/** Whether a Name of the group is reserved to a client whose Names the principal may not change. */
export async function isReserved(name: string, context: Context): Promise<boolean> {
  const content = await context.work.records.load(reservedNameKind, idOf(name, context));
  return content !== undefined && !(await mayChangeNamesOf(readJson<Maker>(content), context));
}

/**
 * Reserves the Names that an object has given up to the client that made it, with unique Names. The
 * reservation expires, so that renaming does not fill the database.
 */
export async function reserveNames(
  { maker }: ManagedObject,
  names: Iterable<string>,
  context: Context,
): Promise<void> {
  const { server, work, limits, now } = context;
  if (!server.uniqueNames || maker === undefined) return;
  for (const name of names) {
    const id = idOf(name, context);
    // A record has to be loaded to be replaced.
    await work.records.load(reservedNameKind, id);
    work.records.put(reservedNameKind, id, writeJson(maker), now + limits.reservedNameSeconds);
  }
}

/** Reserves the Names that the object had and has no more. `before` are the Names that it had. */
export function reserveGivenUp(
  object: ManagedObject,
  before: ReadonlySet<string>,
  context: Context,
): Promise<void> {
  return reserveNames(object, before.difference(nameTexts(object.attributes)), context);
}
