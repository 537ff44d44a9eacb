/** What Windows allows: the DLL, its publisher, the driver, the adapters there are. */

import { inspectWintun, listWintunAdapters, wintunDriverVersion } from '../../index.ts';
import { describeError } from '../errors.ts';
import type { Finding } from './finding.ts';

export async function windowsFindings(): Promise<Finding[]> {
  const dll = await wintunDll();
  // What is not trusted is not loaded to be asked.
  return dll.ok === true ? [dll, await driver(), await adapters()] : [dll, await adapters()];
}

async function wintunDll(): Promise<Finding> {
  const name = 'wintun-dll';
  try {
    const { path, from } = await inspectWintun();
    return { name, ok: true, detail: `${path} (${from}), signed by its publisher` };
  } catch (error) {
    return {
      name,
      ok: false,
      detail: describeError(error),
      remedy: 'put the wintun.dll of https://www.wintun.net beside your program',
    };
  }
}

async function driver(): Promise<Finding> {
  const name = 'wintun-driver';
  try {
    const version = await wintunDriverVersion();
    return version === undefined
      ? { name, ok: undefined, detail: 'no driver runs yet: the first adapter brings it along' }
      : { name, ok: true, detail: `the driver runs, version ${version}` };
  } catch (error) {
    return { name, ok: false, detail: describeError(error) };
  }
}

async function adapters(): Promise<Finding> {
  const name = 'wintun-adapters';
  try {
    const found = await listWintunAdapters();
    const names = found.map((one) => `${one.name} (${one.description})`);
    return {
      name,
      ok: undefined,
      detail: names.length === 0 ? 'there are none' : names.join(', '),
    };
  } catch (error) {
    return { name, ok: undefined, detail: describeError(error) };
  }
}
