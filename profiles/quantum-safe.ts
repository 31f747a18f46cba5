import type { Profile } from './profile.ts';

/** Protection Level, Protection Period and Quantum Safe; refuses keys that are not quantum-safe. */
export const quantumSafe: Profile = {
  name: 'Quantum Safe Server',
  servers: {
    '2.0': 'QuantumSafeServer',
    '2.1': 'QuantumSafeServer',
  },
  cases: ['QS-M-*'],
  supported: true,
};
