import { useIn } from './ledger.ts';
import { dataIn, idIn, type Observation, rowAfter, rowBefore, valueIn } from './observation.ts';
import { hasRecord } from './rows.ts';

/** Invariants about what has left the server: it is counted and recorded, whatever becomes of the message. */

/** Uses of a key that left the server are counted in its Usage Limits. */
export function usesAreCounted(observation: Observation): string | undefined {
  for (const [id, { uses }] of observation.ledger.histories) {
    const row = uses > 0n ? rowAfter(observation, id) : undefined;
    if (row === undefined) continue;
    const limits = row.attributes.get('UsageLimits');
    if (limits === undefined) return `${uses} of the uses of ${id} have left, and it has no limits any more`;
    const { UsageLimitsTotal: total, UsageLimitsCount: left = total } = limits;
    if (total - left < uses) return `${uses} of ${id} used, ${total - left} counted`;
  }
  return undefined;
}

/** Requests and uses of a ticket that were answered are within its bounds. */
export function ticketsAreCounted({ ledger }: Observation): string | undefined {
  for (const [{ requests, uses }, spent] of ledger.spent) {
    if (requests !== undefined && spent.requests > requests)
      return `a ticket for ${requests} requests has authenticated ${spent.requests}`;
    if (uses !== undefined && spent.uses > uses) return `a ticket for ${uses} uses has given ${spent.uses}`;
  }
  return undefined;
}

/** Values that left the server are of objects that it has, which are no longer Fresh. */
export function valuesAreOfObjects(observation: Observation): string | undefined {
  for (const result of observation.results) {
    const id = idIn(result);
    if (valueIn(result) === undefined || id === undefined) continue;
    const row = rowAfter(observation, id);
    if (row === undefined) return `${id} was shown, and the server does not have it`;
    const isReplaced = observation.results.some(
      (each) => each.operation === 'Import' && idIn(each) === id && each.answer.status === 'Success',
    );
    if (result.operation === 'Get' && row.attributes.get('Fresh') === true && !isReplaced)
      return `${id} was shown and is Fresh`;
    if (row.type === 'Certificate' && isIssued(observation, id) === false)
      return `the certificate ${id} was shown, and no list of revoked ones could contain it`;
  }
  return undefined;
}

/** Whether the certificate is recorded among the issued ones; undefined when it was made elsewhere. */
function isIssued({ after, ledger, results }: Observation, id: string): boolean | undefined {
  const isOwn =
    ledger.histories.get(id)?.origin === 'Certify' ||
    results.some((each) => each.operation === 'Certify' && idIn(each) === id);
  return isOwn ? hasRecord(after, 'issued', id) : undefined;
}

/** A key whose output left the server is not Pre-Active afterwards. */
export function outputIsOfActiveKeys(observation: Observation): string | undefined {
  for (const result of observation.results) {
    const use = useIn(result);
    if (use === undefined) continue;
    const state = rowAfter(observation, use.id)?.state(observation.now);
    if (state === 'PreActive') return `${result.operation} by ${use.id}, which is Pre-Active`;
  }
  return undefined;
}

/** A value has left only where its object was stored before, or is now. */
export function outputIsOfStoredKeys(observation: Observation): string | undefined {
  for (const result of observation.results) {
    const id = idIn(result);
    if (id === undefined || id === '' || dataIn(result) === undefined) continue;
    if (rowBefore(observation, id) === undefined && rowAfter(observation, id) === undefined)
      return `${result.operation} by ${id}, which the server does not have`;
  }
  return undefined;
}
