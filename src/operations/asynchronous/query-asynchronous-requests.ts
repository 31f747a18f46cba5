import { Operation, ProcessingStage } from '../../../codec/enums.ts';
import { bytes, dateExtended, many, maybe, one, struct } from '../../../codec/schema.ts';
import { Operations } from '../../../codec/structures/query.ts';
import type { Context } from '../context.ts';
import { conversation, operation } from '../operation.ts';
import {
  correlationValue,
  type DoneJob,
  type Job,
  jobKinds,
  mayAsk,
  readJobRecord,
  type WaitingJob,
} from './jobs.ts';

/** KMIP 2.1 §7 "Asynchronous Correlation Values". */
const AsynchronousCorrelationValues = struct({ AsynchronousCorrelationValue: many(bytes) });

/** KMIP 2.1 §7 "Asynchronous Request". */
const AsynchronousRequest = struct({
  AsynchronousCorrelationValue: one(bytes),
  Operation: one(Operation),
  SubmissionDate: one(dateExtended),
  ProcessingStage: one(ProcessingStage),
});

/**
 * Query Asynchronous Requests (KMIP 2.1 §6.1.41): the client's requests that were answered as pending and
 * whose answers it has not fetched yet: pending ones first, each group oldest first; with filters, those that
 * match both.
 */
export const QueryAsynchronousRequests = operation({
  name: 'QueryAsynchronousRequests',
  since: '2.1',
  request: struct({
    AsynchronousCorrelationValues: maybe(AsynchronousCorrelationValues),
    Operations: maybe(Operations),
  }),
  response: struct({ AsynchronousRequest: many(AsynchronousRequest) }),
  target: conversation(),
  limitedRight: 'own-jobs',
  values: 'unused',
  async handle(request, context) {
    const { AsynchronousCorrelationValues: named, Operations: limited } = request;
    const values = named && new Set(named.AsynchronousCorrelationValue.map((value) => value.toHex()));
    const operations = limited && new Set(limited.Operation);
    return {
      AsynchronousRequest: await listOutstanding(
        {
          isAsked: (operation) => operations?.has(operation) ?? true,
          isNamed: (value) => values?.has(value.toHex()) ?? true,
        },
        context,
      ),
    };
  },
});

/** What the request asks for. The operation is compared first, because that costs less than the value. */
interface Selection {
  isAsked(operation: Operation): boolean;
  isNamed(correlationValue: Uint8Array): boolean;
}

async function listOutstanding({ isAsked, isNamed }: Selection, context: Context) {
  const {
    work: { records },
    limits,
    jobs,
    now,
  } = context;
  const loadOwn = async <T extends Job | DoneJob>(kind: string) => {
    const own: { readonly id: string; readonly record: T }[] = [];
    for (const { id, content } of await records.list(kind, limits.jobs)) {
      const record = readJobRecord<T>(content);
      if (await mayAsk(record, context)) own.push({ id, record });
    }
    return own;
  };
  const waiting = (await loadOwn<WaitingJob>(jobKinds.waiting)).filter(
    ({ record }) => record.approval.expiresAt > now,
  );
  const unfinished = [...waiting, ...(await loadOwn<Job>(jobKinds.pending))];
  unfinished.sort(({ record: a }, { record: b }) => a.submitted - b.submitted);
  const pending = unfinished.flatMap(({ id, record: { items, submitted } }) => {
    const stage = jobs.isRunning(id) ? 'InProcess' : 'Submitted';
    return items.flatMap(({ operation, cancelled }, index) =>
      cancelled === true || !isAsked(operation)
        ? []
        : [describeRequest(id, index, operation, submitted, stage)],
    );
  });
  const done = (await loadOwn<DoneJob>(jobKinds.done)).flatMap(({ id, record: { items, submitted } }) =>
    items.flatMap(({ operation, cancelled, fetched }, index) =>
      cancelled === true || fetched === true || !isAsked(operation)
        ? []
        : [describeRequest(id, index, operation, submitted, 'Completed')],
    ),
  );
  return [...pending, ...done].filter(({ AsynchronousCorrelationValue: value }) => isNamed(value));
}

function describeRequest(
  id: string,
  index: number,
  operation: Operation,
  submitted: number,
  stage: ProcessingStage,
) {
  return {
    AsynchronousCorrelationValue: correlationValue(id, index),
    Operation: operation,
    SubmissionDate: BigInt(submitted),
    ProcessingStage: stage,
  };
}
