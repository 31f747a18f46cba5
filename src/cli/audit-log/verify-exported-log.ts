import { verifyExport } from '../../audit/export/verify-export.ts';
import type { StateDirectory } from '../state-directory/state-directory.ts';
import { createPause } from '../state-directory/verify-database.ts';
import { createReview, findDroppedChains, type LogReport, reportOf } from './verify-log.ts';

/**
 * Verifies an export against its own checkpoints, and those that the operator gives. The keys of the state
 * directory are trusted, where there are any.
 * @throws {UnusableFileError} or the system's error, for files that cannot be read
 */
export async function verifyExportOf(
  stateDirectory: Pick<StateDirectory, 'audit'>,
  file: string,
  { files, trusted }: { readonly files: readonly string[]; readonly trusted: readonly string[] },
): Promise<LogReport> {
  const review = createReview(stateDirectory, trusted);
  for (const given of files) review.addFile(given, 'given');
  const { log, checkpoints, starts, problems, bounds } = await verifyExport(file, review, createPause());
  const { since, until } = bounds;
  // What has ended outside of a part is not in it.
  if (until === null)
    for (const problem of findDroppedChains(checkpoints, log, starts)) problems.add(problem);
  const report = reportOf(log, checkpoints, problems);
  if (since === null && until === null) return report;
  const part = `the export is a part of the log: ${since ?? 'its beginning'} to ${until ?? 'its end'}`;
  return { ...report, notes: [...report.notes, part] };
}
