/** The files of the page, each under a path that is known beforehand: no path of a request is ever opened. */

import { readFile } from 'node:fs/promises';
import { PAGE_HTML, PAGE_ICON } from './html.ts';
import { PAGE_STYLE } from './style.ts';

const SCRIPTS = [
  'bars',
  'details',
  'diagram',
  'dom',
  'format',
  'history',
  'list',
  'main',
  'plot',
  'stream',
] as const;
const SCRIPT_TYPE = 'text/javascript; charset=utf-8';
/** They are compiled with the rest, and are what browsers run. */
const COMPILED = new URL('../page/', import.meta.url);

export interface PageFile {
  readonly type: string;
  body(): Promise<string | Buffer>;
}

/** By path. */
export const PAGE_FILES: ReadonlyMap<string, PageFile> = new Map<string, PageFile>([
  ['/', text('text/html; charset=utf-8', PAGE_HTML)],
  ['/style.css', text('text/css; charset=utf-8', PAGE_STYLE)],
  ['/icon.svg', text('image/svg+xml', PAGE_ICON)],
  ...SCRIPTS.map((name): [string, PageFile] => [
    `/page/${name}.js`,
    { type: SCRIPT_TYPE, body: () => readFile(new URL(`${name}.js`, COMPILED)) },
  ]),
]);

function text(type: string, body: string): PageFile {
  return { type, body: () => Promise.resolve(body) };
}
