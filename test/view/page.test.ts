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
import { ScriptedControl } from '../support/scripted-control.ts';

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
      if (viewport === WIDE) keepPicture(name);
      await page.close();
      assert.deepEqual(complaints, []);
    }
  });

  test('lights the states on the way of a pause, and takes the token for it', async () => {
    const control = exampleHost();
    await using served = await Observers.open(control, {
      dashboard: '127.0.0.1:0',
      dashboardTokenFile: join(folder, 'token'),
      intervalMs: 10,
    });
    await looked(control, LOOKS);
    const { page, complaints } = await open(served.dashboardUrl!, { viewport: WIDE });
    const lit = (state: string): Promise<void> =>
      page.locator(`.node.lit[data-state="${state}"]`).waitFor();
    await page.locator('#token').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('This token is wrong.').waitFor();
    await page.screenshot({ path: picturePath('dashboard-token.png') });
    await page.locator('#token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await lit('Running');
    assert.equal(await page.locator('.mode').textContent(), 'live');

    // The page is told of both states at once; each is seen all the same.
    const seen = Promise.all([lit('Pausing'), lit('Paused')]);
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await seen;
    assert.ok(await page.getByRole('button', { name: 'Pause', exact: true }).isDisabled());
    assert.equal(await page.locator('.edge.lit').count(), 1, 'the way from Pausing to Paused');
    await page.getByText('wg-office is Paused').waitFor();
    await page.screenshot({ path: picturePath('dashboard-paused.png') });
    keepPicture('dashboard-paused.png');
    await page.getByRole('button', { name: 'Restart', exact: true }).click();
    await lit('Running');
    assert.deepEqual(
      control.calls.filter((call) => call.includes(' ')),
      ['adapter.pause wg-office', 'adapter.restart wg-office'],
    );

    await page.getByRole('button', { name: /fast-path/ }).click();
    await page.getByText('A client has the descriptor').waitFor();
    await page.reload();
    await lit('Running');
    assert.equal(page.url(), served.dashboardUrl, 'the token is in no address');
    // What a wrong token is answered with is all that a browser notes.
    assert.deepEqual(
      complaints.filter((text) => !text.includes('401')),
      [],
    );
    await page.close();
  });

  test('says so when the host ends, and comes back with it', async () => {
    const first = await Observers.open(exampleHost(), { dashboard: '127.0.0.1:0', intervalMs: 20 });
    const { page } = await open(first.dashboardUrl!);
    await page.getByText('live, read-only').waitFor();
    const { host } = new URL(first.dashboardUrl!);
    await first.close();
    await page.getByText('not connected').waitFor();
    await using _second = await Observers.open(exampleHost(), { dashboard: host, intervalMs: 20 });
    await page.getByText('live, read-only').waitFor();
    await page.close();
  });

  test('shows no name as markup', async () => {
    const name = '<img src=x onerror=alert(1)>';
    await using served = await Observers.open(new ScriptedControl([{ name }], 1), {
      dashboard: '127.0.0.1:0',
      intervalMs: 20,
    });
    const { page, complaints } = await open(served.dashboardUrl!);
    await page.locator('.live h1').waitFor();
    assert.equal(await page.locator('h1').textContent(), name);
    assert.equal(await page.locator('img').count(), 0);
    assert.deepEqual(complaints, []);
    await page.close();
  });

  test('puts no text upon another, however wide the page is', async () => {
    const control = exampleHost();
    await using served = await Observers.open(control, {
      dashboard: '127.0.0.1:0',
      intervalMs: 20,
    });
    await looked(control, 10);
    const { page } = await open(served.dashboardUrl!);
    for (const width of [1440, 1100, 961, 800, 640, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await page.locator('.live .node.lit').waitFor();
      await looked(control, 2);
      const overlaps = await page.evaluate(OVERLAPS);
      assert.deepEqual(overlaps, [], `at ${width} pixels`);
    }
    await page.close();
  });
});

/** Runs in the page: pairs of texts whose boxes meet, and what is wider than the page. */
const OVERLAPS = `(() => {
  const boxes = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (text.data.trim() === '' || !text.parentElement.checkVisibility()) continue;
    if (text.parentElement.tagName.toLowerCase() === 'title') continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const box of range.getClientRects()) boxes.push({ text: text.data, box });
  }
  const found = [];
  for (const [index, one] of boxes.entries()) {
    for (const other of boxes.slice(index + 1)) {
      const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      if (wide > 1 && high > 3) found.push(one.text + ' | ' + other.text);
    }
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls sideways');
  return found;
})()`;
