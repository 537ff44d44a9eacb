/** A real browser, without a window. */

import { accessSync, constants, copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const PLACES = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const SCREENS = 'build/screens';
const IMAGES = 'docs/images';

/** Why no test in a browser can run here, or false. */
export const browserSkip: string | false =
  executable() === undefined && 'needs Chromium (package chromium, or its path in CHROMIUM)';

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: executable()!,
    // Its sandbox takes rights that not every test machine gives; the only pages are ours.
    args: [
      '--force-color-profile=srgb',
      '--disable-gpu',
      '--no-sandbox',
      '--disable-dev-shm-usage',
    ],
  });
}

/** Where a picture of this name goes. With TYPETUN_IMAGES=1 {@link keepPicture} puts it into the documents. */
export function picturePath(name: string): string {
  mkdirSync(SCREENS, { recursive: true });
  return join(SCREENS, name);
}

export function keepPicture(name: string): void {
  if (process.env['TYPETUN_IMAGES'] === '1') copyFileSync(join(SCREENS, name), join(IMAGES, name));
}

function executable(): string | undefined {
  return PLACES.find((path) => {
    try {
      accessSync(path ?? '', constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
