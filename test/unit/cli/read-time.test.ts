import t from 'tap';
import { readTime } from '../../../src/cli/command.ts';

t.test('a day, and a time with its zone, are read', async (t) => {
  for (const [text, expected] of [
    ['2026-11-30', '2026-11-30T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2026-11-30T12:00Z', '2026-11-30T12:00:00.000Z'],
    ['2026-11-30T12:00:00.5+01:00', '2026-11-30T11:00:00.500Z'],
  ] as const)
    t.equal(new Date(readTime('until', text)).toISOString(), expected, text);
});

t.test('days that a month lacks, times without a zone and other texts are refused', async (t) => {
  for (const text of [
    ...['2026-02-29', '2026-02-31T12:00:00Z', '2026-04-31', '2026-13-01', '2026-00-10', '2026-11-00'],
    ...[
      '2026-11-30T12:00:00',
      '2026-11-30T25:00Z',
      '2026-11-30 12:00:00Z',
      '30.11.2026',
      'tomorrow',
      '',
      '1',
    ],
    ...['1969-12-31', '-2026-11-30', '2026-11-30T12:00:00Z '],
  ])
    t.throws(() => readTime('until', text), /^--until must be a day/, text);
});
