import { type Command, homeOption, print, printError, readTime, storeOption } from '../../command.ts';
import { CommandError } from '../../failure.ts';
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
    const { since, until } = options;
    const bounds = {
      since: since === undefined ? undefined : readTime('since', since),
      until: until === undefined ? undefined : readTime('until', until),
    };
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
