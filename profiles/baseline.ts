import type { Profile } from './profile.ts';

/** Locate to Destroy, Query, batches with Undo: the base of every other profile. */
export const baseline: Profile = {
  name: 'Baseline Server',
  servers: {
    '1.2': 'BaselineServerBasicKMIPV1_2',
    '1.3': 'BaselineServerBasicKMIPV1_3',
    '1.4': 'BaselineServerBasicKMIPV1_4',
    '2.0': 'BaselineServer',
    '2.1': 'BaselineServer',
  },
  cases: ['BL-M-*'],
  supported: true,
};
