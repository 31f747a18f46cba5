import { type Command, homeOption, print, printError, storeOption } from '../../command.ts';
import { CommandError, UsageError } from '../../failure.ts';
import { stateDirectoryAt } from '../../state-directory/state-directory.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
  readonly file: string;
  readonly since?: string;
  readonly until?: string;
}

/** The command `audit export`. */
export const auditExport: Command<Arguments> = {
  command: 'export <file>',
  describe: 'Write the audit log to a file that can be verified without this home and its database',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', describe: 'File of JSON lines, which is replaced as a whole' })
      .options(homeOption)
      .options(storeOption)
      .option('since', {
        type: 'string',
        requiresArg: true,
        describe: 'Leave out what was written before: 2026-11-29, or 2026-11-29T10:00:00Z',
      })
      .option('until', { type: 'string', requiresArg: true, describe: 'Leave out what was written later' }),
  async run({ home, store, file, ...options }) {
    const bounds = { since: readTime('since', options.since), until: readTime('until', options.until) };
    const { withBackends } = await import('../../state-directory/backends.ts');
    const { verifyLog } = await import('../../audit-log/verify-log.ts');
    const { LogExporter } = await import('../../audit-log/export-log.ts');
    const { ExportWriter } = await import('../../../audit/export/export-writer.ts');
    const { Progress } = await import('../../../common/progress.ts');
    const stateDirectory = stateDirectoryAt(home);
    const { report, blocks } = await withBackends(
      stateDirectory,
      store,
      async (backends) => {
        using writer = new ExportWriter(file);
        const progress = new Progress(0, print, 'exported');
        const exporter = new LogExporter(writer, stateDirectory.audit, bounds, (passed, total) =>
          progress.add(passed, total),
        );
        const evidence = { files: [], trusted: [] };
        return {
          report: await verifyLog(stateDirectory, backends, evidence, exporter),
          blocks: exporter.blocks,
        };
      },
      'verify',
    );
    const { problems, unlisted } = report;
    for (const problem of problems) printError(`kmipd: ${problem}`);
    print(`${file}: ${blocks} of ${report.blocks} blocks of the audit log`);
    if (problems.length > 0)
      throw new CommandError(
        `the log was exported as it is; ${problems.length + unlisted} problems were found`,
      );
  },
};

/** Reads a day, or a time with its zone. @throws {UsageError} */
function readTime(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(value);
  const time = isTime ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new UsageError(
    `--${name} must be a day or a time with its zone: 2026-11-29, or 2026-11-29T10:00:00Z`,
  );
}
