/**
 * What every link must do: each sentence of `src/link/link.ts` as a test, written in terms of UDP
 * datagrams so that it runs against a kernel as well as in process.
 */

import { test } from 'node:test';
import { deviceContract } from './device.ts';
import { giveContract } from './give.ts';
import type { Contract, MakeSubject } from './subject.ts';
import { takeContract } from './take.ts';
import { waitingContract } from './waiting.ts';

/**
 * Registers the tests.
 *
 * @param name The link's `kind`.
 * @param variant What tells these tests from others of the same link.
 */
export function linkContract(name: string, make: MakeSubject, variant = ''): void {
  const contract: Contract = (what, run, change = {}) => {
    test(`${name}${variant}: ${what}`, async () => {
      const subject = await make(change);
      try {
        await run(subject);
      } finally {
        await subject.close();
      }
    });
  };
  deviceContract(contract, name);
  takeContract(contract);
  giveContract(contract);
  waitingContract(contract);
}
