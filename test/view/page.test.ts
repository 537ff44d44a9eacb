/** The dashboard in a real browser. */

import assert from 'node:assert/strict';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { Observers } from 'typetun/observe';
import { browserSkip, keepPicture, launchBrowser, picturePath } from '../support/browser.ts';
import { exampleHost } from '../support/example-host.ts';
import { until } from '../support/until.ts';
import type { ScriptedControl } from '../support/scripted-control.ts';

const TOKEN = 'correct horse battery'.replaceAll(' ', '-');
const WIDE = { width: 1440, height: 1180 };
const NARROW = { width: 390, height: 844 };
/** Of a second each, so that the plot of two minutes is full. */
const LOOKS = 121;

describe('the page of the dashboard', { skip: browserSkip }, () => {
  let browser: Browser;
  let folder: string;

  before(async () => {
    browser = await launchBrowser();
    folder = mkdtempSync(join(tmpdir(), 'typetun-page-'));
    writeFileSync(join(folder, 'token'), `${TOKEN}\n`, { mode: 0o600 });
  });

  after(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What a page complains of: errors of its scripts, and what its policy forbids. */
  async function open(
    url: string,
    options: Parameters<Browser['newPage']>[0] = {},
  ): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage(options);
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        complaints.push(message.text());
    });
    await page.goto(url);
    return { page, complaints };
  }

  async function looked(control: ScriptedControl, times: number): Promise<void> {
    const looks = (): number => control.calls.filter((call) => call === 'statistics').length;
    const wanted = looks() + times;
    await until(() => looks() >= wanted);
  }

  test('shows adapters, states, rates and drops, in both colour schemes and on a small screen', async () => {
    const control = exampleHost();
    await using served = await Observers.open(control, {
      dashboard: '127.0.0.1:0',
      intervalMs: 10,
    });
    await looked(control, LOOKS);
    control.become('lab-bench', 'Pausing');
    control.become('lab-bench', 'Paused');
    for (const [name, viewport, colorScheme] of [
      ['dashboard-light.png', WIDE, 'light'],
      ['dashboard-dark.png', WIDE, 'dark'],
      ['dashboard-small.png', NARROW, 'light'],
    ] as const) {
      const { page, complaints } = await open(served.dashboardUrl!, { viewport, colorScheme });
      await page.locator('.live .node.lit[data-state="Running"]').waitFor();
      await page.screenshot({ path: picturePath(name), fullPage: true });
      keepPicture(name);
      await page.close();
      assert.deepEqual(complaints, []);
    }
  });
});
