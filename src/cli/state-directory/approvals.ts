import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagementCall, MethodName, ResultOf } from '../../management/api.ts';
import { ApprovalPendingError } from '../../management/errors.ts';
import { checkOf } from '../../management/results.ts';
import { printError } from '../command.ts';
import { CommandError } from '../failure.ts';

const pollMilliseconds = 1_000;

/**
 * Returns calls that wait until another administrator has decided, where that is needed, and then have the
 * result of the method.
 * @param waitSeconds 0: a call that needs an approval fails at once, and the request stays
 */
export function withApprovals(call: ManagementCall, waitSeconds: number): ManagementCall {
  if (waitSeconds === 0) return call;
  return async (method, params) => {
    try {
      return await call(method, params);
    } catch (error) {
      if (!(error instanceof ApprovalPendingError)) throw error;
      printError(error.message);
      return waitForDecision(call, method, error.request, waitSeconds);
    }
  };
}

/** @throws {CommandError} when it is rejected or fails, or nobody decides in time */
async function waitForDecision<M extends MethodName>(
  call: ManagementCall,
  method: M,
  id: string,
  waitSeconds: number,
): Promise<ResultOf<M>> {
  const isResult = checkOf(method);
  for (const end = performance.now() + waitSeconds * 1000; performance.now() < end; ) {
    const { state, decidedBy, result, problem } = await call('approval.outcome', { id });
    if (state === 'rejected') throw new CommandError(`${decidedBy} has rejected the request ${id}`);
    if (state === 'failed') throw new CommandError(`approved by ${decidedBy}, and refused: ${problem}`);
    if (state === 'done') {
      if (!isResult(result)) throw new TypeError(`the result of ${method} has another form`);
      printError(`approved by ${decidedBy}`);
      return result;
    }
    await sleep(pollMilliseconds);
  }
  throw new CommandError(
    `nobody has decided about the request ${id} within ${waitSeconds} seconds; it stays`,
  );
}
